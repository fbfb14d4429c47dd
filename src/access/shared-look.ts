/** What a user may see of other accounts at this moment, for one LIST or LSUB. */
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { openAccount } from '../store/account.ts';
import { nextTurn } from '../store/slices.ts';
import {
  type AccountView,
  areListsCurrent,
  isCurrent,
  type ViewedFolder,
  viewAccount,
} from './account-view.ts';
import type { Acl } from './acl.ts';
import { needed, type Rights } from './rights.ts';
import type { SharedAccount, SharedIndex, SharedRecord } from './shared-index.ts';
import { sharedPrefix, statPath, type Targets } from './targets.ts';

/** Every account that is asked for is looked at; what is remembered of it only saves reading it again. */
export class SharedLook {
  readonly #targets: Targets;
  readonly #rightsIn: (acl: Acl | undefined) => Rights;
  readonly #own: { dev: number; ino: number } | undefined;
  readonly #nowMs = Date.now();
  readonly #indexes = new Map<SharedIndex, ReadonlyMap<string, SharedRecord>>();

  constructor(targets: Targets) {
    this.#targets = targets;
    this.#rightsIn = targets.rightsReader(false);
    this.#own = statPath(octetPath(targets.account.maildir));
  }

  /** @returns undefined: it cannot be reached, or is the user's own; `changed`: {@link again} */
  remembered({ path, view }: SharedAccount): AccountView | undefined | 'changed' {
    const maildir = statPath(path);
    if (!maildir || (maildir.ino === this.#own?.ino && maildir.dev === this.#own.dev)) return undefined;
    return view !== undefined && isCurrent(view, maildir, this.#nowMs) ? view : 'changed';
  }

  /** @param name  of the account's INBOX  @returns undefined: it cannot be read, and so is not there for others */
  async again(record: SharedAccount, name: string): Promise<AccountView | undefined> {
    await nextTurn();
    try {
      record.view = await viewAccount(openAccount(record.maildir, this.#targets.account.settings), name);
      return record.view;
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return undefined;
    }
  }

  isSeen({ acl }: ViewedFolder): boolean {
    return this.#rightsIn(acl).includes(needed.list);
  }

  /**
   * Whether a folder may be seen. Here the lists themselves are looked at, too.
   * @param name  canonical
   * @returns undefined if that is not found out here: there is no such folder, or the name is spelt otherwise
   */
  sees(name: string): boolean | undefined | Promise<boolean | undefined> {
    let index = this.#targets.index;
    for (let start = sharedPrefix.length; index !== undefined; ) {
      const dot = name.indexOf('.', start);
      const end = dot < 0 ? name.length : dot;
      const record = this.#records(index).get(name.slice(start, end));
      if (record === undefined) return undefined;
      if (record.kind === 'account') return this.#seesFolder(record, name, name.slice(0, end));
      index = record.index;
      start = end + 1;
    }
    return undefined;
  }

  #seesFolder(record: SharedAccount, name: string, account: string): ReturnType<SharedLook['sees']> {
    const view = this.remembered(record);
    if (view === undefined) return undefined;
    // Lists of names without folders are looked at one by one.
    if (view !== 'changed' && view.hierarchy.inode !== 0) return undefined;
    if (view !== 'changed' && areListsCurrent(view, name)) return this.#isSeenIn(view, name);
    return this.again(record, account).then((seen) => seen && this.#isSeenIn(seen, name));
  }

  #isSeenIn({ inbox, others }: AccountView, name: string): boolean | undefined {
    const folder = inbox.name === name ? inbox : others.find((each) => each.name === name);
    return folder && this.isSeen(folder);
  }

  /** One state of the index for the whole list. */
  #records(index: SharedIndex): ReadonlyMap<string, SharedRecord> {
    const records = this.#indexes.get(index) ?? index.records();
    this.#indexes.set(index, records);
    return records;
  }
}
