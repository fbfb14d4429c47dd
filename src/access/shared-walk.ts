/** Which folders of other accounts a pattern of LIST can mean, and which of them may be seen. */
import { Slice } from '../store/slices.ts';
import { type AccountView, isFolderCurrent, type VisibleFolder } from './account-view.ts';
import type { SharedAccount, SharedIndex } from './shared-index.ts';
import { SharedLook } from './shared-look.ts';
import { sharedPrefix, type Targets } from './targets.ts';

/** One walk through the index, in slices. */
export class SharedWalk {
  readonly #look: SharedLook;
  readonly #literal: string;
  /** Components that a name can have at most. */
  readonly #depth: number;
  readonly #folders: Map<string, VisibleFolder>;
  readonly #groups: Set<string>;
  readonly #slice = new Slice();

  /**
   * @param folders  gets what is found, by name
   * @param groups  gets the names of groups of accounts
   */
  constructor(targets: Targets, pattern: string, folders: Map<string, VisibleFolder>, groups: Set<string>) {
    this.#look = new SharedLook(targets);
    this.#literal = /^[^*%]*/.exec(pattern)![0];
    this.#depth = pattern.includes('*') ? Number.POSITIVE_INFINITY : pattern.split('.').length;
    this.#folders = folders;
    this.#groups = groups;
  }

  async add(index: SharedIndex, above = sharedPrefix): Promise<void> {
    const depth = above.split('.').length;
    if (depth > this.#depth) return;
    const wanted = this.#literal.slice(above.length);
    for (const record of index.records().values()) {
      if (!record.name.startsWith(wanted) && !wanted.startsWith(record.name)) continue;
      if (record.kind === 'group') {
        const name = above + record.name;
        this.#groups.add(name);
        if (this.#literal.length <= name.length || this.#literal.startsWith(`${name}.`))
          await this.add(record.index, `${name}.`);
        continue;
      }
      if (this.#slice.isOver()) await this.#slice.next();
      const view = this.#look.remembered(record);
      if (view === undefined) continue;
      const withFolders = depth < this.#depth;
      if (view === 'changed' || !this.#addFolders(view, withFolders))
        await this.#addSeen(record, above + record.name, withFolders);
    }
  }

  async #addSeen(record: SharedAccount, name: string, withFolders: boolean): Promise<void> {
    const view = await this.#look.again(record, name);
    if (view !== undefined) this.#addFolders(view, withFolders, true);
  }

  /**
   * Where folders cannot match, it is enough to know whether there are any to be seen.
   * @returns false if a list may have changed
   */
  #addFolders({ inbox, others }: AccountView, withFolders: boolean, isNew = false): boolean {
    if (this.#look.isSeen(inbox)) this.#folders.set(inbox.name, inbox);
    for (const folder of others) {
      if (!isNew && !isFolderCurrent(folder)) return false;
      if (!this.#look.isSeen(folder)) continue;
      this.#folders.set(folder.name, folder);
      if (!withFolders) break;
    }
    return true;
  }
}
