import { MailError } from '../base/mail-error.ts';
import type { Append, Appended } from '../store/append.ts';
import type { Copied } from '../store/copy.ts';
import { flag } from '../store/flags.ts';
import type { Folder } from '../store/folder.ts';
import type { Amount } from '../store/maildirsize.ts';
import type { FlagChange } from '../store/store-flags.ts';
import { type AccountQuota, minus, nothing, total, type Weighed, weigh } from './quota.ts';
import { changeableFlags, type Rights, requireRight } from './rights.ts';

export interface OpenMailboxOptions {
  /** Canonical name; equal to `Target.name`. */
  readonly name: string;
  readonly folder: Folder;
  readonly rights: Rights;
  readonly readOnly: boolean;
  /** Of the account the folder belongs to. */
  readonly quota: AccountQuota;
  /** Whether messages in this folder count in the quota. */
  readonly counted: boolean;
  /** Where expunged messages go; undefined: nowhere. */
  readonly trash: { readonly directory: string; readonly counted: boolean } | undefined;
}

/**
 * One mailbox opened by one session: the shared folder, and what this user may do to it.
 * Read through `folder`; change only through the methods, which keep rights and quota.
 */
export class OpenMailbox {
  readonly name: string;
  readonly folder: Folder;
  readonly rights: Rights;
  /** EXAMINE, or none of the rights i e s w t. */
  readonly readOnly: boolean;
  readonly #quota: AccountQuota;
  readonly #counted: boolean;
  readonly #trash: OpenMailboxOptions['trash'];
  /** UIDs copied elsewhere in this session: expunging them need not keep them in Trash. */
  readonly #copied = new Set<number>();

  constructor({ name, folder, rights, readOnly, quota, counted, trash }: OpenMailboxOptions) {
    this.name = name;
    this.folder = folder;
    this.rights = rights;
    this.readOnly = readOnly;
    this.#quota = quota;
    this.#counted = counted;
    this.#trash = trash;
  }

