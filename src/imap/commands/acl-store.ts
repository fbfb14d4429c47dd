import { type Acl, AclRefused, readRights } from '../../access/acl.ts';
import type { ListEntry, Mailboxes } from '../../access/mailboxes.ts';
import { AccessDenied } from '../../access/rights.ts';
import { MailError } from '../../base/mail-error.ts';
import { command } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { mailboxName, readMailbox, readPattern } from '../parser/mailbox-name.ts';
import { ok } from '../reply.ts';
import type { ImapSession } from '../session-loop.ts';
import { tellRights } from '../tell-rights.ts';
import { listLine } from './list.ts';

type Action = 'STORE' | 'DELETE' | 'SET';

interface Arguments {
  readonly action: Action;
  /** One mailbox by its name, or those that match patterns. */
  readonly targets: { readonly name: string } | { readonly patterns: readonly string[] };
  /** STORE and DELETE have one entry, DELETE without rights. */
  readonly entries: readonly { readonly identifier: string; readonly rights: string }[];
}

/**
 * ACL STORE, DELETE and SET, Courier's ACL2 (quota-acl-shared §2.9): identifiers are those of the files. Each mailbox is
 * answered by its new list, or by why it has none.
 */
export const aclStore = command({
  names: ['ACL'],
  state: 'authenticated',
  parse: (args, _by, session) => readArguments(args, session),
  async run(session, { mailboxes }, { action, targets, entries }) {
    const names = 'name' in targets ? [targets.name] : await matchingNames(mailboxes, targets.patterns);
    for (const name of names)
      try {
        await change(mailboxes, name, action, entries);
        await report(session, mailboxes, name);
      } catch (error) {
        const line = refusal(error, mailboxName(name, session.utf8), action);
        if (line !== undefined) session.writer.line(line);
      }
    tellRights(session);
    return ok(`ACL ${action} completed.`);
  },
});

function readArguments(args: ArgumentReader, session: ImapSession): Arguments {
  const action = args.word();
  if (action !== 'STORE' && action !== 'DELETE' && action !== 'SET')
    return args.refuse('STORE, DELETE or SET expected');
  const patterns: string[] = [];
  const isList = args.atList;
  if (isList) args.list(() => patterns.push(readPattern(args, session.utf8)));
  else patterns.push(readMailbox(args, session.utf8));
  const entries = [];
  do {
    const identifier = args.astring().octets.toString();
    entries.push({ identifier, rights: action === 'DELETE' ? '' : args.astring().octets.toString() });
  } while (!args.atEnd);
  return { action, targets: isList ? { patterns } : { name: patterns[0]! }, entries };
}

async function matchingNames(mailboxes: Mailboxes, patterns: readonly string[]): Promise<string[]> {
  return (await mailboxes.list('', patterns)).map((entry) => entry.name);
}

async function change(
  mailboxes: Mailboxes,
  name: string,
  action: Action,
  entries: Arguments['entries'],
): Promise<void> {
  if (!(await listed(mailboxes, name))) throw new MailError('notFound', 'no such mailbox');
  if (action === 'SET') {
    const acl: Acl = entries.map((entry) => ({ ...entry, rights: readRights(entry.rights) }));
    await mailboxes.replaceAcl(name, acl);
    return;
  }
  for (const { identifier, rights } of entries) {
    const mode = rights.startsWith('+') ? 'add' : rights.startsWith('-') ? 'remove' : 'replace';
    const letters = mode === 'replace' ? rights : rights.slice(1);
    await mailboxes.changeAcl(name, { identifier, mode, rights: readRights(letters) });
  }
}

async function report(session: ImapSession, mailboxes: Mailboxes, name: string): Promise<void> {
  const how = { select: new Set(['ACL']), returns: new Set<string>(), isExtended: false };
  const entry = await listed(mailboxes, name);
  if (entry) session.writer.line(listLine(session, mailboxes, entry, how));
}

/** What LIST says of a name, which may have wildcards in it that mean themselves; a mere parent is a name too. */
async function listed(mailboxes: Mailboxes, name: string): Promise<ListEntry | undefined> {
  const wanted = mailboxes.clientName(mailboxes.resolve(name).name);
  return (await mailboxes.list('', [name])).find((entry) => entry.name === wanted);
}

/** The untagged line for a mailbox whose list stays; undefined for one that is not there. */
function refusal(error: unknown, mailbox: string, action: Action): string | undefined {
  if (error instanceof AclRefused)
    return /^owner$|^user=/.test(error.identifier)
      ? `* RIGHTS-INFO ${mailbox} "${error.identifier}" al c e i p r s t w x`
      : `* ACLFAILED ${mailbox} Invalid argument`;
  if (error instanceof AccessDenied)
    return `* ACLFAILED ${mailbox} NO Access denied for ACL ${action} on ${error.mailbox} (ACL "a" required)`;
  if (!(error instanceof MailError)) throw error;
  if (error.kind === 'cannot') return `* ACLFAILED ${mailbox} ACLs may not be modified for special mailbox`;
  return error.kind === 'notFound' ? undefined : `* ACLFAILED ${mailbox} ${error.message}`;
}
