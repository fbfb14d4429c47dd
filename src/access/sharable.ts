/**
 * Folders shared by file permissions (quota-acl-shared §4): sharable maildirs that `shared-maildirs` names, and the
 * folders of links to them in `shared-folders`, which are the subscriptions.
 */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { octetPath } from '../base/paths.ts';
import type { Account } from '../store/account.ts';
import { asMailError, errorCode } from '../store/errno.ts';
import { entryOfName, nameOfEntry, octetsToText, textToOctets } from '../store/names.ts';
import { forgetFolder } from '../store/registry.ts';
import { removeTree } from '../store/remove-tree.ts';
import * as steps from '../store/steps.ts';
import { temporaryName, uniqueName } from '../store/unique-names.ts';

const linksDirectory = 'shared-folders';
const namesFile = 'shared-maildirs';

/** One folder of a sharable maildir, existing or not. */
export interface SharableFolder {
  /** `shared.pub.Box.sub`. */
  readonly name: string;
  /** Where the user's links to it are, a latin1 path. */
  readonly links: string;
  /** The folder itself: `/abs/DIR/.Box.sub`. */
  readonly target: string;
}

/** What one account has of sharable maildirs. */
export class Sharables {
  readonly #account: Account;
  readonly #systemFile: string;

  /** @param systemFile  `maildirshared`, for all accounts; '' is none */
  constructor(account: Account, systemFile: string) {
    this.#account = account;
    this.#systemFile = systemFile;
  }

  /** Names and directories, latin1 paths; of two with one name the first counts, and the system's come first. */
  maildirs(): Map<string, string> {
    const found = new Map<string, string>();
    for (const file of [this.#systemFile, `${this.#account.maildir}/${namesFile}`])
      for (const line of file === '' ? [] : readLines(file)) {
        const [, name, path] = /^([^\s#./]+)[ \t]+(\/[^\0]*)$/.exec(line) ?? [];
        if (name !== undefined && !found.has(octetsToText(name))) found.set(octetsToText(name), path!);
      }
    return found;
  }

  /**
   * The folder of a name such as `shared.pub.Box`.
   * @returns undefined: there is no such maildir, or the name is that of a maildir or of none
   * @throws {MailError} invalidName
   */
  find(name: string): SharableFolder | undefined {
    const [, maildirName = '', rest = ''] = /^shared\.([^.]+)\.(.+)$/s.exec(name) ?? [];
    const directory = this.maildirs().get(maildirName);
    if (directory === undefined) return undefined;
    return this.#folder(maildirName, rest, directory);
  }

  #folder(maildirName: string, rest: string, directory: string): SharableFolder {
    const entry = entryOfName(`INBOX.${rest}`);
    const links = `${this.#account.maildir}/${linksDirectory}/${textToOctets(maildirName)}/${entry.slice(1)}`;
    return { name: `shared.${maildirName}.${rest}`, links, target: `${directory}/${entry}` };
  }

  /** All folders that can be reached, subscribed or not. */
  folders(): SharableFolder[] {
    return [...this.maildirs()].flatMap(([name, directory]) =>
      entriesOf(directory).flatMap((entry) => {
        const folder = nameOfEntry(entry);
        if (folder === undefined || !isReachable(`${directory}/${entry}`)) return [];
        return [this.#folder(name, folder.slice('INBOX.'.length), directory)];
      }),
    );
  }

  /** Names of the folders that there are links of, also where the maildir is none any more. */
  subscribed(): string[] {
    const top = `${this.#account.maildir}/${linksDirectory}`;
    return entriesOf(top).flatMap((maildirName) =>
      entriesOf(`${top}/${maildirName}`).map(
        (folder) => `shared.${octetsToText(maildirName)}.${octetsToText(folder)}`,
      ),
    );
  }

  /**
   * Makes the folder of links: mkdir tmp/<unique>, its cur, new, tmp; symlink shared; rename it to its place.
   * @returns false if there was one
   * @throws {MailError} noPermission, unavailable
   */
  async subscribe({ links, target }: SharableFolder): Promise<boolean> {
    if (isSubscribed(links)) return false;
    const { maildir, settings } = this.#account;
    const staging = `${maildir}/tmp/${temporaryName(uniqueName(settings.hostname, 'newfolder0'))}`;
    try {
      for (const name of ['', '/cur', '/new', '/tmp']) steps.makeDirectory(staging + name, 0o700);
      symlinkSync(octetPath(target), octetPath(staging, 'shared'));
      mkdirSync(octetPath(links.slice(0, links.lastIndexOf('/'))), { recursive: true, mode: 0o700 });
      steps.rename(staging, links);
      return true;
    } catch (error) {
      await removeTree(staging);
      if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return false;
      throw asMailError(error, 'cannot make the links');
    }
  }

  /** Removes the folder of links, and the directory above if it is empty. @returns false if there was none */
  async unsubscribe({ links }: SharableFolder): Promise<boolean> {
    if (!isSubscribed(links)) return false;
    const { maildir, settings } = this.#account;
    const trash = `${maildir}/tmp/${temporaryName(uniqueName(settings.hostname, 'deletedfolder0'))}`;
    try {
      forgetFolder(links);
      steps.rename(links, trash);
      await removeTree(trash);
      rmdirSync(octetPath(links.slice(0, links.lastIndexOf('/'))));
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY') throw asMailError(error, 'cannot remove the links');
    }
    return true;
  }
}

export function isSubscribed(links: string): boolean {
  return lstatSync(octetPath(links), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether the user can list the folder's messages. */
export function isReachable(target: string): boolean {
  return mayAccess(`${target}/cur`, constants.R_OK | constants.X_OK);
}

/** Whether the user can put messages there. */
export function isWritable(target: string): boolean {
  return (
    mayAccess(`${target}/cur`, constants.W_OK | constants.X_OK) && mayAccess(`${target}/tmp`, constants.W_OK)
  );
}

/** Whether the user can count in a sharable maildir's quota. */
export function mayCount(directory: string): boolean {
  return (
    mayAccess(`${directory}/maildirsize`, constants.R_OK | constants.W_OK) &&
    mayAccess(`${directory}/tmp`, constants.W_OK)
  );
}

function mayAccess(path: string, how: number): boolean {
  try {
    accessSync(octetPath(path), how);
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

function readLines(path: string): string[] {
  // Most accounts have none: an exception would cost a listing more than all else.
  if (!existsSync(octetPath(path))) return [];
  try {
    return readFileSync(octetPath(path), 'latin1').split('\n');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return []; // nothing is sharable
  }
}

function entriesOf(directory: string): string[] {
  if (!existsSync(octetPath(directory))) return [];
  try {
    return readdirSync(octetPath(directory), 'latin1');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return []; // it has gone, or is not for this user
  }
}
