import { MailError } from '../../base/mail-error.ts';
import { folderName, pathWords, requireAbove, requireOn } from '../path.ts';
import { Refused } from '../refused.ts';
import type { SmapSession } from '../session.ts';

/** CREATE (smap §5.2): parents need not exist. */
export async function create({ mailboxes }: SmapSession, path: readonly string[]): Promise<string> {
  const name = folderName(path);
  requireAbove(mailboxes, name, 'c');
  await mailboxes.create(name);
  return 'Folder created';
}

/** MKDIR: a directory needs nothing to be made of. */
export function makeDirectory({ mailboxes }: SmapSession, path: readonly string[]): string {
  requireAbove(mailboxes, folderName(path), 'c');
  return 'Folder created';
}

export function removeDirectory({ mailboxes }: SmapSession, path: readonly string[]): string {
  requireAbove(mailboxes, folderName(path), 'x');
  return 'Folder deleted';
}

/** DELETE; folders below stay. */
export async function remove({ mailboxes, open }: SmapSession, path: readonly string[]): Promise<string> {
  const name = nameToDelete(path);
  if (name === 'INBOX') throw new Refused('INBOX may not be deleted');
  requireOn(mailboxes, name, 'x');
  if (open?.mailbox.name === mailboxes.resolve(name).name)
    throw new Refused('Cannot DELETE currently open folder.');
  await inWords(mailboxes.delete(name));
  return 'Folder deleted';
}

function nameToDelete(path: readonly string[]): string {
  try {
    return folderName(path);
  } catch (error) {
    if (error instanceof MailError) throw new Refused('Unable to delete folder: Invalid argument');
    throw error;
  }
}

/** RENAME of a folder with those below it. */
export async function rename({ mailboxes, open }: SmapSession, words: readonly string[]): Promise<string> {
  const from = pathWords(words);
  const to = pathWords(words.slice(from.length + 1));
  if (from.length === 0 || to.length === 0) throw new Refused('Invalid argument');
  const [source, target] = [folderName(from), folderName(to)];
  requireOn(mailboxes, source, 'x');
  requireAbove(mailboxes, target, 'c');
  if (source === 'INBOX' || target === 'INBOX') throw new Refused('INBOX rename not implemented.');
  const { name } = mailboxes.resolve(source);
  if (open && `${open.mailbox.name}.`.startsWith(`${name}.`))
    throw new Refused("Can't RENAME the currently-open folder");
  if (`${target}.`.startsWith(`${source}.`) && target !== source)
    throw new MailError('invalidName', 'into itself');
  await inWords(mailboxes.rename(source, target));
  return 'Folder renamed.';
}

/** What cannot be done is told in the words of what refused it. */
async function inWords(task: Promise<void>): Promise<void> {
  try {
    await task;
  } catch (error) {
    throw error instanceof MailError && error.kind === 'cannot' ? new Refused(error.message) : error;
  }
}
