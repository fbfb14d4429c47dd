import { MailError } from '../base/mail-error.ts';
import type { Account } from '../store/account.ts';
import { checkNewName } from '../store/names.ts';
import type { FolderStatus } from '../store/registry.ts';
import { parseEmptyTrash, purgeFolder } from '../store/trash.ts';
import { type Acl, type AclChange, changeAcl, type Identity } from './acl.ts';
import { aclFilesOf } from './acl-files.ts';
import type { Prefix } from './client-names.ts';
import { Lister, type ListOptions } from './lister.ts';
import type { ListEntry } from './listing.ts';
import { OpenMailbox, type OpenMailboxOptions } from './open-mailbox.ts';
import { isCountedFolder, minus, type QuotaWarning, total, weigh } from './quota.ts';
import { QuotaRoots } from './quota-roots.ts';
import { AccessDenied, mayChange, needed, type Rights, requireRight } from './rights.ts';
import { openSharable, statusOfSharable } from './sharable-mailbox.ts';
import type { SharedSettings } from './shared-index.ts';
import { type SpecialUse, wellKnownFolders } from './special-use.ts';
import { isSharableName, sharedPrefix, type Target, Targets } from './targets.ts';

export type { ListOptions } from './lister.ts';
export type { ListEntry } from './listing.ts';
export type { Target } from './targets.ts';

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
  /** The quota of the account, or MAILDIRQUOTA, `1000000S,1000C`; default: what its `maildirsize` says. */
  readonly maildirQuota?: string;
  /** Default: nobody is warned. */
  readonly quotaWarning?: QuotaWarning;
  /** How many mailboxes an account may have; default and 0: no limit. */
  readonly mailboxLimit?: number;
  /** Default: nothing is shared. */
  readonly shared?: SharedSettings;
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

export interface Namespace {
  readonly prefix: string;
  readonly delimiter: '.';
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
  /** The quotas of the accounts that can be reached. */
  readonly quotas: QuotaRoots;
  readonly #targets: Targets;
  readonly #lister: Lister;

