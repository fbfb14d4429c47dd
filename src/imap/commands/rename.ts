import { command } from '../command.ts';
import { readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';

/** RENAME: RFC 9051 §6.3.6, imap-server §7; UIDs stay, but for those of INBOX. */
export const rename = command({
  names: ['RENAME'],
  state: 'authenticated',
  refuse: {
    notFound: '[NONEXISTENT] RENAME failed: No such file or directory',
    exists: '[ALREADYEXISTS] RENAME failed: File exists',
    cannot: 'RENAME failed: Invalid argument',
  },
  parse: (args, _by, session) => ({
    from: readMailbox(args, session.utf8).replace(/\.$/, ''),
    to: readMailbox(args, session.utf8).replace(/\.$/, ''),
  }),
  async run(session, state, { from, to }) {
    const { mailboxes } = state;
    const source = mailboxes.resolve(from);
    const target = mailboxes.resolve(to);
    if (source.name === `INBOX.${session.settings.trashFolder}`)
      return no('Reserved folder name - cannot rename.');
    const open = state.kind === 'selected' ? state.mailbox.name : '';
    // Of INBOX only the messages go, and its sessions are told so.
    if (source.name !== 'INBOX' && `${open}.`.startsWith(`${source.name}.`))
      return no("Can't RENAME the currently-open folder");
    if (target.name === 'INBOX') return no('[ALREADYEXISTS] RENAME failed: File exists');
    await mailboxes.rename(from, to);
    return ok('Folder renamed.');
  },
});
