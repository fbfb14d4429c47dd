import { needed } from '../../access/rights.ts';
import { command } from '../command.ts';
import { deletedUids } from '../deleted.ts';
import { expungeLogged } from '../expunge-logged.ts';
import { ok } from '../reply.ts';

/** CLOSE: RFC 9051 §6.4.1; expunges without telling. */
export const close = command({
  names: ['CLOSE'],
  state: 'selected',
  parse: () => undefined,
  async run(session, state) {
    const { mailbox } = state;
    if (!mailbox.readOnly && mailbox.rights.includes(needed.expunge)) {
      const uids = deletedUids(state, undefined);
      await expungeLogged(session, state, uids);
    }
    session.unselect();
    return ok('mailbox closed.');
  },
});

/** UNSELECT: RFC 3691. */
export const unselect = command({
  names: ['UNSELECT'],
  state: 'selected',
  parse: () => undefined,
  run(session) {
    session.unselect();
    return ok('mailbox closed.');
  },
});
