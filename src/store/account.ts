import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import type { Folder } from './folder.ts';
import { makeFolder, sweepLeftovers, unmakeFolder } from './folder-tree.ts';
import { entryOfName, nameOfEntry } from './names.ts';
import { type FolderStatus, folderStatus, openAgain, openFolder } from './registry.ts';
import { finishMoves, type Move, moveFolders, planFile } from './rename-folders.ts';
import { withAccountLock } from './root-files.ts';
import type { StoreSettings } from './settings.ts';
import { Subscriptions } from './subscriptions.ts';
import { readRecord, type UidValidityRecord } from './uid-validity.ts';

/** One folder of an account. */
export interface FolderEntry {
  /** `INBOX`, `INBOX.Größe`. */
  readonly name: string;
  /** The directory's path, one character an octet. */
  readonly directory: string;
}

interface Listing {
  readonly stamp: string;
  /** False if the directory changed so lately that a further change need not show in its time stamp. */
  readonly settled: boolean;
  readonly folders: ReadonlyMap<string, FolderEntry>;
}

/** A directory changed this lately may change again without another time stamp. */
const unsettledMs = 1000;

/** One maildir with its folders; folder names are canonical ones of names.ts. `openAccount` gives it. */
export class Account {
  /** Path, one character an octet. */
  readonly maildir: string;
  readonly settings: StoreSettings;
  readonly #subscriptions: Subscriptions;
  #listing: Listing | undefined;
  /** The stamp of `tmp` when there was nothing in it to remove, now or later. */
  #swept: string | undefined;

  constructor(maildir: string, settings: StoreSettings) {
    this.maildir = maildir;
    this.settings = settings;
    this.#subscriptions = new Subscriptions(maildir, settings);
  }

  /**
   * All folders by name, in the order of their names, INBOX first; the directory is read only after it has changed.
   * @throws {MailError} notFound, noPermission, unavailable
   */
  async listFolders(): Promise<ReadonlyMap<string, FolderEntry>> {
    const known = this.#listing;
    const listing = this.#readListing();
    if (listing !== known && existsSync(octetPath(this.maildir, planFile))) {
      await this.#locked(async () => undefined);
      return this.#readListing().folders;
    }
    return listing.folders;
  }

  /** @throws {MailError} invalidName */
  directoryOf(name: string): string {
    const entry = entryOfName(name);
    return entry === '' ? this.maildir : `${this.maildir}/${entry}`;
  }

  /** Whether there is such a folder. @throws {MailError} invalidName */
  hasFolder(name: string): boolean {
    const directory = this.directoryOf(name);
    const stats = lstatSync(octetPath(directory), { throwIfNoEntry: false });
    return stats?.isDirectory() || (stats?.isSymbolicLink() === true && this.#isOwnDirectory(directory));
  }

  /** @throws {MailError} notFound, invalidName, noPermission, unavailable */
  async openFolder(name: string): Promise<Folder> {
    return openAgain(this.directoryOf(name)) ?? openFolder(this.#existing(name), this.settings);
  }

  /** STATUS, without touching the folder. @throws {MailError} notFound, invalidName, noPermission, unavailable */
  async statusOf(name: string): Promise<FolderStatus> {
    return folderStatus(this.#existing(name), this.settings);
  }

  /** @throws {MailError} exists, invalidName, overQuota, noPermission, unavailable */
  async createFolder(name: string): Promise<void> {
    const entry = entryOfName(name);
    if (entry === '') throw new MailError('exists', 'the mailbox exists');
    await this.#locked((record) => makeFolder(this.maildir, entry, record, this.settings));
  }

  /** Removes one folder; those below it stay. @throws {MailError} notFound, cannot: INBOX; noPermission, unavailable */
  async deleteFolder(name: string): Promise<void> {
    const entry = entryOfName(name);
    if (entry === '') throw new MailError('cannot', 'INBOX cannot be deleted');
    const removeMessages = await this.#locked((record) =>
      unmakeFolder(this.maildir, entry, record, this.settings),
    );
    await removeMessages();
  }

  /**
   * Moves a folder, if it exists, and all below it, if there are any; UIDs and UIDVALIDITY stay.
   * @throws {MailError} notFound, exists, cannot: INBOX, or into itself; invalidName, noPermission, unavailable
   */
  async renameFolder(from: string, to: string): Promise<void> {
    const [fromEntry, toEntry] = [entryOfName(from), entryOfName(to)];
    if (fromEntry === '' || toEntry === '') throw new MailError('cannot', 'INBOX cannot be renamed');
    if (to === from) throw new MailError('exists', 'the mailbox exists');
    if (to.startsWith(`${from}.`)) throw new MailError('cannot', 'a mailbox cannot be moved into itself');
    await this.#locked(async (record) => {
      const moves: Move[] = [];
      for (const { name } of this.#readListing().folders.values())
        if (name === from || name.startsWith(`${from}.`))
          moves.push([entryOfName(name), entryOfName(to + name.slice(from.length))]);
      if (moves.length === 0) throw new MailError('notFound', 'no such mailbox');
      await moveFolders(this.maildir, moves, record, this.settings);
    });
  }

  /** Names in the file's order, also of folders that do not exist. */
  subscriptions(): readonly string[] {
    return this.#subscriptions.list();
  }

  /** @returns false if it was subscribed already */
  subscribe(name: string): Promise<boolean> {
    return this.#subscriptions.subscribe(name);
  }

  /** @returns false if it was not subscribed */
  unsubscribe(name: string): Promise<boolean> {
    return this.#subscriptions.unsubscribe(name);
  }

  /** Finishes what a crash has left half done, and removes what it has left over: at login. */
  async repair(): Promise<void> {
    if (existsSync(octetPath(this.maildir, planFile))) await this.#locked(async () => undefined);
    const before = this.#temporaryStamp();
    if (before !== undefined && before === this.#swept) return;
    const isEmpty = await sweepLeftovers(this.maildir);
    this.#swept = isEmpty ? before : undefined;
  }

  /** What changes with every name in `tmp`; undefined if it changed so lately that a further change need not show. */
  #temporaryStamp(): string | undefined {
    try {
      const { ino, mtimeMs } = statSync(octetPath(this.maildir, 'tmp'));
      return Date.now() - mtimeMs < unsettledMs ? undefined : `${ino} ${mtimeMs}`;
    } catch {
      return undefined; // who lists it says why
    }
  }

  /** Runs alone among those who keep to locks, after what a crash has left half done. */
  #locked<T>(task: (record: UidValidityRecord) => Promise<T>): Promise<T> {
    return withAccountLock(this.maildir, this.settings, async () => {
      await finishMoves(this.maildir, this.settings);
      const directories = () =>
        this.#readListing()
          .folders.values()
          .map((folder) => folder.directory);
      return task(readRecord(this.maildir, directories));
    });
  }

