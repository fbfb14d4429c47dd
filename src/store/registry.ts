import type { Folder } from './folder.ts';
import type { StoreSettings } from './settings.ts';

/**
 * Opens a folder of the process, or joins those who have it open; up to date when it resolves. `close()` it.
 * @param directory  path of the folder (the one that has `cur`), a latin1 string
 * @throws {MailError} notFound: no such folder; unavailable: it cannot be read now
 */
export declare function openFolder(directory: string, settings: StoreSettings): Promise<Folder>;

/**
 * Drops what is remembered of a folder, before its directory is renamed or removed; sessions that have it open
 * get `notFound` from then on.
 */
export declare function forgetFolder(directory: string): void;

/** STATUS items; neither moves new mail nor takes its recency. */
export interface FolderStatus {
  readonly messages: number;
  readonly recent: number;
  readonly unseen: number;
  readonly uidNext: number;
  readonly uidValidity: number;
  readonly deleted: number;
}
export declare function folderStatus(directory: string, settings: StoreSettings): Promise<FolderStatus>;
