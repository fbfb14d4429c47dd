/** Which folders of other accounts a pattern of LIST can mean, and which of them may be seen. */
import { MailError } from '../base/mail-error.ts';
import { openAccount } from '../store/account.ts';
import { nextTurn, Slice } from '../store/slices.ts';
import { type AccountView, isCurrent, isFolderCurrent, viewAccount } from './account-view.ts';
import type { Acl } from './acl.ts';
import { needed, type Rights } from './rights.ts';
import type { SharedAccount, SharedIndex } from './shared-index.ts';
import { sharedPrefix, statPath, type Targets } from './targets.ts';

/** A folder with right l. */
export interface VisibleFolder {
  /** Canonical. */
  readonly name: string;
  /** Its path, one character an octet. */
  readonly directory: string;
}

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
    this.#own = statPath(targets.account.maildir);
  }

  async add(index: SharedIndex, above = sharedPrefix): Promise<void> {
    const depth = above.split('.').length;
    if (depth > this.#depth) return;
    for (const record of index.records()) {
      const name = above + record.name;
      if (!name.startsWith(this.#literal) && !this.#literal.startsWith(name)) continue;
      if (record.kind === 'group') {
        this.#groups.add(name);
        if (this.#literal.length <= name.length || this.#literal.startsWith(`${name}.`))
          await this.add(record.index, `${name}.`);
        continue;
      }
      if (this.#slice.isOver()) await this.#slice.next();
      const unknown = this.#addAccount(record, name, depth < this.#depth);
      if (unknown !== undefined) await unknown;
    }
  }

  /** @returns undefined if what is remembered is still true */
  #addAccount(record: SharedAccount, name: string, withFolders: boolean): Promise<void> | undefined {
    const maildir = statPath(record.maildir);
    if (!maildir || (maildir.ino === this.#own?.ino && maildir.dev === this.#own.dev)) return undefined;
    const { view } = record;
    if (view && isCurrent(view, maildir, this.#nowMs) && this.#addFolders(view, name, withFolders))
      return undefined;
    return this.#lookAgain(record, name, withFolders);
  }

  async #lookAgain(record: SharedAccount, name: string, withFolders: boolean): Promise<void> {
    await nextTurn();
    try {
      const view = await viewAccount(openAccount(record.maildir, this.#targets.account.settings));
      record.view = view;
      this.#addFolders(view, name, withFolders, true);
    } catch (error) {
      // An account that cannot be read is not there for others.
      if (!(error instanceof MailError)) throw error;
    }
  }

  /**
   * Where folders cannot match, it is enough to know whether there are any to be seen.
   * @returns false if a list may have changed
   */
  #addFolders({ folders }: AccountView, name: string, withFolders: boolean, isNew = false): boolean {
    for (const folder of folders) {
      if (!isNew && !isFolderCurrent(folder)) return false;
      if (!this.#rightsIn(folder.acl).includes(needed.list)) continue;
      const full = folder.folder === 'INBOX' ? name : name + folder.folder.slice('INBOX'.length);
      this.#folders.set(full, { name: full, directory: folder.directory.path });
      if (!withFolders && folder.folder !== 'INBOX') break;
    }
    return true;
  }
}
