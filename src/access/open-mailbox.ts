import type { Append } from '../store/append.ts';
import type { Folder } from '../store/folder.ts';
import type { FlagChange } from '../store/store-flags.ts';
import type { Rights } from './rights.ts';

/**
 * One mailbox opened by one session: the shared folder, and what this user may do to it.
 * Read through `folder`; change only through the methods, which keep rights and quota.
 */
export class OpenMailbox {
  /** Canonical name; equal to `Target.name`. */
  readonly name: string;
  readonly folder: Folder;
  readonly rights: Rights;
  /** EXAMINE, or none of the rights i e s w t. */
  readonly readOnly: boolean;

  constructor(name: string, folder: Folder, rights: Rights, readOnly: boolean) {
    this.name = name;
    this.folder = folder;
    this.rights = rights;
    this.readOnly = readOnly;
  }

  /**
   * STORE; flags without the right for them (s, t, w) are left as they are.
   * @throws {MailError} readOnly, overQuota
   */
  storeFlags(uids: readonly number[] | Uint32Array, change: FlagChange): Promise<void> {
    throw new Error(`not yet ${uids} ${change}`);
  }

  /**
   * Removes messages, into the trash folder if the settings say so.
   * @param uids  the caller has chosen them: those with \Deleted
   * @returns UIDs really removed
   * @throws {MailError} noPermission (right e), readOnly
   */
  expunge(uids: readonly number[] | Uint32Array): Promise<number[]> {
    throw new Error(`not yet ${uids}`);
  }

  startAppend(): Promise<Append> {
    throw new Error(`not yet ${this.name}`);
  }

  /** All or nothing. @throws {MailError} overQuota, unavailable */
  commitAppends(appends: readonly Append[]): Promise<{ uidValidity: number; uids: number[] }> {
    throw new Error(`not yet ${appends}`);
  }

  /** @returns pairs [UID here, UID there] in the order given; messages that have gone are left out */
  copyTo(
    target: OpenMailbox,
    uids: readonly number[] | Uint32Array,
  ): Promise<{ uidValidity: number; pairs: [number, number][] }> {
    throw new Error(`not yet ${target} ${uids}`);
  }

  /** As {@link copyTo}, and the messages leave this mailbox (rights t and e here). */
  moveTo(
    target: OpenMailbox,
    uids: readonly number[] | Uint32Array,
  ): Promise<{ uidValidity: number; pairs: [number, number][] }> {
    throw new Error(`not yet ${target} ${uids}`);
  }

  close(): void {
    this.folder.close();
  }
}
