import { type AclChange, type AclEntry, AclRefused, readRights } from '../../access/acl.ts';
import type { Mailboxes } from '../../access/mailboxes.ts';
import { AccessDenied, mayKnowRights, type Rights } from '../../access/rights.ts';
import { MailError } from '../../base/mail-error.ts';
import { command } from '../command.ts';
import { mailboxName, readMailbox } from '../parser/mailbox-name.ts';
import { Refused } from '../refused.ts';
import { no, ok, type Reply } from '../reply.ts';
import { standardRights } from '../rights.ts';
import type { ImapSession } from '../session-loop.ts';
import { tellRights } from '../tell-rights.ts';
import { quoted } from '../writer.ts';

/** Identifiers that are the same in files and on the wire; all others are login names (quota-acl-shared §2.8). */
const sameOnTheWire = ['owner', 'anyone', 'anonymous', 'authuser', 'administrators'];

/** MYRIGHTS: RFC 4314 §3.5. */
export const myRights = command({
  names: ['MYRIGHTS'],
  state: 'authenticated',
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  run(session, { mailboxes }, name) {
    session.writer.line(myRightsLine(name, knownRights(mailboxes, name), session.utf8));
    tellRights(session);
    return ok('MYRIGHTS completed.');
  },
});

export function myRightsLine(name: string, rights: Rights, utf8: boolean): string {
  return `* MYRIGHTS ${mailboxName(name, utf8)} "${standardRights(rights)}"`;
}

/** GETACL: RFC 4314 §3.3. Groups cannot be said on the wire, and are left out. */
export const getAcl = command({
  names: ['GETACL'],
  state: 'authenticated',
  refuse: {
    unavailable: 'Cannot retrieve ACLs for mailbox.',
    cannot: 'Cannot retrieve ACLs for mailbox.',
  },
  parse: (args, _by, session) => readMailbox(args, session.utf8),
  run(session, { mailboxes }, name) {
    requireMailbox(mailboxes, name);
    const entries = mailboxes.acl(name).flatMap((entry) => wireEntry(entry));
    session.writer.line(`* ACL ${[mailboxName(name, session.utf8), ...entries].join(' ')}`);
    tellRights(session);
    return ok('GETACL completed.');
  },
});

/** LISTRIGHTS: RFC 4314 §3.4. */
export const listRights = command({
  names: ['LISTRIGHTS'],
  state: 'authenticated',
  parse: (args, _by, session) => ({
    name: readMailbox(args, session.utf8),
    identifier: args.astring().octets.toString(),
  }),
  run(session, { mailboxes }, { name, identifier }) {
    knownRights(mailboxes, name);
    const owner = mailboxes.owner(name) ?? '';
    const isOwner = owner !== '' && identifier.replace(/^user=/, '') === owner;
    const isTaken = ['-anyone', '-anonymous', `-${owner}`].includes(identifier);
    const tail = isOwner
      ? '"al" c d e i k p r s t w x'
      : isTaken
        ? '"" c d e i k p r s t w x'
        : '"" a c d e i k l p r s t w x';
    session.writer.line(`* LISTRIGHTS ${mailboxName(name, session.utf8)} ${wireText(identifier)} ${tail}`);
    tellRights(session);
    return ok('LISTRIGHTS completed.');
  },
});

/** SETACL: RFC 4314 §3.1. */
export const setAcl = command({
  names: ['SETACL'],
  state: 'authenticated',
  refuse: { unavailable: 'Cannot read existing ACLs.', cannot: 'Cannot set ACLs for this mailbox' },
  parse: (args, _by, session) => ({
    name: readMailbox(args, session.utf8),
    identifier: args.astring().octets.toString(),
    rights: args.astring().octets.toString('latin1'),
  }),
  run(session, { mailboxes }, { name, identifier, rights }) {
    const mode = rights.startsWith('+') ? 'add' : rights.startsWith('-') ? 'remove' : 'replace';
    const letters = mode === 'replace' ? rights : rights.slice(1);
    return change(session, mailboxes, name, { identifier, mode, rights: readRights(letters) });
  },
});

/** DELETEACL: RFC 4314 §3.2. */
export const deleteAcl = command({
  names: ['DELETEACL'],
  state: 'authenticated',
  refuse: { unavailable: 'Cannot read existing ACLs.', cannot: 'Cannot set ACLs for this mailbox' },
  parse: (args, _by, session) => ({
    name: readMailbox(args, session.utf8),
    identifier: args.astring().octets.toString(),
  }),
  run: (session, { mailboxes }, { name, identifier }) =>
    change(session, mailboxes, name, { identifier, mode: 'replace', rights: '' }),
});

async function change(
  session: ImapSession,
  mailboxes: Mailboxes,
  name: string,
  { identifier, mode, rights }: AclChange,
): Promise<Reply> {
  const [, minus = '', who = ''] = /^(-?)(.*)$/s.exec(identifier) ?? [];
  if (who === '' || /[=\x00-\x20]/.test(who)) throw new Refused(no('Invalid ACL identifier.'));
  const stored = sameOnTheWire.includes(who) ? who : `user=${who}`;
  requireMailbox(mailboxes, name);
  try {
    await mailboxes.changeAcl(name, { identifier: minus + stored, mode, rights });
  } catch (error) {
    if (!(error instanceof AclRefused)) throw error;
    const isPart = mode !== 'replace' && error.identifier !== 'administrators';
    return no(isPart ? 'Cannot modify ACLs as requested.' : 'Cannot modify ACLs on this mailbox.');
  }
  tellRights(session);
  return ok('ACLs updated.');
}

/** The rights of somebody who may know them. @throws {AccessDenied} */
function knownRights(mailboxes: Mailboxes, name: string): string {
  requireMailbox(mailboxes, name);
  const rights = mailboxes.rights(name);
  if (!mayKnowRights(rights)) throw new AccessDenied(mailboxes.resolve(name).name, 'a');
  return rights;
}

/** Names that are mere parents have lists too, but only `ACL STORE` and `LIST (ACL)` know them. @throws {MailError} notFound */
function requireMailbox(mailboxes: Mailboxes, name: string): void {
  if (!mailboxes.exists(name)) throw new MailError('notFound', 'no such mailbox');
}

function wireEntry({ identifier, rights }: AclEntry): string[] {
  const [, minus = '', who = ''] = /^(-?)(.*)$/s.exec(identifier) ?? [];
  const isUser = who.startsWith('user=');
  if (!isUser && !sameOnTheWire.includes(who)) return [];
  return [wireText(minus + (isUser ? who.slice(5) : who)), `"${standardRights(rights)}"`];
}

function wireText(text: string): string {
  return quoted(Buffer.from(text).toString('latin1'));
}
