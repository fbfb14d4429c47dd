import { isSharableName } from '../../access/targets.ts';
import { command } from '../command.ts';
import { readMailbox } from '../parser/mailbox-name.ts';
import { ok } from '../reply.ts';

const refuse = {
  cannot: 'Cannot subscribe to this folder.',
  unavailable: 'Cannot subscribe to this folder.',
} as const;

/** SUBSCRIBE: RFC 9051 §6.3.7; the mailbox need not exist. */
export const subscribe = command({
  names: ['SUBSCRIBE'],
  state: 'authenticated',
  refuse,
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  async run(_session, { mailboxes }, name) {
    if (name.endsWith('.')) return ok('Folder directory subscribe punted.');
    const isNew = await mailboxes.subscribe(name);
    if (!isSharableName(name)) return ok('Folder subscribed.');
    return ok(isNew ? 'SUBSCRIBE completed.' : 'Already subscribed.');
  },
});

/** UNSUBSCRIBE: RFC 9051 §6.3.8. */
export const unsubscribe = command({
  names: ['UNSUBSCRIBE'],
  state: 'authenticated',
  refuse,
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  async run(_session, { mailboxes }, name) {
    if (name.endsWith('.')) return ok('Folder directory unsubscribe punted.');
    await mailboxes.unsubscribe(name);
    return ok(isSharableName(name) ? 'UNSUBSCRIBE completed.' : 'Folder unsubscribed.');
  },
});