  /**
   * STORE; flags without the right for them (s, t, w) are left as they are.
   * @throws {MailError} readOnly, overQuota (\Deleted is taken off where there is no room), noPermission, unavailable
   */
  async storeFlags(uids: Iterable<number>, change: FlagChange): Promise<void> {
    this.#requireWritable();
    const mask = (change.mask ?? changeableFlags(this.rights)) & changeableFlags(this.rights);
    const keywordsAllowed = change.keywordsAllowed !== false && this.rights.includes('w');
    const chosen = [...uids];
    const store = () => this.folder.storeFlags(chosen, { ...change, mask, keywordsAllowed });
    const deleted = deletedAfter(change, mask);
    if (deleted === undefined || !this.#isCounting()) return store();
    const amount = total(weigh(this.folder, chosen), (message) => (message.deleted === deleted ? 0 : 1));
    if (deleted) {
      await store();
      await this.#quota.adjust(minus(amount));
    } else await this.#charged(amount, store);
  }

  /**
   * Removes messages, into the trash folder if the settings say so.
   * @param uids  the caller has chosen them: those with \Deleted
   * @returns UIDs really removed, ascending
   * @throws {MailError} noPermission (right e), readOnly, unavailable
   */
  async expunge(uids: Iterable<number>): Promise<number[]> {
    requireRight(this.rights, 'e', this.name);
    this.#requireWritable();
    const chosen = [...uids];
    const weighed = this.#quota.exists() ? weigh(this.folder, chosen) : [];
    const toTrash = new Set(this.#trash ? chosen.filter((uid) => !this.#copied.has(uid)) : []);
    const moved = this.#trash ? await this.folder.expunge(toTrash, { trash: this.#trash.directory }) : [];
    const removed = await this.folder.expunge(chosen.filter((uid) => !toTrash.has(uid)));
    const gone = new Set([...moved, ...removed]);
    const keeps = (message: Weighed) => (toTrash.has(message.uid) && this.#trash?.counted ? 1 : 0);
    const change = total(weighed, (message) =>
      gone.has(message.uid) ? keeps(message) - this.#weight(message) : 0,
    );
    await this.#quota.adjust(change);
    return [...gone].sort((one, other) => one - other);
  }

  /** @throws {MailError} unavailable */
  startAppend(): Promise<Append> {
    return this.folder.startAppend();
  }

  /**
   * Puts messages into the mailbox, all or none; flags without the right for them are dropped.
   * @throws {MailError} overQuota, unavailable
   */
  async commitAppends(appends: readonly Append[]): Promise<Appended> {
    let amount = nothing;
    for (const append of appends) {
      append.flags &= changeableFlags(this.rights);
      if (!this.rights.includes('w')) append.keywords = [];
      if (this.#counted && (append.flags & flag.deleted) === 0)
        amount = { octets: amount.octets + append.sizeOctets, messages: amount.messages + 1 };
    }
    return this.#charged(amount, () => this.folder.commitAppends(appends));
  }

  /** Copies messages there; the right i was asked for when the target was opened. @throws {MailError} overQuota, unavailable */
  async copyTo(target: OpenMailbox, uids: Iterable<number>): Promise<Copied> {
    const chosen = [...uids];
    const weighed = target.#isCounting() ? weigh(this.folder, chosen) : [];
    const arriving = (messages: readonly Weighed[]) =>
      total(messages, (message) => target.#arrivalWeight(message));
    const copied = await target.#charged(arriving(weighed), () =>
      target.folder.copyFrom(this.folder, chosen, keptBy(target)),
    );
    const done = new Set(copied.pairs.map(([uid]) => uid));
    await target.#quota.adjust(minus(arriving(weighed.filter(({ uid }) => !done.has(uid)))));
    for (const uid of done) this.#copied.add(uid);
    return copied;
  }

  /** As {@link copyTo}, and the messages leave this mailbox: rights t and e here. */
  async moveTo(target: OpenMailbox, uids: Iterable<number>): Promise<Copied> {
    for (const right of ['t', 'e']) requireRight(this.rights, right, this.name);
    this.#requireWritable();
    const chosen = [...uids];
    const weighed = this.#isCounting() || target.#isCounting() ? weigh(this.folder, chosen) : [];
    const isOneAccount = this.#quota.maildir === target.#quota.maildir;
    const arrival = (message: Weighed) =>
      target.#arrivalWeight(message) - (isOneAccount ? this.#weight(message) : 0);
    const expected = total(weighed, (message) => Math.max(0, arrival(message)));
    const moved = await target.#charged(expected, () =>
      target.folder.moveFrom(this.folder, chosen, keptBy(target)),
    );
    const done = new Set(moved.pairs.map(([uid]) => uid));
    const arrived = total(weighed, (message) => (done.has(message.uid) ? arrival(message) : 0));
    await target.#quota.adjust(minus(expected, arrived));
    if (!isOneAccount)
      await this.#quota.adjust(
        total(weighed, (message) => (done.has(message.uid) ? -this.#weight(message) : 0)),
      );
    return moved;
  }

  close(): void {
    this.folder.close();
  }

  #requireWritable(): void {
    if (this.readOnly) throw new MailError('readOnly', 'the mailbox is open read-only');
  }

  #isCounting(): boolean {
    return this.#counted && this.#quota.exists();
  }

  /** How often a message of this folder counts. */
  #weight({ deleted }: Weighed): number {
    return this.#counted && !deleted ? 1 : 0;
  }

  /** How often a message that comes here will count: it loses \Deleted where the right t is missing. */
  #arrivalWeight({ deleted }: Weighed): number {
    return this.#counted && !(deleted && this.rights.includes('t')) ? 1 : 0;
  }

  /** Charges first, and gives back if the task fails. @throws {MailError} overQuota */
  async #charged<T>(amount: Amount, task: () => Promise<T>): Promise<T> {
    await this.#quota.charge(amount);
    try {
      return await task();
    } catch (error) {
      await this.#quota.adjust(minus(amount));
      throw error;
    }
  }
}

/** Whether a change leaves messages with \Deleted or without; undefined if it does not touch that flag. */
function deletedAfter({ mode, flags }: FlagChange, mask: number): boolean | undefined {
  if ((mask & flag.deleted) === 0) return undefined;
  const named = (flags & flag.deleted) !== 0;
  if (mode === 'replace') return named;
  return named ? mode === 'add' : undefined;
}

function keptBy(target: OpenMailbox): { flagMask: number; keywords: boolean } {
  return { flagMask: changeableFlags(target.rights), keywords: target.rights.includes('w') };
}
