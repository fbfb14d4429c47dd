import { MailError } from '../base/mail-error.ts';
import type { Account } from '../store/account.ts';
import type { Quota } from '../store/maildirsize.ts';
import { checkNewName, parentsOf } from '../store/names.ts';
import type { FolderStatus } from '../store/registry.ts';
import { parseEmptyTrash, purgeFolder } from '../store/trash.ts';
import { type Acl, type AclChange, changeAcl, type Identity, rightsOf, rightsWithoutAcls } from './acl.ts';
import { aclFilesOf } from './acl-files.ts';
import { type Prefix, toCanonical, toClient } from './client-names.ts';
import { compilePattern, joinReference } from './list-pattern.ts';
import { type Listed, listFolders, listSelected, listSubscribed } from './listing.ts';
import { hasUnseen } from './marked.ts';
import { OpenMailbox, type OpenMailboxOptions } from './open-mailbox.ts';
import { AccountQuota, isCountedFolder, minus } from './quota.ts';
import { mayChange, type Rights, requireRight } from './rights.ts';
import { type SpecialUse, specialUses, wellKnownFolders } from './special-use.ts';

/** What the administrator decides about names and Trash. */
export interface MailboxesSettings {
  /** What the client writes in front of the account's own folders; with '' the long spelling `INBOX.x` is understood too. */
  readonly prefix: Prefix;
  /** IMAP_TRASHFOLDERNAME, a folder name below INBOX. */
  readonly trashFolder: string;
  /** IMAP_MOVE_EXPUNGE_TO_TRASH ≠ 0. */
  readonly moveExpungeToTrash: boolean;
  /** IMAP_CHECK_ALL_FOLDERS: say \Marked for all folders, not for INBOX alone. */
  readonly checkAllFolders: boolean;
  /** Allow new names beyond the Basic Multilingual Plane; Courier's sessions end when they list one. */
  readonly astralNames: boolean;
  /** MAILDIRQUOTA: the quota of every account that logs in, `1000000S,1000C`; default: what its `maildirsize` says. */
  readonly maildirQuota?: string;
  /** Which folders are \Sent, \Drafts, \Trash, \Junk, \Archive. */
  readonly specialUse: SpecialUse;
}

export const defaultMailboxesSettings: MailboxesSettings = {
  prefix: 'INBOX.',
  trashFolder: 'Trash',
  moveExpungeToTrash: false,
  checkAllFolders: false,
  astralNames: false,
  specialUse: wellKnownFolders,
};

export interface ListOptions {
  /** LIST (SUBSCRIBED): subscribed names, existing or not (RFC 5258 §3). */
  readonly subscribed?: boolean;
  /** With `subscribed`: names that match and have a subscribed name below that does not (RFC 5258 §3.5). */
  readonly recursiveMatch?: boolean;
  /** LIST (SPECIAL-USE) (RFC 6154 §5.2). */
  readonly specialUse?: boolean;
}

/** One line of LIST; the name is '' in the answer to an empty pattern. */
export interface ListEntry extends Listed {
  /** \Marked or \Unmarked; undefined: neither. */
  readonly marked: boolean | undefined;
  /** `\Sent`, `\Drafts`, `\Trash`, `\Junk` or `\Archive`. */
  readonly specialUse: string | undefined;
}

export interface Namespace {
  readonly prefix: string;
  readonly delimiter: '.';
}

/** A mailbox name that made sense: which folder of which account. */
export interface Target {
  /** Canonical: `INBOX`, `INBOX.Sent`. Equal strings are the same mailbox. */
  readonly name: string;
  readonly account: Account;
  /** The folder's name within its account. */
  readonly folder: string;
}

const ownerOnly: Identity = { login: '', groups: [], aclsDisabled: false };

/**
 * The mailboxes one account can reach: the one way the protocols get at mail.
 * All names that go in are decoded and spelt as the client spells them, without a dot at the end.
 * Errors are {@link MailError}s: `invalidName`, `notFound`, `exists`, `noPermission` ({@link AccessDenied}), `cannot`,
 * `overQuota`, `unavailable`.
 */
export class Mailboxes {
  readonly account: Account;
  readonly settings: MailboxesSettings;
  readonly #identity: Identity;

