/**
 * What LIST shows of an account to others: its folders and their access control lists, remembered while the
 * directories stay as they are. Both Courier and Postrider put lists in place by a rename, which a directory's time
 * shows; a list that was edited where it is counts within a minute.
 */
import { type Stats, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import type { Account } from '../store/account.ts';
import type { Acl } from './acl.ts';
import { aclFilesOf } from './acl-files.ts';

/** How often lists are looked at whose directory has not changed. */
const listCheckMs = 60_000;
/** Within so long after a change a further one need not show in the time. */
const tickMs = 1000;

/** One folder as it was when it was looked at. */
export interface ViewedFolder {
  /** `INBOX`, `INBOX.Pub`. */
  readonly folder: string;
  /** The list that counts; undefined: it cannot be read. */
  readonly acl: Acl | undefined;
  readonly directory: Seen;
  readonly list: Seen;
}

/** A file or directory, and how it was; inode 0: there was none. */
interface Seen {
  readonly path: string;
  readonly inode: number;
  readonly mtimeMs: number;
}

export interface AccountView {
  /** INBOX first. */
  readonly folders: readonly ViewedFolder[];
  /** The directory of lists without folders. */
  readonly hierarchy: Seen;
  readonly settled: boolean;
  /** When the lists themselves were looked at last. */
  listsCheckedMs: number;
}

/** @throws {MailError} the account cannot be read */
export async function viewAccount(account: Account): Promise<AccountView> {
  const startMs = Date.now();
  const names = [...(await account.listFolders()).keys()];
  const hierarchy = look(`${account.maildir}/courierimaphieracl`);
  const seen = names.map((folder) => {
    const directory = account.directoryOf(folder);
    return { folder, directory: look(directory), list: look(`${directory}/courierimapacl`) };
  });
  const aclOf = aclFilesOf(account).reader();
  const folders = seen.map((each) => ({ ...each, acl: aclOf(each.folder) }));
  const newest = Math.max(hierarchy.mtimeMs, ...seen.map(({ directory }) => directory.mtimeMs));
  return { folders, hierarchy, settled: startMs - newest > tickMs, listsCheckedMs: startMs };
}

/** Whether INBOX and the names of the folders are still so. @param maildir  as it is now */
export function isCurrent(view: AccountView, maildir: Stats, nowMs: number): boolean {
  const inbox = view.folders[0]!.directory;
  if (!view.settled || inbox.inode !== maildir.ino || inbox.mtimeMs !== maildir.mtimeMs) return false;
  if (view.hierarchy.inode !== 0 && !isSame(view.hierarchy)) return false;
  if (nowMs - view.listsCheckedMs < listCheckMs) return true;
  if (!view.folders.every(({ list }) => isSame(list))) return false;
  view.listsCheckedMs = nowMs;
  return true;
}

/** Whether a folder's list is still so, where the account {@link isCurrent}. */
export function isFolderCurrent({ folder, directory }: ViewedFolder): boolean {
  return folder === 'INBOX' || isSame(directory);
}

function look(path: string): Seen {
  const stats = statSync(octetPath(path), { throwIfNoEntry: false });
  return { path, inode: stats?.ino ?? 0, mtimeMs: stats?.mtimeMs ?? 0 };
}

function isSame({ path, inode, mtimeMs }: Seen): boolean {
  const stats = statSync(octetPath(path), { throwIfNoEntry: false });
  return (stats?.ino ?? 0) === inode && (stats?.mtimeMs ?? 0) === mtimeMs;
}