  /** @param identity  who has logged in; by default the account's owner and nobody else */
  constructor(account: Account, settings: MailboxesSettings, identity: Identity = ownerOnly) {
    this.account = account;
    this.settings = settings;
    this.#targets = new Targets(account, settings.prefix, identity, settings.shared);
    this.quotas = new QuotaRoots(this.#targets, settings);
    this.#lister = new Lister(this.#targets, settings);
  }

  namespaces(): { personal: Namespace[]; others: Namespace[]; shared: Namespace[] } {
    const [personal, shared] = [this.settings.prefix, sharedPrefix].map(
      (prefix) => ({ prefix, delimiter: '.' }) as const,
    );
    return { personal: [personal], others: [], shared: [shared, { prefix: 'shared.', delimiter: '.' }] };
  }

  /** @throws {MailError} invalidName; notFound: there is no such account; whether the folder exists is not looked at */
  resolve(name: string): Target {
    return this.#targets.find(name);
  }

  /** A shared name, of a group of accounts too, with the index's spelling of groups and accounts. */
  sharedSpelling(name: string): string {
    return this.#targets.sharedSpelling(name);
  }

  /** How this client writes a canonical name. */
  clientName(canonical: string): string {
    return this.#targets.clientName(canonical);
  }

  exists(name: string): boolean {
    return this.#targets.exists(this.resolve(name));
  }

  /** What the user may do there, whether it exists or not; '' is nothing. */
  rights(name: string): Rights {
    return this.#targets.rights(this.resolve(name));
  }

  /** Asks for a right on the folder above, existing or not. @throws {AccessDenied} */
  requireOnParent(name: string, right: 'c' | 'x'): void {
    this.#requireOnParent(this.resolve(name), right);
  }

  /** LIST, also the extended one; sorted, INBOX first. @throws {MailError} cannot: too many wildcards */
  async list(
    reference: string,
    patterns: readonly string[],
    options: ListOptions = {},
  ): Promise<ListEntry[]> {
    return this.#lister.list(reference, patterns, options);
  }

  /** @throws {MailError} cannot: too many wildcards */
  async lsub(reference: string, pattern: string): Promise<ListEntry[]> {
    return this.#lister.lsub(reference, pattern);
  }

  /** STATUS as of now on the disk, waiting new mail included. @param right  what it needs: l is enough for SMAP */
  async status(name: string, right: 'r' | 'l' = 'r'): Promise<FolderStatus> {
    const target = this.#existing(name);
    requireRight(this.#targets.rights(target), right, target.name);
    if (target.sharable) return statusOfSharable(this.#targets, target.sharable);
    return target.account.statusOf(target.folder);
  }

  /** Octets of the messages with \Deleted, as the quota counts them. */
  async deletedOctets(name: string): Promise<number> {
    const mailbox = await this.open(name, needed.select, { readOnly: true });
    try {
      const { uids, count } = mailbox.folder;
      const weighed = weigh(mailbox.folder, uids.subarray(0, count));
      return total(weighed, ({ deleted }) => (deleted ? 1 : 0)).octets;
    } finally {
      mailbox.close();
    }
  }

  /**
   * Opens a folder for reading (needs right r) or as the target of APPEND and COPY (needs right i).
   * Close it when done; the folder behind it is shared in the process.
   */
  async open(name: string, right: 'r' | 'i', options: { readOnly?: boolean } = {}): Promise<OpenMailbox> {
    const target = this.resolve(name);
    const rights = this.#targets.rights(target);
    // Else opening it tells.
    if (target.sharable || !rights.includes(right)) this.#requireExisting(target);
    requireRight(rights, right, target.name);
    if (target.sharable)
      return openSharable(this.#targets, target.sharable, rights, options.readOnly === true);
    return new OpenMailbox({
      name: target.name,
      folder: await target.account.openFolder(target.folder),
      rights,
      // Others may take rights away meanwhile; an owner could always give them back to himself.
      ...(!this.#targets.isOwn(target) && { rightsNow: () => this.#targets.rights(target) }),
      readOnly: options.readOnly === true || !mayChange(rights),
      quota: this.quotas.of(target.account),
      counted: isCountedFolder(target.folder, target.account.settings),
      trash: this.#trashFor(target),
    });
  }

  /** Needs right c on the parent, which need not exist. */
  async create(name: string): Promise<void> {
    const target = this.resolve(name);
    if (target.folder === 'INBOX') throw new MailError('exists', 'INBOX already exists!');
    this.#requireOnParent(target, needed.createBelow);
    checkNewName(target.name, this.settings.astralNames);
    await this.quotas.requireRoomForMailbox(target.account);
    await target.account.createFolder(target.folder);
    await aclFilesOf(target.account).folderCreated(target.folder);
  }

  /** Needs right x; folders below stay. @throws {MailError} also `cannot` for INBOX and the trash folder */
  async delete(name: string): Promise<void> {
    const target = this.#targets.find(name);
    if ('sharable' in target) {
      if (!(await this.unsubscribe(name))) throw new MailError('notFound', 'no such mailbox');
      return;
    }
    this.#requireExisting(target);
    requireRight(this.#targets.rights(target), needed.remove, target.name);
    if (this.#isReserved(target)) throw new MailError('cannot', 'Cannot delete this folder.');
    await aclFilesOf(target.account).folderGoes(target.folder);
    await target.account.deleteFolder(target.folder);
    await this.quotas.of(target.account).change((ledger) => ledger.recount());
  }

  /** The whole hierarchy moves; UIDs and UIDVALIDITY stay. Needs right x, and c on the new parent. */
  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.resolve(from), this.resolve(to)];
    if ('sharable' in source || 'sharable' in target)
      throw new MailError('invalidName', 'Invalid mailbox name.');
    requireRight(this.#targets.rights(source), needed.remove, source.name);
    this.#requireOnParent(target, needed.createBelow);
    if (source.account !== target.account)
      throw new MailError('cannot', 'Cannot move a folder to a different account.');
    if ((source.folder !== 'INBOX' && this.#isReserved(source)) || this.#isReserved(target))
      throw new MailError('cannot', 'Reserved folder name - cannot rename.');
    checkNewName(target.name, this.settings.astralNames);
    if (source.folder === 'INBOX') return this.#moveInbox(from, to);
    await source.account.renameFolder(source.folder, target.folder);
    aclFilesOf(source.account).folderRenamed(source.folder, target.folder);
    await this.quotas.of(source.account).change((ledger) => ledger.recount());
  }

  /** RENAME of INBOX: its messages go into a new mailbox, the folders below it stay (RFC 9051 §6.3.6). */
  async #moveInbox(from: string, to: string): Promise<void> {
    const inbox = await this.open(from, needed.select);
    try {
      requireRight(inbox.rights, needed.markDeleted, inbox.name);
      requireRight(inbox.rights, needed.expunge, inbox.name);
      await this.create(to);
      const into = await this.open(to, needed.insert);
      try {
        const { uids, count } = inbox.folder;
        if (count > 0) await inbox.moveTo(into, uids.slice(0, count));
      } finally {
        into.close();
      }
    } finally {
      inbox.close();
    }
  }

  /** Whether the folder exists is not looked at. @returns false if it was subscribed already */
  async subscribe(name: string): Promise<boolean> {
    const canonical = this.#targets.canonical(name);
    if (isSharableName(canonical)) return this.#subscribeSharable(canonical);
    // A name that only another program could have made may be subscribed as long as it fits on a line of the file.
    if (/\p{Cc}/u.test(canonical) || !this.#isFolder(name))
      checkNewName(canonical, this.settings.astralNames);
    return this.account.subscribe(this.#subscription(name));
  }

  /** @returns false if it was not subscribed */
  async unsubscribe(name: string): Promise<boolean> {
    const target = isSharableName(name) ? this.resolve(name) : undefined;
    if (target) return target.sharable ? this.#targets.sharables.unsubscribe(target.sharable) : false;
    const isDone = await this.account.unsubscribe(this.#subscription(name));
    return (await this.account.unsubscribe(this.#targets.canonical(name))) || isDone;
  }

  /** The list that counts for a name, whether there is such a folder or not. Needs right a. @throws {MailError} unavailable: it cannot be read */
  acl(name: string): Acl {
    const target = this.#administered(name);
    return this.#targets.acl(target)!;
  }

  /** SETACL, DELETEACL (a replacement by no rights), ACL STORE. Needs right a. @throws {AclRefused} */
  async changeAcl(name: string, ...changes: readonly AclChange[]): Promise<void> {
    const target = this.#administered(name);
    await aclFilesOf(target.account).change(target.folder, this.#targets.ownerOf(target), (acl) =>
      changes.reduce(changeAcl, acl),
    );
  }

  /** ACL SET: the whole list. Needs right a. @throws {AclRefused} */
  async replaceAcl(name: string, acl: Acl): Promise<void> {
    const target = this.#administered(name);
    await aclFilesOf(target.account).change(target.folder, this.#targets.ownerOf(target), acl);
  }

  /** The login id of the mailbox's owner; undefined: not somebody who can log in here. */
  owner(name: string): string | undefined {
    return this.#targets.ownerOf(this.resolve(name));
  }

  /** At login: finishes what crashes have left. Failures are only logged. */
  async repair(): Promise<void> {
    try {
      await this.account.repair();
    } catch (error) {
      this.#logFailure('repair', error);
    }
  }

  /**
   * Housekeeping at login and at LOGOUT: IMAP_EMPTYTRASH, `7` or `Trash:7,Sent:30`. Failures are only logged.
   */
  async emptyTrash(value: string | undefined): Promise<void> {
    for (const { folder, days } of parseEmptyTrash(value, this.settings.trashFolder))
      try {
        const target = this.#existing(folder === 'INBOX' ? folder : `INBOX.${folder}`);
        const { settings } = this.account;
        const purge = () => purgeFolder(this.account.directoryOf(target.folder), days, settings);
        if (!isCountedFolder(target.folder, settings)) await purge();
        else await this.quotas.of(this.account).change(async (ledger) => ledger.adjust(minus(await purge())));
      } catch (error) {
        this.#logFailure(`emptying ${folder}`, error);
      }
  }

  /**
   * Works out the rights in an open mailbox anew, as commands do that look at its list.
   * @returns whether they are others now
   */
  refreshRights(mailbox: OpenMailbox): boolean {
    try {
      return mailbox.setRights(this.rights(mailbox.name));
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return mailbox.setRights('');
    }
  }

  #logFailure(what: string, error: unknown): void {
    if (!(error instanceof MailError)) throw error;
    if (error.kind !== 'notFound') this.account.settings.log.warn(`${what}: ${error.message}`);
  }

  #administered(name: string): Target {
    const target = this.resolve(name);
    if ('sharable' in target) throw new MailError('cannot', 'Cannot set ACLs for this mailbox');
    requireRight(this.#targets.rights(target), needed.administer, target.name);
    return target;
  }

  #isFolder(name: string): boolean {
    try {
      return this.exists(name);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return false;
    }
  }

  /** The name that goes into the file: an account's own spelling if there is one. */
  #subscription(name: string): string {
    try {
      return this.resolve(name).name;
    } catch (error) {
      if (!(error instanceof MailError) || error.kind !== 'notFound') throw error;
      return this.#targets.canonical(name);
    }
  }

  #existing(name: string): Target {
    const target = this.resolve(name);
    this.#requireExisting(target);
    return target;
  }

  #requireExisting(target: Target): void {
    if (!this.#targets.exists(target)) throw new MailError('notFound', 'no such mailbox');
  }

  async #subscribeSharable(name: string): Promise<boolean> {
    const target = this.resolve(name);
    if (target.sharable) return this.#targets.sharables.subscribe(target.sharable);
    if (this.#targets.rights(target) === '') throw new MailError('cannot', 'there is no such maildir');
    return false;
  }

  #requireOnParent(target: Target, right: 'c' | 'x'): void {
    const parent = this.#targets.parent(target);
    if (parent === undefined) throw new AccessDenied(target.name, right);
    requireRight(this.#targets.rights(parent), right, parent.name);
  }

  #isReserved(target: Target): boolean {
    return target.folder === 'INBOX' || target.folder === `INBOX.${this.settings.trashFolder}`;
  }

  #trashFor(target: Target): OpenMailboxOptions['trash'] {
    if (!this.settings.moveExpungeToTrash || !this.#targets.isOwn(target)) return undefined;
    const trash = `INBOX.${this.settings.trashFolder}`;
    if (target.folder === trash) return undefined;
    return {
      directory: this.account.directoryOf(trash),
      counted: isCountedFolder(trash, this.account.settings),
    };
  }
}
