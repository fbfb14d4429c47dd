/** Folders as lists of words (smap §3), and names that the account's mailboxes know. */
import type { Mailboxes } from '../access/mailboxes.ts';
import { AccessDenied, type Rights, requireRight } from '../access/rights.ts';
import { MailError } from '../base/mail-error.ts';
import { encodeFolderWord } from '../store/names.ts';

/** `public` itself, which no mailbox is. */
export const publicRoot = '#shared';

/** The words of a path: those up to an empty one. */
export function pathWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf('');
  return end < 0 ? words : words.slice(0, end);
}

/** The name of the folder that words name; existing or not. @throws {MailError} invalidName: there cannot be one */
export function folderName(words: readonly string[]): string {
  const [top, ...below] = pathWords(words);
  const root = top === 'INBOX' ? 'INBOX' : top === 'public' ? publicRoot : undefined;
  if (root === undefined) throw new MailError('invalidName', 'no such hierarchy');
  return [root, ...below.map(encodeFolderWord)].join('.');
}

/** What the user may do there. Groups of accounts, existing or not, can be listed and nothing else. */
export function rightsOn(mailboxes: Mailboxes, name: string): Rights {
  if (name === publicRoot) return 'l';
  try {
    return mailboxes.rights(name);
  } catch (error) {
    if (name.startsWith(`${publicRoot}.`) && error instanceof MailError && error.kind === 'notFound')
      return 'l';
    throw error;
  }
}

/** @throws {AccessDenied} */
export function requireOn(mailboxes: Mailboxes, name: string, right: string): void {
  requireRight(rightsOn(mailboxes, name), right, name);
}

/** Asks for a right on the folder above. @throws {AccessDenied} */
export function requireAbove(mailboxes: Mailboxes, name: string, right: 'c' | 'x'): void {
  if (name === publicRoot) throw new AccessDenied(name, right);
  if (name.startsWith(`${publicRoot}.`)) requireOn(mailboxes, name.slice(0, name.lastIndexOf('.')), right);
  else if (name !== 'INBOX') mailboxes.requireOnParent(name, right);
}
