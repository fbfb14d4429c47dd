import { type Acl, type AclChange, AclRefused, readRights } from '../../access/acl.ts';
import { AccessDenied } from '../../access/rights.ts';
import { MailError } from '../../base/mail-error.ts';
import { quoteWord } from '../framing.ts';
import { octetsOf } from '../output.ts';
import { folderName, pathWords, requireOn, rightsOn } from '../path.ts';
import { Refused } from '../refused.ts';
import type { SmapSession } from '../session.ts';

/** Pairs of a `* GETACL` line. */
const pairsPerLine = 6;

/** ACL: what the client may do (smap §5.10). */
export function acl({ mailboxes, output }: SmapSession, path: readonly string[]): string {
  const name = nameOf(path);
  const rights = rightsOn(mailboxes, name);
  if (!/[lricxea]/.test(rights)) throw new AccessDenied(name, 'a');
  output.line(`* ACL ${quoteWord(octetsOf(rights))}`);
  return 'ACLs retrieved';
}

export function getAcl(session: SmapSession, path: readonly string[]): string {
  const name = administered(session, path);
  tellAcl(session, session.mailboxes.acl(name));
  return 'ACLs retrieved';
}

/** SETACL path "" id rights …: `+x` adds, `-x` takes away. All or nothing. */
export function setAcl(session: SmapSession, words: readonly string[]): Promise<string> {
  const rest = words.slice(pathWords(words).length + 1);
  const changes: AclChange[] = [];
  for (let at = 0; at < rest.length; at += 2) {
    const [, sign = '', letters = ''] = /^([+-]?)(.*)$/s.exec(rest[at + 1] ?? '') ?? [];
    if (/[^aceilrstwx]/.test(letters)) throw new Refused('Invalid argument');
    const mode = sign === '+' ? 'add' : sign === '-' ? 'remove' : 'replace';
    changes.push({ identifier: identifier(rest[at]!), mode, rights: readRights(letters) });
  }
  return change(session, words, changes);
}

/** DELETEACL path "" id … */
export function deleteAcl(session: SmapSession, words: readonly string[]): Promise<string> {
  const ids = words.slice(pathWords(words).length + 1);
  return change(
    session,
    words,
    ids.map((id) => ({ identifier: identifier(id), mode: 'replace', rights: '' })),
  );
}

async function change(
  session: SmapSession,
  path: readonly string[],
  changes: readonly AclChange[],
): Promise<string> {
  const { mailboxes } = session;
  const name = administered(session, path);
  try {
    await mailboxes.changeAcl(name, ...changes);
  } catch (error) {
    throw error instanceof AclRefused ? new Refused('ACL update failed') : error;
  }
  await takeEffect(session, name);
  // Whoever gave the right to administer away has no more to see.
  if (rightsOn(mailboxes, name).includes('a')) tellAcl(session, mailboxes.acl(name));
  return 'Updated ACLs';
}

/** The folder that is open has the new rights at once; without r it is not open any more. */
async function takeEffect(session: SmapSession, name: string): Promise<void> {
  const { mailboxes, open } = session;
  if (open?.mailbox.name !== mailboxes.resolve(name).name) return;
  try {
    const mailbox = await mailboxes.open(name, 'r');
    if (session.ended) mailbox.close();
    else session.open = { ...open, mailbox };
    open.mailbox.close();
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    session.closeFolder();
  }
}

function tellAcl({ output }: SmapSession, entries: Acl): void {
  for (let from = 0; from < entries.length; from += pairsPerLine) {
    const pairs = entries
      .slice(from, from + pairsPerLine)
      .map(({ identifier: id, rights }) => `${quoteWord(id)} ${quoteWord(rights)}`);
    output.line(octetsOf(`* GETACL ${pairs.join(' ')}`));
  }
}

/** The name of a mailbox whose list the client may see and change. @throws {MailError} */
function administered({ mailboxes }: SmapSession, path: readonly string[]): string {
  const name = nameOf(path);
  requireOn(mailboxes, name, 'a');
  if (!mailboxes.exists(name)) throw new MailError('notFound', 'no such folder');
  return name;
}

function nameOf(path: readonly string[]): string {
  try {
    return folderName(path);
  } catch (error) {
    if (error instanceof MailError) throw new Refused('Invalid folder: Invalid argument');
    throw error;
  }
}

/** @throws {Refused} nobody is meant by it */
function identifier(word: string): string {
  if (/^-?(?:owner|anyone|anonymous|administrators|(?:user|group)=[^\s\p{Cc}]+)$/u.test(word)) return word;
  throw new Refused('Invalid argument');
}
