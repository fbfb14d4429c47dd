import { isSharableName } from '../../access/targets.ts';
import { command } from '../command.ts';
import { readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';

/** DELETE: RFC 9051 §6.3.5, imap-server §7; folders below stay. */
export const deleteMailbox = command({
  names: ['DELETE'],
  state: 'authenticated',
  refuse: {
    cannot: 'Cannot delete this folder.',
    unavailable: 'Cannot delete this folder.',
    inUse: 'Cannot delete currently-open folder.',
    invalidName: 'Mailbox does not exist, or must be subscribed to.',
  },
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  async run(_session, state, name) {
    const { mailboxes } = state;
    if (name.endsWith('.')) return ok('Folder directory delete punted.');
    const target = mailboxes.resolve(name);
    if (state.kind === 'selected' && state.mailbox.name === target.name) {
      return no('Cannot delete currently-open folder.');
    }
    await mailboxes.delete(name);
    return ok(isSharableName(name) ? 'UNSUBSCRIBEd a shared folder.' : 'Folder deleted.');
  },
});
