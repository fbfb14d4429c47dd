/**
 * What LIST shows of an account to others: its folders and their access control lists, remembered while the
 * directories stay as they are. Both Courier and Postrider put lists in place by a rename, which a directory's time
 * shows; a list that was edited where it is counts within a minute.
 */
import { type Stats, statSync } from 'node:fs';
import { type OctetPath, octetPath } from '../base/paths.ts';
import type { Account } from '../store/account.ts';
import type { Acl } from './acl.ts';
import { aclFilesOf } from './acl-files.ts';

/** How often lists are looked at whose directory has not changed. */
const listCheckMs = 60_000;
/** Within so long after a change a further one need not show in the time. */
const tickMs = 1000;

/** A folder with right l. */
export interface VisibleFolder {
  /** Canonical. */
  readonly name: string;
  /** Its path, one character an octet. */
  readonly directory: string;
}

/** One folder as it was when it was looked at. */
export interface ViewedFolder extends VisibleFolder {
  /** The list that counts; undefined: it cannot be read. */
  readonly acl: Acl | undefined;
  readonly seen: Seen;
  readonly list: Seen;
}

/** A file or directory, and how it was; inode 0: there was none. */
interface Seen {
  readonly path: OctetPath;
  readonly inode: number;
  readonly mtimeMs: number;
}

export interface AccountView {
  readonly inbox: ViewedFolder;
  /** Those below. */
  readonly others: readonly ViewedFolder[];
  /** The directory of lists without folders. */
  readonly hierarchy: Seen;
  readonly settled: boolean;
  /** When the lists themselves were looked at last. */
  listsCheckedMs: number;
}

/**
 * @param shownAs  the name of the account's INBOX for others
 * @throws {MailError} the account cannot be read
 */
export async function viewAccount(account: Account, shownAs: string): Promise<AccountView> {
  const startMs = Date.now();
  const entries = [...(await account.listFolders()).values()];
  const hierarchy = look(`${account.maildir}/courierimaphieracl`);
  const looks = entries.map(({ directory }) => ({
    seen: look(directory),
    list: look(`${directory}/courierimapacl`),
  }));
  const aclOf = aclFilesOf(account).reader();
  const [inbox, ...others] = entries.map(({ name, directory }, i): ViewedFolder => {
    const shown = shownAs + name.slice('INBOX'.length);
    return { name: shown, directory, acl: aclOf(name), ...looks[i]! };
  });
  const newest = Math.max(hierarchy.mtimeMs, ...looks.map(({ seen }) => seen.mtimeMs));
  const settled = startMs - newest > tickMs;
  return { inbox: inbox!, others, hierarchy, settled, listsCheckedMs: startMs };
}

/** Whether INBOX and the names of the folders are still so. @param maildir  as it is now */
export function isCurrent(view: AccountView, maildir: Stats, nowMs: number): boolean {
  const { seen, list } = view.inbox;
  if (!view.settled || seen.inode !== maildir.ino || seen.mtimeMs !== maildir.mtimeMs) return false;
  if (view.hierarchy.inode !== 0 && !isSame(view.hierarchy)) return false;
  if (nowMs - view.listsCheckedMs < listCheckMs) return true;
  if (!isSame(list) || !view.others.every((folder) => isSame(folder.list))) return false;
  view.listsCheckedMs = nowMs;
  return true;
}

/** Whether the lists of a folder, and of those above it, are still so, where the account {@link isCurrent}. */
export function areListsCurrent({ inbox, others }: AccountView, name: string): boolean {
  if (!isSame(inbox.list)) return false;
  if (inbox.name === name) return true;
  return others.every(
    (folder) =>
      (folder.name !== name && !name.startsWith(`${folder.name}.`)) ||
      (isSame(folder.seen) && isSame(folder.list)),
  );
}

/** Whether the list of a folder below INBOX is still so, where the account {@link isCurrent}. */
export function isFolderCurrent({ seen }: ViewedFolder): boolean {
  return isSame(seen);
}

function look(directory: string): Seen {
  const path = octetPath(directory);
  const stats = statSync(path, { throwIfNoEntry: false });
  return { path, inode: stats?.ino ?? 0, mtimeMs: stats?.mtimeMs ?? 0 };
}

function isSame({ path, inode, mtimeMs }: Seen): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return (stats?.ino ?? 0) === inode && (stats?.mtimeMs ?? 0) === mtimeMs;
}
