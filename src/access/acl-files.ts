/**
 * Where the access control lists of an account are (quota-acl-shared §2.1-2.3): `courierimapacl` in the folder, and
 * `courierimaphieracl/a.b` in the maildir for a name that has no folder.
 *
 * A folder without a list has that of its parent. Courier stores a copy as soon as it looks; here looking writes
 * nothing, and the copies are made when the parent's list is about to change, so that a folder keeps the rights it had.
 */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import type { Account } from '../store/account.ts';
import { asMailError, errorCode } from '../store/errno.ts';
import { entryOfName, parentsOf } from '../store/names.ts';
import { replaceFile, withAccountLock } from '../store/root-files.ts';
import * as steps from '../store/steps.ts';
import { type Acl, checkAcl, defaultAcl, formatAcl, parseAcl, withAdministrators } from './acl.ts';

/** Where a file has lines that are none: nobody has any rights by it but administrators, and the owner `a`. */
const brokenAcl: Acl = [];

const aclFile = 'courierimapacl';
const hierarchy = 'courierimaphieracl';

/** The lists of one account. */
export class AclFiles {
  readonly #account: Account;
  /** What was read, by path; a file is read again when its stamp differs. */
  readonly #read = new Map<string, { stamp: string; acl: Acl }>();

  /** The states of files that the log has been told of, by path. */
  readonly #complained = new Map<string, string>();

  constructor(account: Account) {
    this.#account = account;
  }

  /**
   * The list that counts for a name, whether there is such a folder or not.
   * @returns undefined if it cannot be read: nobody has any rights
   */
  effective(folder: string): Acl | undefined {
    const inherited = this.#stored(folder);
    return inherited === 'unreadable' ? undefined : counting(inherited);
  }

  /**
   * As {@link effective}, for many names in one go: each file is looked at once, and names with the same stored list get
   * the same object. Not to be kept.
   */
  reader(): (folder: string) => Acl | undefined {
    const stored = new Map<string, Acl | 'unreadable'>();
    const hasHierarchy = this.#hierarchyNames().length > 0;
    const find = (folder: string): Acl | 'unreadable' => {
      let acl = stored.get(folder);
      if (acl === undefined) {
        const [parent] = parentsOf(folder);
        acl = this.#own(folder, hasHierarchy) ?? (parent === undefined ? defaultAcl : find(parent));
        stored.set(folder, acl);
      }
      return acl;
    };
    return (folder) => {
      const acl = find(folder);
      if (acl === 'unreadable') return undefined;
      return counting(acl);
    };
  }

  /**
   * Changes a list: under the account's lock, write a copy of the present list for each name below that has none; write
   * the list to `tmp`; rename it. Stopping in between leaves rights as they were.
   * @param owner  see checkAcl
   * @param edit  the new list, or how it comes from the present one
   * @throws {MailError} cannot ({@link AclRefused}); unavailable, also if the present list is needed and cannot be read
   */
  async change(folder: string, owner: string | undefined, edit: Acl | ((acl: Acl) => Acl)): Promise<void> {
    const folders = await this.#account.listFolders();
    await withAccountLock(this.#account.maildir, this.#account.settings, async () => {
      const present = this.#stored(folder);
      const isWhole = present !== 'unreadable' && present !== brokenAcl;
      if (typeof edit === 'function' && !isWhole)
        throw new MailError('unavailable', 'the present ACL cannot be read');
      const acl = typeof edit === 'function' ? edit(withAdministrators(present as Acl)) : edit;
      checkAcl(acl, owner);
      if (isWhole)
        for (const name of namesBelow(folder, folders.keys()))
          if (this.#inheritsFrom(name, folder)) await this.#write(name, present as Acl);
      await this.#write(folder, acl);
    });
  }

  /** A name that was a mere parent has become a folder: its list moves in; one that differs from INBOX's first is copied. */
  async folderCreated(folder: string): Promise<void> {
    const from = this.#hierarchyPath(folder);
    if (this.#readFile(from) !== undefined) {
      steps.rename(from, `${this.#account.directoryOf(folder)}/${aclFile}`);
      return;
    }
    const inherited = this.#stored(folder);
    if (inherited !== 'unreadable' && inherited !== brokenAcl && inherited !== defaultAcl)
      await this.#write(folder, inherited);
  }

  /** A folder is about to be removed: where folders below remain, its list stays as that of their parent. */
  async folderGoes(folder: string): Promise<void> {
    const own = this.#readFile(`${this.#account.directoryOf(folder)}/${aclFile}`);
    if (own === undefined || own === 'unreadable' || own === brokenAcl) return;
    const folders = await this.#account.listFolders();
    if (![...folders.keys()].some((name) => name.startsWith(`${folder}.`))) return;
    await this.#writeHierarchy(folder, own);
  }

