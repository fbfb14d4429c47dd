/** Which folders of other accounts a pattern of LIST can mean, and which of them may be seen. */
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { openAccount } from '../store/account.ts';
import { nextTurn, Slice } from '../store/slices.ts';
import {
  type AccountView,
  isCurrent,
  isFolderCurrent,
  type ViewedFolder,
  type VisibleFolder,
  viewAccount,
} from './account-view.ts';
import type { Acl } from './acl.ts';
import { needed, type Rights } from './rights.ts';
import type { SharedAccount, SharedIndex } from './shared-index.ts';
import { sharedPrefix, statPath, type Targets } from './targets.ts';

/** One walk through the index, in slices. */
export class SharedWalk {
  readonly #targets: Targets;
  readonly #literal: string;
  /** Components that a name can have at most. */
  readonly #depth: number;
  readonly #folders: Map<string, VisibleFolder>;
  readonly #groups: Set<string>;
  readonly #rightsIn: (acl: Acl | undefined) => Rights;
  readonly #own: { dev: number; ino: number } | undefined;
  readonly #nowMs = Date.now();
  readonly #slice = new Slice();

  /**
   * @param folders  gets what is found, by name
   * @param groups  gets the names of groups of accounts
   */
  constructor(targets: Targets, pattern: string, folders: Map<string, VisibleFolder>, groups: Set<string>) {
    this.#targets = targets;
    this.#literal = /^[^*%]*/.exec(pattern)![0];
    this.#depth = pattern.includes('*') ? Number.POSITIVE_INFINITY : pattern.split('.').length;
    this.#folders = folders;
    this.#groups = groups;
    this.#rightsIn = targets.rightsReader(false);
    this.#own = statPath(octetPath(targets.account.maildir));
  }

  async add(index: SharedIndex, above = sharedPrefix): Promise<void> {
    const depth = above.split('.').length;
    if (depth > this.#depth) return;
    const wanted = this.#literal.slice(above.length);
    for (const record of index.records()) {
      if (!record.name.startsWith(wanted) && !wanted.startsWith(record.name)) continue;
      if (record.kind === 'group') {
        const name = above + record.name;
        this.#groups.add(name);
        if (this.#literal.length <= name.length || this.#literal.startsWith(`${name}.`))
          await this.add(record.index, `${name}.`);
        continue;
      }
      if (this.#slice.isOver()) await this.#slice.next();
      if (!this.#addKnown(record, depth < this.#depth))
        await this.#addSeen(record, above, depth < this.#depth);
    }
  }

  /** @returns false if the account must be looked at */
  #addKnown({ path, view }: SharedAccount, withFolders: boolean): boolean {
    const maildir = statPath(path);
    if (!maildir || (maildir.ino === this.#own?.ino && maildir.dev === this.#own.dev)) return true;
    return view !== undefined && isCurrent(view, maildir, this.#nowMs) && this.#addFolders(view, withFolders);
  }

  async #addSeen(record: SharedAccount, above: string, withFolders: boolean): Promise<void> {
    await nextTurn();
    try {
      const account = openAccount(record.maildir, this.#targets.account.settings);
      record.view = await viewAccount(account, above + record.name);
      this.#addFolders(record.view, withFolders, true);
    } catch (error) {
      // An account that cannot be read is not there for others.
      if (!(error instanceof MailError)) throw error;
    }
  }

  /**
   * Where folders cannot match, it is enough to know whether there are any to be seen.
   * @returns false if a list may have changed
   */
  #addFolders({ inbox, others }: AccountView, withFolders: boolean, isNew = false): boolean {
    if (this.#isSeen(inbox)) this.#folders.set(inbox.name, inbox);
    for (const folder of others) {
      if (!isNew && !isFolderCurrent(folder)) return false;
      if (!this.#isSeen(folder)) continue;
      this.#folders.set(folder.name, folder);
      if (!withFolders) break;
    }
    return true;
  }

  #isSeen({ acl }: ViewedFolder): boolean {
    return this.#rightsIn(acl).includes(needed.list);
  }
}
