import { command } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { mailboxName, readMailbox } from '../parser/mailbox-name.ts';
import { no, ok } from '../reply.ts';
import { shownRights } from '../rights.ts';
import type { ImapSession } from '../session-loop.ts';
import { quoted } from '../writer.ts';

/** MYRIGHTS: RFC 4314 §3.5. */
export const myRights = command({
  names: ['MYRIGHTS'],
  state: 'authenticated',
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  async run(session, { mailboxes }, name) {
    const rights = shownRights(await mailboxes.rights(name));
    session.writer.line(`* MYRIGHTS ${mailboxName(name, session.utf8)} "${rights}"`);
    return ok('GETACL completed.');
  },
});

/** GETACL: RFC 4314 §3.3. The owner is the one who has rights here. */
export const getAcl = command({
  names: ['GETACL'],
  state: 'authenticated',
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  async run(session, { mailboxes }, name) {
    const rights = shownRights(await mailboxes.rights(name));
    session.writer.line(`* ACL ${mailboxName(name, session.utf8)} "owner" "${rights}"`);
    return ok('GETACL completed.');
  },
});

/** LISTRIGHTS: RFC 4314 §3.4. */
export const listRights = command({
  names: ['LISTRIGHTS'],
  state: 'authenticated',
  parse: (args, _by, session) => readMailboxAndIdentifier(args, session),
  async run(session, { mailboxes }, { name, identifier }) {
    await mailboxes.rights(name);
    const names = `${mailboxName(name, session.utf8)} ${quoted(identifier)}`;
    session.writer.line(`* LISTRIGHTS ${names} "" "a" "c" "d" "i" "l" "r" "s" "w"`);
    return ok('GETACL completed.');
  },
});

/** SETACL and DELETEACL: rights cannot be given to others yet. */
export const setAcl = command({
  names: ['SETACL', 'DELETEACL'],
  state: 'authenticated',
  parse(args, _by, session) {
    readMailboxAndIdentifier(args, session);
    if (!args.atEnd) args.astring();
  },
  run: () => no('[CANNOT] Access rights cannot be changed.'),
});

function readMailboxAndIdentifier(
  args: ArgumentReader,
  session: ImapSession,
): { name: string; identifier: string } {
  return { name: readMailbox(args, session.utf8), identifier: args.astring().octets.toString('latin1') };
}