  /** Folders have moved: the lists of mere parents among them follow. */
  folderRenamed(from: string, to: string): void {
    const [before, after] = [entryOfName(from).slice(1), entryOfName(to).slice(1)];
    for (const name of this.#hierarchyNames())
      if (name === before || name.startsWith(`${before}.`))
        steps.rename(
          `${this.#account.maildir}/${hierarchy}/${name}`,
          `${this.#account.maildir}/${hierarchy}/${after}${name.slice(before.length)}`,
        );
  }

  /** Removes lists of names that have no folder below them and were not touched for an hour (`maildiracl -reset`). */
  async sweep(): Promise<void> {
    const names = [...(await this.#account.listFolders()).keys()];
    for (const name of this.#hierarchyNames()) {
      const path = `${this.#account.maildir}/${hierarchy}/${name}`;
      const isUsed = names.some((folder) => entryOfName(folder).startsWith(`.${name}.`));
      const stats = statSync(octetPath(path), { throwIfNoEntry: false });
      if (!isUsed && stats && Date.now() - stats.mtimeMs > 3_600_000) steps.unlink(path);
    }
  }

  /** The list of the name itself, or of the nearest parent that has one. */
  #stored(folder: string): Acl | 'unreadable' {
    for (const name of [folder, ...parentsOf(folder)]) {
      const own = this.#own(name);
      if (own !== undefined) return own;
    }
    return defaultAcl;
  }

  #own(folder: string, hasHierarchy = true): Acl | 'unreadable' | undefined {
    const own = this.#readFile(`${this.#account.directoryOf(folder)}/${aclFile}`);
    if (own !== undefined || folder === 'INBOX' || !hasHierarchy) return own;
    return this.#readFile(this.#hierarchyPath(folder));
  }

  #inheritsFrom(folder: string, ancestor: string): boolean {
    for (const name of [folder, ...parentsOf(folder)]) {
      if (name === ancestor) return true;
      if (this.#own(name) !== undefined) return false;
    }
    return false;
  }

  #readFile(path: string): Acl | 'unreadable' | undefined {
    try {
      const stats = statSync(octetPath(path), { throwIfNoEntry: false });
      if (!stats) {
        this.#read.delete(path);
        return undefined;
      }
      const stamp = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
      const known = this.#read.get(path);
      if (known?.stamp === stamp) return known.acl;
      const octets = readFileSync(octetPath(path), 'latin1');
      const acl = parseKnown(octets);
      if (acl === brokenAcl)
        this.#complain(path, stamp, 'there are lines that are no entries; it gives no rights');
      // A file that has just changed may change again within the same tick of its time stamp.
      if (Date.now() - stats.mtimeMs > 1000) this.#read.set(path, { stamp, acl });
      return acl;
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      this.#complain(path, code, `cannot be read: ${code}; it gives no rights`);
      return 'unreadable';
    }
  }

  /** Once for each state of a file. */
  #complain(path: string, state: string, reason: string): void {
    if (this.#complained.get(path) === state) return;
    this.#complained.set(path, state);
    this.#account.settings.log.error(`${path}: ${reason}`);
  }

  async #write(folder: string, acl: Acl): Promise<void> {
    const { settings } = this.#account;
    if (!this.#account.hasFolder(folder)) return this.#writeHierarchy(folder, acl);
    await replaceFile(this.#account.directoryOf(folder), aclFile, formatAcl(acl), settings);
  }

  async #writeHierarchy(folder: string, acl: Acl): Promise<void> {
    const { maildir, settings } = this.#account;
    try {
      mkdirSync(octetPath(maildir, hierarchy), { mode: 0o755, recursive: true });
    } catch (error) {
      throw asMailError(error, 'cannot write the ACL');
    }
    await replaceFile(maildir, `${hierarchy}/${entryOfName(folder).slice(1)}`, formatAcl(acl), settings);
  }

  #hierarchyPath(folder: string): string {
    return `${this.#account.maildir}/${hierarchy}/${entryOfName(folder).slice(1)}`;
  }

  #hierarchyNames(): string[] {
    try {
      return readdirSync(octetPath(this.#account.maildir, hierarchy), 'latin1');
    } catch {
      return []; // no name without a folder has a list
    }
  }
}

/** Folders below one, and the mere parents among them, those above first. */
function namesBelow(folder: string, folders: Iterable<string>): string[] {
  const names = new Set<string>();
  for (const name of folders)
    for (const each of [name, ...parentsOf(name)]) if (each.startsWith(`${folder}.`)) names.add(each);
  return [...names].sort((one, other) => one.length - other.length);
}

const mostTexts = 1000;
const texts = new Map<string, Acl>();
const withAll = new WeakMap<Acl, Acl>();

/** Lists with the same text are one object: ten thousand accounts have few different ones. */
function parseKnown(octets: string): Acl {
  const acl = texts.get(octets) ?? parseAcl(octets) ?? brokenAcl;
  if (texts.size >= mostTexts) texts.clear();
  if (octets.length < 1000) texts.set(octets, acl);
  return acl;
}

/** A list as it counts. */
function counting(acl: Acl): Acl {
  const known = withAll.get(acl) ?? withAdministrators(acl);
  withAll.set(acl, known);
  return known;
}

const known = new WeakMap<Account, AclFiles>();

/** The lists of an account; all sessions of the process share what was read. */
export function aclFilesOf(account: Account): AclFiles {
  let files = known.get(account);
  if (!files) {
    files = new AclFiles(account);
    known.set(account, files);
  }
  return files;
}
