import { needed } from '../../access/rights.ts';
import { turnAfter } from '../../store/slices.ts';
import { command } from '../command.ts';
import { deletedUids } from '../deleted.ts';
import { expungeLogged } from '../expunge-logged.ts';
import { readMessageSet, resolveMessages } from '../message-set.ts';
import { no, ok } from '../reply.ts';

/** EXPUNGE: RFC 9051 §6.4.3; UID EXPUNGE: RFC 4315 §2.1. */
export const expunge = command({
  names: ['EXPUNGE', 'UID EXPUNGE'],
  state: 'selected',
  changes: 'send',
  parse: (args, by) => (by === 'uid' ? readMessageSet(args, by) : undefined),
  async run(session, state, messages) {
    const { mailbox } = state;
    if (!mailbox.rights.includes(needed.expunge)) {
      return no('[NOPERM] Access denied for EXPUNGE on current mailbox (ACL "e" required)');
    }
    if (mailbox.readOnly) return no('Cannot expunge read-only mailbox.');
    const ranges = messages && resolveMessages(session, state, messages);
    const uids = deletedUids(state, ranges);
    await turnAfter(uids.length);
    await expungeLogged(session, state, uids);
    return ok('EXPUNGE completed');
  },
});
