import { existsSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import type { Append, Appended } from '../store/append.ts';
import type { Copied } from '../store/copy.ts';
import { flag } from '../store/flags.ts';
import type { Folder } from '../store/folder.ts';
import type { Amount } from '../store/maildirsize.ts';
import { turnAfter } from '../store/slices.ts';
import type { FlagChange } from '../store/store-flags.ts';
import { trashName } from '../store/trash.ts';
import { type AccountQuota, minus, nothing, type QuotaLedger, total, type Weighed, weigh } from './quota.ts';
import { changeableFlags, needed, type Rights, requireRight } from './rights.ts';

export interface OpenMailboxOptions {
  /** Canonical name; equal to `Target.name`. */
  readonly name: string;
  readonly folder: Folder;
  readonly rights: Rights;
  /** Asked before each change, where others decide about the rights. */
  readonly rightsNow?: () => Rights;
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
  /** EXAMINE, or none of the rights i e s w t. */
  readonly readOnly: boolean;
  #rights: Rights;
  readonly #rightsNow: (() => Rights) | undefined;
  readonly #quota: AccountQuota;
  readonly #counted: boolean;
  readonly #trash: OpenMailboxOptions['trash'];
  /** UIDs copied elsewhere in this session: expunging them need not keep them in Trash. */
  readonly #copied = new Set<number>();

  constructor({ name, folder, rights, rightsNow, readOnly, quota, counted, trash }: OpenMailboxOptions) {
    this.name = name;
    this.folder = folder;
    this.#rights = rights;
    this.#rightsNow = rightsNow;
    this.readOnly = readOnly;
    this.#quota = quota;
    this.#counted = counted;
    this.#trash = trash;
  }

  /** Somebody has deleted or renamed the folder: nothing can be read from it any more. Asks the disk. */
  get isGone(): boolean {
    return !existsSync(octetPath(this.folder.directory, 'cur'));
  }

  /** As they were when they were worked out last. */
  get rights(): Rights {
    return this.#rights;
  }

  /** @returns whether these are others */
  setRights(rights: Rights): boolean {
    const before = this.#rights;
    this.#rights = rights;
    return rights !== before;
  }

  /**
   * STORE; flags without the right for them (s, t, w) are left as they are.
   * @throws {MailError} readOnly, overQuota (\Deleted is taken off where there is no room), noPermission, unavailable
   */
  async storeFlags(uids: Iterable<number>, change: FlagChange): Promise<void> {
    this.#requireWritable();
    this.#askRights();
    const mask = (change.mask ?? changeableFlags(this.rights)) & changeableFlags(this.rights);
    const keywordsAllowed = change.keywordsAllowed !== false && this.rights.includes(needed.markOther);
    const chosen = [...uids];
    const store = () => this.folder.storeFlags(chosen, { ...change, mask, keywordsAllowed });
    const deleted = this.#deletedCounts ? undefined : deletedAfter(change, mask);
    if (deleted === undefined || !this.#isCounting()) return store();
    await this.#quota.change(async (ledger) => {
      const amount = total(weigh(this.folder, chosen), (message) => (message.deleted === deleted ? 0 : 1));
      if (!deleted) return charged(ledger, amount, store);
      await store();
      return ledger.adjust(minus(amount));
    });
  }

  /**
   * Removes messages, into the trash folder if the settings say so.
   * @param uids  the caller has chosen them: those with \Deleted
   * @returns UIDs really removed, ascending
   * @throws {MailError} noPermission (right e), readOnly, unavailable
   */
  async expunge(uids: Iterable<number>): Promise<number[]> {
    this.#askRights();
    requireRight(this.rights, needed.expunge, this.name);
    this.#requireWritable();
    const chosen = [...uids];
    if (!this.#expungeCounts()) return ascending((await this.#remove(chosen)).gone);
    return this.#quota.change(async (ledger) => {
      const weighed = weigh(this.folder, chosen);
      const { gone, toTrash } = await this.#remove(chosen);
      const keeps = (message: Weighed) => (toTrash.has(message.uid) && this.#trash?.counted ? 1 : 0);
      const change = total(weighed, (message) =>
        gone.has(message.uid) ? keeps(message) - this.#weight(message) : 0,
      );
      await ledger.adjust(change);
      return ascending(gone);
    });
  }

  /** Where expunging moves a message: the path of its file then, octets; undefined: it is removed for good. */
  trashPathOf(uid: number): string | undefined {
    const row = this.folder.rowOf(uid);
    if (this.#trash === undefined || row < 0 || this.#copied.has(uid)) return undefined;
    return `${this.#trash.directory}/cur/${trashName(this.folder.fileName(row))}`;
  }

  async #remove(chosen: readonly number[]): Promise<{ gone: Set<number>; toTrash: Set<number> }> {
    const toTrash = new Set(this.#trash ? chosen.filter((uid) => !this.#copied.has(uid)) : []);
    const moved = this.#trash ? await this.folder.expunge(toTrash, { trash: this.#trash.directory }) : [];
    const removed = await this.folder.expunge(chosen.filter((uid) => !toTrash.has(uid)));
    await turnAfter(removed.length);
    return { gone: new Set([...moved, ...removed]), toTrash };
  }

  /** Whether expunging can change what is used. */
  #expungeCounts(): boolean {
    return (this.#counted || this.#trash?.counted === true) && this.#quota.exists();
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
    this.#requireInsert();
    let amount = nothing;
    for (const append of appends) {
      append.flags &= changeableFlags(this.rights);
      if (!this.rights.includes(needed.markOther)) append.keywords = [];
      if (this.#counted && (this.#deletedCounts || (append.flags & flag.deleted) === 0))
        amount = { octets: amount.octets + append.sizeOctets, messages: amount.messages + 1 };
    }
    if (amount === nothing) return this.folder.commitAppends(appends);
    return this.#quota.change((ledger) => charged(ledger, amount, () => this.folder.commitAppends(appends)));
  }

  /**
   * Whether messages would fit now, for whoever has to do something before they are put here.
   * @throws {MailError} overQuota
   */
  async requireRoom(messages: readonly { readonly sizeOctets: number }[]): Promise<void> {
    if (!this.#isCounting()) return;
    const octets = messages.reduce((sum, { sizeOctets }) => sum + sizeOctets, 0);
    const amount = { octets, messages: messages.length };
    await this.#quota.change(async (ledger) => {
      await ledger.charge(amount);
      await ledger.adjust(minus(amount));
    });
  }

  /** Copies messages there; the right i was asked for when the target was opened. @throws {MailError} overQuota, unavailable */
  async copyTo(target: OpenMailbox, uids: Iterable<number>): Promise<Copied> {
    target.#requireInsert();
    const chosen = [...uids];
    const copy = () => target.folder.copyFrom(this.folder, chosen, keptBy(target));
    const arriving = (messages: readonly Weighed[]) =>
      total(messages, (message) => target.#arrivalWeight(message));
    const copied = target.#isCounting()
      ? await target.#quota.change(async (ledger) => {
          const weighed = weigh(this.folder, chosen);
          const { pairs, ...rest } = await charged(ledger, arriving(weighed), copy);
          const arrived = new Set(pairs.map(([uid]) => uid));
          await ledger.adjust(minus(arriving(weighed.filter(({ uid }) => !arrived.has(uid)))));
          return { ...rest, pairs };
        })
      : await copy();
    await turnAfter(copied.pairs.length);
    for (const pair of copied.pairs) this.#copied.add(pair[0]);
    await turnAfter(copied.pairs.length);
    return copied;
  }

  /** As {@link copyTo}, and the messages leave this mailbox: rights t and e here. */
  async moveTo(target: OpenMailbox, uids: Iterable<number>): Promise<Copied> {
    this.#askRights();
    requireRight(this.rights, needed.markDeleted, this.name);
    requireRight(this.rights, needed.expunge, this.name);
    this.#requireWritable();
    target.#requireInsert();
    const chosen = [...uids];
    const move = () => target.folder.moveFrom(this.folder, chosen, keptBy(target));
    if (!this.#isCounting() && !target.#isCounting()) return move();
    const isOneAccount = this.#quota.maildir === target.#quota.maildir;
    const weighed = weigh(this.folder, chosen);
    const arrival = (message: Weighed) =>
      target.#arrivalWeight(message) - (isOneAccount ? this.#weight(message) : 0);
    const expected = total(weighed, (message) => Math.max(0, arrival(message)));
    const moved = await target.#quota.change(async (ledger) => {
      const { pairs, ...rest } = await charged(ledger, expected, move);
      const gone = new Set(pairs.map(([uid]) => uid));
      const arrived = total(weighed, (message) => (gone.has(message.uid) ? arrival(message) : 0));
      await ledger.adjust(minus(expected, arrived));
      return { ...rest, pairs };
    });
    if (isOneAccount) return moved;
    const gone = new Set(moved.pairs.map(([uid]) => uid));
    const left = total(weighed, (message) => (gone.has(message.uid) ? -this.#weight(message) : 0));
    await this.#quota.change((ledger) => ledger.adjust(left));
    return moved;
  }

  close(): void {
    this.folder.close();
  }

  #askRights(): void {
    if (this.#rightsNow) this.#rights = this.#rightsNow();
  }

  #requireInsert(): void {
    this.#askRights();
    requireRight(this.rights, needed.insert, this.name);
  }

  #requireWritable(): void {
    if (this.readOnly) throw new MailError('readOnly', 'the mailbox is open read-only');
  }

  #isCounting(): boolean {
    return this.#counted && this.#quota.exists();
  }

  /** \Deleted makes no difference, by a setting. */
  get #deletedCounts(): boolean {
    return this.#quota.settings.countTrash === true;
  }

  /** How often a message of this folder counts. */
  #weight({ deleted }: Weighed): number {
    return this.#counted && (this.#deletedCounts || !deleted) ? 1 : 0;
  }

  /** How often a message that comes here will count: it loses \Deleted where the right t is missing. */
  #arrivalWeight({ deleted }: Weighed): number {
    return this.#counted && (this.#deletedCounts || !(deleted && this.rights.includes(needed.markDeleted)))
      ? 1
      : 0;
  }
}

/** Charges first, and gives back if the task fails. @throws {MailError} overQuota */
async function charged<T>(ledger: QuotaLedger, amount: Amount, task: () => Promise<T>): Promise<T> {
  await ledger.charge(amount);
  try {
    return await task();
  } catch (error) {
    await ledger.adjust(minus(amount));
    throw error;
  }
}

async function ascending(uids: ReadonlySet<number>): Promise<number[]> {
  const sorted = [...uids].sort(byNumber);
  await turnAfter(sorted.length);
  return sorted;
}

function byNumber(one: number, other: number): number {
  return one - other;
}

/** Whether a change leaves messages with \Deleted or without; undefined if it does not touch that flag. */
function deletedAfter({ mode, flags }: FlagChange, mask: number): boolean | undefined {
  if ((mask & flag.deleted) === 0) return undefined;
  const named = (flags & flag.deleted) !== 0;
  if (mode === 'replace') return named;
  return named ? mode === 'add' : undefined;
}

function keptBy(target: OpenMailbox): { flagMask: number; keywords: boolean } {
  return { flagMask: changeableFlags(target.rights), keywords: target.rights.includes(needed.markOther) };
}
