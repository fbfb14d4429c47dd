import type { ListEntry, ListOptions, Mailboxes } from '../../access/mailboxes.ts';
import { mayKnowRights, needed } from '../../access/rights.ts';
import { MailError } from '../../base/mail-error.ts';
import { nextTurn } from '../../store/slices.ts';
import { command } from '../command.ts';
import type { ArgumentReader } from '../parser/arguments.ts';
import { mailboxName, readPattern } from '../parser/mailbox-name.ts';
import { ok } from '../reply.ts';
import { shownRights } from '../rights.ts';
import type { ImapSession } from '../session-loop.ts';
import { tellRights } from '../tell-rights.ts';
import { quoted } from '../writer.ts';
import { myRightsLine } from './acl.ts';
import { readStatusItems, statusLine } from './status.ts';

interface ListArguments {
  reference: string;
  patterns: string[];
  /** Selection options, upper case. */
  select: Set<string>;
  returns: Set<string>;
  statusItems: ReturnType<typeof readStatusItems>;
  isExtended: boolean;
}

/** LIST: RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 8440; Courier's ACL options: imap-server §7.1. */
export const list = command({
  names: ['LIST'],
  state: 'authenticated',
  parse: (args, _by, session) => readArguments(args, session),
  async run(session, { mailboxes }, wanted) {
    const options: ListOptions = {
      subscribed: wanted.select.has('SUBSCRIBED'),
      recursiveMatch: wanted.select.has('RECURSIVEMATCH'),
      specialUse: wanted.select.has('SPECIAL-USE'),
    };
    const entries = await mailboxes.list(wanted.reference, wanted.patterns, options);
    for (const [i, entry] of entries.entries()) {
      if (i % perTurn === perTurn - 1) await pause(session);
      if (session.ended) break;
      session.writer.line(listLine(session, mailboxes, entry, wanted));
      if (!entry.selectable || entry.name === '') continue;
      if (wanted.returns.has('MYRIGHTS')) writeRights(session, mailboxes, entry.name);
      if (wanted.returns.has('STATUS')) await writeStatus(session, mailboxes, entry.name, wanted.statusItems);
    }
    tellRights(session);
    return ok('LIST completed');
  },
});

/** Lines written before other sessions get their turn. */
const perTurn = 500;

async function pause(session: ImapSession): Promise<void> {
  await session.writer.drained();
  await nextTurn();
}

/** LSUB: RFC 3501 §6.3.9. */
export const lsub = command({
  names: ['LSUB'],
  state: 'authenticated',
  parse: (args, _by, session) => ({
    reference: readPattern(args, session.utf8),
    pattern: readPattern(args, session.utf8),
  }),
  async run(session, { mailboxes }, { reference, pattern }) {
    for (const [i, entry] of (await mailboxes.lsub(reference, pattern)).entries()) {
      if (i % perTurn === perTurn - 1) await pause(session);
      session.writer.line(
        `* LSUB (${attributes(session, entry, false, false)}) "." ${mailboxName(entry.name, session.utf8)}`,
      );
    }
    tellRights(session);
    return ok('LSUB completed');
  },
});

function readArguments(args: ArgumentReader, session: ImapSession): ListArguments {
  const select = new Set<string>();
  const returns = new Set<string>();
  let isExtended = args.atList;
  let statusItems: ListArguments['statusItems'] = [];
  if (isExtended) args.list(() => select.add(args.word()));
  if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED'))
    args.refuse('RECURSIVEMATCH needs SUBSCRIBED');
  const reference = readPattern(args, session.utf8);
  const patterns: string[] = [];
  if (args.atList) {
    isExtended = true;
    args.list(() => patterns.push(readPattern(args, session.utf8)));
    if (patterns.length === 0) args.refuse('pattern expected');
  } else patterns.push(readPattern(args, session.utf8));
  if (args.acceptWord('RETURN')) {
    isExtended = true;
    args.list(() => {
      const word = args.word();
      returns.add(word);
      if (word === 'STATUS') statusItems = readStatusItems(args);
    });
  }
  return { reference, patterns, select, returns, statusItems, isExtended };
}

/** One line of LIST, without its STATUS. */
export function listLine(
  session: ImapSession,
  mailboxes: Mailboxes,
  entry: ListEntry,
  { select, returns, isExtended }: Pick<ListArguments, 'select' | 'returns' | 'isExtended'>,
): string {
  const showsSubscribed = returns.has('SUBSCRIBED') || select.has('SUBSCRIBED');
  let line = `* LIST (${attributes(session, entry, isExtended, showsSubscribed)}) "." ${mailboxName(entry.name, session.utf8)}`;
  if (entry.childSubscribed) line += ' ("CHILDINFO" ("SUBSCRIBED"))';
  const tail = entry.name === '' ? [] : aclTail(mailboxes, entry.name, select);
  if (select.has('POSTADDRESS')) tail.push('(POSTADDRESS NIL)');
  return tail.length === 0 ? line : `${line} (${tail.join('')})`;
}

/** `LIST (ACL MYRIGHTS)` (quota-acl-shared §2.9): what the user may know. */
function aclTail(mailboxes: Mailboxes, name: string, select: ReadonlySet<string>): string[] {
  if (!select.has('ACL') && !select.has('MYRIGHTS')) return [];
  const rights = mailboxes.rights(name);
  const tail: string[] = [];
  if (select.has('ACL') && rights.includes(needed.administer)) {
    const entries = mailboxes.acl(name).map(({ identifier, rights: given }) => {
      return `(${quoted(Buffer.from(identifier).toString('latin1'))} "${shownRights(given)}")`;
    });
    tail.push(`("ACL" (${entries.join('')}))`);
  }
  if (select.has('MYRIGHTS') && mayKnowRights(rights)) tail.push(`("MYRIGHTS" "${shownRights(rights)}")`);
  return tail;
}

/** Courier's order (imap-server §7.1), then what newer RFCs add. */
function attributes(
  session: ImapSession,
  entry: ListEntry,
  isExtended: boolean,
  showsSubscribed: boolean,
): string {
  const { obsoleteClient } = session.settings;
  const words: string[] = [];
  if (!entry.selectable)
    words.push(isExtended && entry.hasChildren !== true ? '\\NonExistent' : '\\Noselect');
  if (entry.marked !== undefined) words.push(entry.marked ? '\\Marked' : '\\Unmarked');
  if (entry.hasChildren === false) words.push(obsoleteClient ? '\\Noinferiors' : '\\HasNoChildren');
  if (entry.hasChildren === true && !obsoleteClient) words.push('\\HasChildren');
  if (entry.specialUse !== undefined) words.push(entry.specialUse);
  if (showsSubscribed && entry.subscribed) words.push('\\Subscribed');
  return words.join(' ');
}

/** Of a mailbox that has meanwhile gone, or of which nothing may be known, nothing is said (RFC 8440 §4). */
function writeRights(session: ImapSession, mailboxes: Mailboxes, name: string): void {
  try {
    const rights = mailboxes.rights(name);
    if (mayKnowRights(rights)) session.writer.line(myRightsLine(name, rights, session.utf8));
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
  }
}

/** A mailbox whose STATUS fails has none (RFC 5819 §2). */
async function writeStatus(
  session: ImapSession,
  mailboxes: Mailboxes,
  name: string,
  items: ListArguments['statusItems'],
): Promise<void> {
  try {
    session.writer.line(await statusLine(mailboxes, name, items, session.utf8));
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
  }
}
