import { MailError } from '../base/mail-error.ts';
import type { Append, Appended } from '../store/append.ts';
import type { Copied } from '../store/copy.ts';
import type { Folder } from '../store/folder.ts';
import type { FlagChange } from '../store/store-flags.ts';
import { changeableFlags, type Rights, requireRight } from './rights.ts';

export interface OpenMailboxOptions {
  /** Canonical name; equal to `Target.name`. */
  readonly name: string;
  readonly folder: Folder;
  readonly rights: Rights;
  readonly readOnly: boolean;
  /** Where expunged messages go; undefined: nowhere. */
  readonly trash: string | undefined;
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
  readonly #trash: string | undefined;
  /** UIDs copied elsewhere in this session: expunging them need not keep them in Trash. */
  readonly #copied = new Set<number>();

  constructor({ name, folder, rights, readOnly, trash }: OpenMailboxOptions) {
    this.name = name;
    this.folder = folder;
    this.rights = rights;
    this.readOnly = readOnly;
    this.#trash = trash;
  }

  /**
   * STORE; flags without the right for them (s, t, w) are left as they are.
   * @throws {MailError} readOnly, overQuota, noPermission, unavailable
   */
  async storeFlags(uids: Iterable<number>, change: FlagChange): Promise<void> {
    this.#requireWritable();
    await this.folder.storeFlags(uids, {
      ...change,
      mask: (change.mask ?? changeableFlags(this.rights)) & changeableFlags(this.rights),
      keywordsAllowed: change.keywordsAllowed !== false && this.rights.includes('w'),
    });
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
    if (this.#trash === undefined) return this.folder.expunge(uids);
    const copied: number[] = [];
    const others: number[] = [];
    for (const uid of uids) (this.#copied.has(uid) ? copied : others).push(uid);
    const moved = await this.folder.expunge(others, { trash: this.#trash });
    const removed = copied.length > 0 ? await this.folder.expunge(copied) : [];
    return [...moved, ...removed].sort((one, other) => one - other);
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
    for (const append of appends) {
      append.flags &= changeableFlags(this.rights);
      if (!this.rights.includes('w')) append.keywords = [];
    }
    return this.folder.commitAppends(appends);
  }

  /** Copies messages there; the right i was asked for when the target was opened. @throws {MailError} overQuota, unavailable */
  async copyTo(target: OpenMailbox, uids: Iterable<number>): Promise<Copied> {
    const copied = await target.folder.copyFrom(this.folder, [...uids], keptBy(target));
    for (const [uid] of copied.pairs) this.#copied.add(uid);
    return copied;
  }

  /** As {@link copyTo}, and the messages leave this mailbox: rights t and e here. */
  async moveTo(target: OpenMailbox, uids: Iterable<number>): Promise<Copied> {
    for (const right of ['t', 'e']) requireRight(this.rights, right, this.name);
    this.#requireWritable();
    return target.folder.moveFrom(this.folder, [...uids], keptBy(target));
  }

  close(): void {
    this.folder.close();
  }

  #requireWritable(): void {
    if (this.readOnly) throw new MailError('readOnly', 'the mailbox is open read-only');
  }
}

function keptBy(target: OpenMailbox): { flagMask: number; keywords: boolean } {
  return { flagMask: changeableFlags(target.rights), keywords: target.rights.includes('w') };
}