  /** @param identity  who has logged in; by default the account's owner and nobody else */
  constructor(account: Account, settings: MailboxesSettings, identity: Identity = ownerOnly) {
    this.account = account;
    this.settings = settings;
    this.#identity = identity;
  }

  namespaces(): { personal: Namespace[]; others: Namespace[]; shared: Namespace[] } {
    return { personal: [{ prefix: this.settings.prefix, delimiter: '.' }], others: [], shared: [] };
  }

  /** @throws {MailError} invalidName; whether the folder exists is not looked at */
  resolve(name: string): Target {
    const canonical = toCanonical(name, this.settings.prefix);
    this.account.directoryOf(canonical);
    return { name: canonical, account: this.account, folder: canonical };
  }

  /** How this client writes a canonical name. */
  clientName(canonical: string): string {
    return toClient(canonical, this.settings.prefix);
  }

  exists(name: string): boolean {
    return this.account.hasFolder(this.resolve(name).folder);
  }

  /** What the user may do there, whether it exists or not; '' is nothing. */
  rights(name: string): Rights {
    return this.#rightsOf(this.resolve(name));
  }

  /** LIST, also the extended one; sorted, INBOX first. @throws {MailError} cannot: too many wildcards */
  async list(
    reference: string,
    patterns: readonly string[],
    options: ListOptions = {},
  ): Promise<ListEntry[]> {
    if (patterns.length === 1 && patterns[0] === '') return this.#listReference(reference);
    const tests = patterns.map((pattern) => compilePattern(joinReference(reference, pattern)));
    const matches = (name: string) => tests.some((test) => test(name));
    const spell = this.#spelling(joinReference(reference, patterns[0] ?? ''));
    const visible = await this.#visibleFolders();
    const folders = new Set(visible.map(spell));
    const subscribed = new Set((await this.#visibleSubscriptions()).map(spell));
    const listed = options.subscribed
      ? listSelected(folders, subscribed, options.recursiveMatch ?? false, matches)
      : listFolders(folders, subscribed, matches);
    const entries = await this.#described(listed, new Set(visible));
    return options.specialUse ? entries.filter((entry) => entry.specialUse !== undefined) : entries;
  }

  /** @throws {MailError} cannot: too many wildcards */
  async lsub(reference: string, pattern: string): Promise<ListEntry[]> {
    if (pattern === '') return this.#listReference(reference);
    const joined = joinReference(reference, pattern);
    const subscribed = new Set((await this.#visibleSubscriptions()).map(this.#spelling(joined)));
    const listed = listSubscribed(subscribed, compilePattern(joined));
    return listed.map((entry) => ({ ...entry, marked: undefined, specialUse: undefined }));
  }

  /** STATUS as of now on the disk, waiting new mail included. */
  async status(name: string): Promise<FolderStatus> {
    const target = this.#existing(name);
    requireRight(this.#rightsOf(target), 'r', target.name);
    return target.account.statusOf(target.folder);
  }

  /**
   * Opens a folder for reading (needs right r) or as the target of APPEND and COPY (needs right i).
   * Close it when done; the folder behind it is shared in the process.
   */
  async open(name: string, right: 'r' | 'i', options: { readOnly?: boolean } = {}): Promise<OpenMailbox> {
    const target = this.#existing(name);
    const rights = this.#rightsOf(target);
    requireRight(rights, right, target.name);
    return new OpenMailbox({
      name: target.name,
      folder: await target.account.openFolder(target.folder),
      rights,
      readOnly: options.readOnly === true || !mayChange(rights),
      quota: this.#quotaOf(target.account),
      counted: isCountedFolder(target.folder),
      trash: this.#trashFor(target),
    });
  }

  /** Needs right c on the parent, which need not exist. */
  async create(name: string): Promise<void> {
    const target = this.resolve(name);
    if (target.folder === 'INBOX') throw new MailError('exists', 'INBOX already exists!');
    this.#requireOnParent(target);
    checkNewName(target.name, this.settings.astralNames);
    await target.account.createFolder(target.folder);
    await aclFilesOf(target.account).folderCreated(target.folder);
  }

  /** Needs right x; folders below stay. @throws {MailError} also `cannot` for INBOX and the trash folder */
  async delete(name: string): Promise<void> {
    const target = this.#existing(name);
    requireRight(this.#rightsOf(target), 'x', target.name);
    if (this.#isReserved(target)) throw new MailError('cannot', 'Cannot delete this folder.');
    await aclFilesOf(target.account).folderGoes(target.folder);
    await target.account.deleteFolder(target.folder);
    await this.#quotaOf(target.account).recount();
  }

  /** The whole hierarchy moves; UIDs and UIDVALIDITY stay. Needs right x, and c on the new parent. */
  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.resolve(from), this.resolve(to)];
    requireRight(this.#rightsOf(source), 'x', source.name);
    this.#requireOnParent(target);
    if (source.account !== target.account)
      throw new MailError('cannot', 'Cannot move a folder to a different account.');
    if (source.folder === 'INBOX' || target.folder === 'INBOX')
      throw new MailError('cannot', 'INBOX rename not implemented.');
    if (this.#isReserved(source) || this.#isReserved(target))
      throw new MailError('cannot', 'Reserved folder name - cannot rename.');
    checkNewName(target.name, this.settings.astralNames);
    await source.account.renameFolder(source.folder, target.folder);
    aclFilesOf(source.account).folderRenamed(source.folder, target.folder);
    await this.#quotaOf(source.account).recount();
  }

  /** Whether the folder exists is not looked at. @returns false if it was subscribed already */
  async subscribe(name: string): Promise<boolean> {
    const target = this.resolve(name);
    // A name that only another program could have made may be subscribed as long as it fits on a line of the file.
    if (/\p{Cc}/u.test(target.name) || !this.account.hasFolder(target.folder))
      checkNewName(target.name, this.settings.astralNames);
    return this.account.subscribe(target.name);
  }

  /** @returns false if it was not subscribed */
  async unsubscribe(name: string): Promise<boolean> {
    return this.account.unsubscribe(this.resolve(name).name);
  }

  /** GETACL. Needs right a. @throws {MailError} unavailable: it cannot be read */
  acl(name: string): Acl {
    const target = this.#administered(name);
    return aclFilesOf(target.account).effective(target.folder)!;
  }

  /** SETACL, DELETEACL (a replacement by no rights), ACL STORE. Needs right a. @throws {AclRefused} */
  async changeAcl(name: string, change: AclChange): Promise<void> {
    const target = this.#administered(name);
    await aclFilesOf(target.account).change(target.folder, this.#ownerOf(target), (acl) =>
      changeAcl(acl, change),
    );
  }

  /** ACL SET: the whole list. Needs right a. @throws {AclRefused} */
  async replaceAcl(name: string, acl: Acl): Promise<void> {
    const target = this.#administered(name);
    await aclFilesOf(target.account).change(target.folder, this.#ownerOf(target), () => acl);
  }

  /** The login id of the mailbox's owner; undefined: not somebody who can log in here. */
  owner(name: string): string | undefined {
    return this.#ownerOf(this.resolve(name));
  }

  /** GETQUOTAROOT: the name of the quota root of a mailbox, existing or not. */
  quotaRoot(name: string): string {
    this.resolve(name);
    return 'ROOT';
  }

  /** GETQUOTA; undefined: there is no such root, or it has no quota. @throws {MailError} unavailable */
  async quota(root: string): Promise<Quota | undefined> {
    return root === 'ROOT' ? this.#quotaOf(this.account).read() : undefined;
  }

  /** IMAP_EMPTYTRASH, `7` or `Trash:7,Sent:30`: at login and at LOGOUT. Failures are only logged. */
  async emptyTrash(value: string | undefined): Promise<void> {
    for (const { folder, days } of parseEmptyTrash(value, this.settings.trashFolder))
      try {
        const target = this.#existing(folder === 'INBOX' ? folder : `INBOX.${folder}`);
        const removed = await purgeFolder(
          this.account.directoryOf(target.folder),
          days,
          this.account.settings,
        );
        if (isCountedFolder(target.folder)) await this.#quotaOf(this.account).adjust(minus(removed));
      } catch (error) {
        if (!(error instanceof MailError)) throw error;
        if (error.kind !== 'notFound') this.account.settings.log.warn(`${folder}: ${error.message}`);
      }
  }

  #administered(name: string): Target {
    const target = this.#existing(name);
    requireRight(this.#rightsOf(target), 'a', target.name);
    return target;
  }

  #ownerOf({ account }: Target): string | undefined {
    return account === this.account && this.#identity.login !== '' ? this.#identity.login : undefined;
  }

  #existing(name: string): Target {
    const target = this.resolve(name);
    if (!target.account.hasFolder(target.folder)) throw new MailError('notFound', 'no such mailbox');
    return target;
  }

  #rightsOf({ account, folder }: Target): Rights {
    const isOwner = account === this.account;
    if (isOwner && this.#identity.aclsDisabled) return rightsWithoutAcls;
    const acl = aclFilesOf(account).effective(folder);
    return acl === undefined ? '' : rightsOf(acl, this.#identity, isOwner);
  }

  #requireOnParent(target: Target): void {
    const [parent] = parentsOf(target.name);
    if (parent === undefined) throw new MailError('cannot', 'INBOX has no parent');
    requireRight(this.#rightsOf({ ...target, name: parent, folder: parent }), 'c', parent);
  }

  #isReserved(target: Target): boolean {
    return target.folder === 'INBOX' || target.folder === `INBOX.${this.settings.trashFolder}`;
  }

  #trashFor(target: Target): OpenMailboxOptions['trash'] {
    if (!this.settings.moveExpungeToTrash) return undefined;
    const trash = `INBOX.${this.settings.trashFolder}`;
    if (target.folder === trash) return undefined;
    return { directory: this.account.directoryOf(trash), counted: isCountedFolder(trash) };
  }

  #quotaOf(account: Account): AccountQuota {
    const ownLimit = account === this.account ? (this.settings.maildirQuota ?? '') : '';
    return new AccountQuota(account.maildir, account.settings, ownLimit);
  }

  async #visibleFolders(): Promise<string[]> {
    return [...(await this.account.listFolders()).keys()].filter((name) => this.#isVisible(name));
  }

  #isVisible(folder: string): boolean {
    return this.#rightsOf({ name: folder, account: this.account, folder }).includes('l');
  }

  async #visibleSubscriptions(): Promise<string[]> {
    return this.account.subscriptions().flatMap((name) => {
      try {
        const canonical = toCanonical(name, 'INBOX.');
        return this.#isVisible(canonical) ? [canonical] : [];
      } catch {
        return []; // a line that is no name of ours
      }
    });
  }

  /** A client that asks for `INBOX.%` although the prefix is '' gets the names it asked for. */
  #spelling(pattern: string): (canonical: string) => string {
    const prefix = /^inbox\./i.test(pattern) ? 'INBOX.' : this.settings.prefix;
    return (canonical) => toClient(canonical, prefix);
  }

  async #described(listed: readonly Listed[], visible: ReadonlySet<string>): Promise<ListEntry[]> {
    const { specialUse, trashFolder, checkAllFolders } = this.settings;
    const uses = specialUses(specialUse, trashFolder, (name) => visible.has(name));
    const entries: ListEntry[] = [];
    for (const entry of listed) {
      const canonical = toCanonical(entry.name, this.settings.prefix);
      const wanted = entry.selectable && (checkAllFolders || canonical === 'INBOX');
      const marked = wanted ? await hasUnseen(this.account.directoryOf(canonical)) : undefined;
      entries.push({ ...entry, marked, specialUse: uses.get(canonical) });
    }
    return entries;
  }

  /** `LIST ref ""`: the attributes of the reference with an empty name (imap-server §7.1). */
  async #listReference(reference: string): Promise<ListEntry[]> {
    const name = reference.replace(/\.$/, '');
    const found = name === '' ? undefined : (await this.list('', [name.replace(/[*%]/g, '')]))[0];
    const nothing = { selectable: false, hasChildren: undefined, subscribed: false, childSubscribed: false };
    return [{ ...nothing, marked: undefined, specialUse: undefined, ...found, name: '' }];
  }
}
