import type { Folder } from './folder.ts';
import type { StoreSettings } from './settings.ts';

/** One folder of an account. */
export interface FolderEntry {
  /** `INBOX`, `INBOX.Größe`. */
  readonly name: string;
  /** The directory's path, one character an octet. */
  readonly directory: string;
}

/** One maildir with its folders. */
export class Account {
  /** Path, one character an octet. */
  readonly maildir: string;
  readonly settings: StoreSettings;

  constructor(maildir: string, settings: StoreSettings) {
    this.maildir = maildir;
    this.settings = settings;
  }

  /** Sorted by octets, INBOX first; read again only when the maildir's directory has changed. */
  listFolders(): Promise<readonly FolderEntry[]> {
    throw new Error('not yet');
  }

  /** @throws {MailError} notFound, unavailable */
  openFolder(name: string): Promise<Folder> {
    throw new Error(`not yet ${name}`);
  }

  /** @throws {MailError} exists, cannot */
  createFolder(name: string): Promise<void> {
    throw new Error(`not yet ${name}`);
  }

  /** Removes one folder; those below it stay. @throws {MailError} notFound, cannot */
  deleteFolder(name: string): Promise<void> {
    throw new Error(`not yet ${name}`);
  }

  /** Moves a folder and all below it; UIDs and UIDVALIDITY stay. @throws {MailError} notFound, exists, cannot */
  renameFolder(from: string, to: string): Promise<void> {
    throw new Error(`not yet ${from} ${to}`);
  }

  /** Names in the file's order, also of folders that do not exist. */
  subscriptions(): Promise<readonly string[]> {
    throw new Error('not yet');
  }

  /** @returns false if it was subscribed already */
  subscribe(name: string): Promise<boolean> {
    throw new Error(`not yet ${name}`);
  }

  /** @returns false if it was not subscribed */
  unsubscribe(name: string): Promise<boolean> {
    throw new Error(`not yet ${name}`);
  }
}

export function openAccount(maildir: string, settings: StoreSettings): Account {
  return new Account(maildir, settings);
}
