import { MailError } from '../base/mail-error.ts';
import type { Account } from '../store/account.ts';
import { checkNewName } from '../store/names.ts';
import type { FolderStatus } from '../store/registry.ts';
import { type Acl, type AclChange, changeAcl, type Identity } from './acl.ts';
import { aclFilesOf } from './acl-files.ts';
import { emptyTrash, repairAccount } from './housekeeping.ts';
import { Lister, type ListOptions } from './lister.ts';
import type { ListEntry } from './listing.ts';
import type { MailboxesSettings } from './mailboxes-settings.ts';
import { OpenMailbox, type OpenMailboxOptions } from './open-mailbox.ts';
import { isCountedFolder, total, weigh } from './quota.ts';
import { QuotaRoots } from './quota-roots.ts';
import { AccessDenied, mayChange, needed, type Rights, requireRight } from './rights.ts';
import { openSharable, statusOfSharable } from './sharable-mailbox.ts';
import { Subscriber } from './subscriber.ts';
import { sharedPrefix, type Target, Targets } from './targets.ts';

export type { ListOptions } from './lister.ts';
export type { ListEntry } from './listing.ts';
export { defaultMailboxesSettings, type MailboxesSettings } from './mailboxes-settings.ts';
export type { Target } from './targets.ts';

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
  readonly #subscriber: Subscriber;

  /** @param identity  who has logged in; by default the account's owner and nobody else */
  constructor(account: Account, settings: MailboxesSettings, identity: Identity = ownerOnly) {
    this.account = account;
    this.settings = settings;
    this.#targets = new Targets(account, settings.prefix, identity, settings.shared);
    this.quotas = new QuotaRoots(this.#targets, settings);
    this.#lister = new Lister(this.#targets, settings);
    this.#subscriber = new Subscriber(this.#targets, settings.astralNames);
  }

  /** What names begin with (RFC 2342): there is nothing in "other users"; a dot separates components everywhere. */
  namespaces(): { personal: string[]; shared: string[] } {
    return { personal: [this.settings.prefix], shared: [sharedPrefix, 'shared.'] };
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
    const target = this.resolve(name);
    this.#requireExisting(target);
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
  subscribe(name: string): Promise<boolean> {
    return this.#subscriber.subscribe(name);
  }

  /** @returns false if it was not subscribed */
  unsubscribe(name: string): Promise<boolean> {
    return this.#subscriber.unsubscribe(name);
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
  repair(): Promise<void> {
    return repairAccount(this.account);
  }

  /** At login and at LOGOUT. Failures are only logged. @param value  IMAP_EMPTYTRASH */
  emptyTrash(value: string | undefined): Promise<void> {
    return emptyTrash(value, this.settings.trashFolder, this.#targets, this.quotas);
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

  #administered(name: string): Target {
    const target = this.resolve(name);
    if ('sharable' in target) throw new MailError('cannot', 'Cannot set ACLs for this mailbox');
    requireRight(this.#targets.rights(target), needed.administer, target.name);
    return target;
  }

  #requireExisting(target: Target): void {
    if (!this.#targets.exists(target)) throw new MailError('notFound', 'no such mailbox');
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