  /** The directory of a folder under the one name that the whole process knows it by. */
  #existing(name: string): string {
    const directory = this.directoryOf(name);
    const stats = lstatSync(octetPath(directory), { throwIfNoEntry: false });
    if (stats?.isDirectory()) return directory;
    if (stats?.isSymbolicLink() && this.#isOwnDirectory(directory)) return realPath(directory);
    throw new MailError('notFound', 'no such mailbox');
  }

  /** A symbolic link is a folder only where it leads to a directory of the maildir's owner. */
  #isOwnDirectory(link: string): boolean {
    try {
      const target = statSync(octetPath(link));
      return target.isDirectory() && target.uid === statSync(octetPath(this.maildir)).uid;
    } catch {
      return false; // it leads nowhere
    }
  }

  #readListing(): Listing {
    try {
      const { ino, mtimeNs, mtimeMs } = statSync(octetPath(this.maildir), { bigint: true });
      const stamp = `${ino} ${mtimeNs}`;
      if (this.#listing?.settled && this.#listing.stamp === stamp) return this.#listing;
      const settled = Date.now() - Number(mtimeMs) > unsettledMs;
      this.#listing = { stamp, settled, folders: this.#readFolders() };
      return this.#listing;
    } catch (error) {
      throw asMailError(error, 'cannot list the mailboxes');
    }
  }

  #readFolders(): Map<string, FolderEntry> {
    const options = { withFileTypes: true, encoding: 'buffer' } as const;
    const folders: FolderEntry[] = [];
    for (const dirent of readdirSync(octetPath(this.maildir), options)) {
      const name = dirent.name[0] === 0x2e ? nameOfEntry(dirent.name.toString('latin1')) : undefined;
      if (name === undefined) continue;
      const directory = `${this.maildir}/${dirent.name.toString('latin1')}`;
      if (this.#isListed(dirent, directory)) folders.push({ name, directory });
    }
    folders.sort((one, other) => (one.name < other.name ? -1 : 1));
    folders.unshift({ name: 'INBOX', directory: this.maildir });
    return new Map(folders.map((folder) => [folder.name, folder]));
  }

  #isListed(dirent: Dirent<Buffer>, directory: string): boolean {
    return dirent.isDirectory() || (dirent.isSymbolicLink() && this.#isOwnDirectory(directory));
  }
}

const accounts = new Map<string, WeakRef<Account>>();
const forgotten = new FinalizationRegistry((maildir: string) => {
  if (accounts.get(maildir)?.deref() === undefined) accounts.delete(maildir);
});

/**
 * The account of a maildir; all sessions of the process share what it remembers. However the path is spelt, a maildir is
 * one account: queues and locks within the process go by its path.
 * @param path  one character an octet (`pathOctets`)
 */
export function openAccount(path: string, settings: StoreSettings): Account {
  const maildir = realPath(path);
  const known = accounts.get(maildir)?.deref();
  if (known && hasSettings(known, settings)) return known;
  const account = new Account(maildir, settings);
  accounts.set(maildir, new WeakRef(account));
  forgotten.register(account, maildir);
  return account;
}

function hasSettings(account: Account, settings: StoreSettings): boolean {
  const keys = Object.keys({ ...account.settings, ...settings }) as (keyof StoreSettings)[];
  return keys.every((key) => account.settings[key] === settings[key]);
}

/** The path without symbolic links, dots and slashes too many; a path that leads nowhere as it is. */
function realPath(path: string): string {
  try {
    return realpathSync.native(octetPath(path), 'buffer').toString('latin1');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return path;
  }
}
