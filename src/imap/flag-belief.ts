import type { Folder } from '../store/folder.ts';
import type { FlagChange } from '../store/store-flags.ts';

/**
 * What a client believes of flags after a silent STORE: the flags it was told, changed as it asked. Where the truth
 * is another (a right is missing, another session was faster), it must be told later.
 */
export class FlagBeliefs {
  readonly #folder: Folder;
  readonly #change: FlagChange;
  readonly #flags: Uint8Array;
  /** Indexes into the folder's `keywordSets`. */
  readonly #keywordSets: Uint32Array;

  /** @param uids  the messages, before the change */
  constructor(folder: Folder, uids: readonly number[], change: FlagChange) {
    this.#folder = folder;
    this.#change = change;
    this.#flags = new Uint8Array(uids.length);
    this.#keywordSets = new Uint32Array(uids.length);
    for (let i = 0; i < uids.length; i++) {
      const row = folder.rowOf(uids[i]!);
      if (row < 0) continue;
      this.#flags[i] = folder.flags[row]!;
      this.#keywordSets[i] = folder.keywordSet[row]!;
    }
  }

  /** @param i  the message's place in `uids`; `row`: where it is now */
  isTrue(i: number, row: number): boolean {
    const { mode, flags, keywords } = this.#change;
    if (this.#folder.flags[row] !== changed(mode, this.#flags[i]!, flags)) return false;
    const { keywordSet, keywordSets } = this.#folder;
    const before = this.#keywordSets[i]!;
    if (keywords.length === 0 && mode !== 'replace') return keywordSet[row] === before;
    return isSame(keywordSets[keywordSet[row]!]!, changedKeywords(mode, keywordSets[before]!, keywords));
  }
}

function changed(mode: FlagChange['mode'], before: number, flags: number): number {
  if (mode === 'replace') return flags;
  return mode === 'add' ? before | flags : before & ~flags;
}

function changedKeywords(
  mode: FlagChange['mode'],
  before: readonly string[],
  keywords: readonly string[],
): Set<string> {
  const names = new Set(mode === 'replace' ? [] : before.map((name) => name.toLowerCase()));
  for (const name of keywords) {
    if (mode === 'remove') names.delete(name.toLowerCase());
    else names.add(name.toLowerCase());
  }
  return names;
}

function isSame(present: readonly string[], believed: ReadonlySet<string>): boolean {
  return present.length === believed.size && present.every((name) => believed.has(name.toLowerCase()));
}
