/** Keywords of an open folder: from the files into the column. */

import type { FolderState } from './folder-state.ts';
import { type KeywordContext, readKeywords, readKeywordUpdate } from './keyword-files.ts';
import { Slice } from './slices.ts';

/** Change files beyond which a refresh merges them into `:list`. */
const mergeBeyond = 100;

export function keywordContext(state: FolderState): KeywordContext {
  return {
    folder: state.directory,
    settings: state.settings,
    isKnown: (base) => state.columns.rowOfName(base, base.length) >= 0,
    nowSeconds: () => Math.floor(Date.now() / 1000),
  };
}

/**
 * Reads all keywords and takes them over.
 * @param merge  also merge the files; only under the folder's lock, with the rows up to date
 */
export async function loadKeywords(state: FolderState, merge: boolean): Promise<void> {
  state.wantsKeywordRead = false;
  if (state.settings.keywords === 0) return;
  const { unmergedKeywords } = state;
  const taken = new Set<number>();
  state.keywordsTaken = taken;
  try {
    const { messages, wantsMerge } = await readKeywords(keywordContext(state), merge);
    state.wantsKeywordMerge = wantsMerge && !merge;
    if (merge) state.unmergedKeywords -= unmergedKeywords;
    if (messages.size > 0 || state.keywordTable.sets.length > 1) await takeAll(state, messages, taken);
  } finally {
    state.keywordsTaken = undefined;
  }
}

/** @param taken  UIDs of messages whose keywords are newer than what was read */
async function takeAll(
  state: FolderState,
  messages: ReadonlyMap<string, readonly string[]>,
  taken: ReadonlySet<number>,
): Promise<void> {
  const slice = new Slice();
  // Sessions change and remove messages meanwhile: what was read goes by UID.
  const ids = new Map<number, number>();
  for (const [base, names] of messages) {
    const uid = state.columns.names.find(base, base.length);
    if (uid !== 0) ids.set(uid, state.keywordTable.idOf(names));
    if (slice.isOver()) await slice.next();
  }
  const { uids, count } = state.columns;
  for (let index = 0; index < count; index++) {
    if (slice.isOver()) await slice.next();
    const { columns } = state;
    const uid = uids[index]!;
    const row = columns.uids === uids ? index : columns.rowOf(uid);
    const id = ids.get(uid) ?? 0;
    if (row < 0 || taken.has(uid) || columns.keywordSet[row] === id) continue;
    columns.keywordSet[row] = id;
    if (state.isLoaded) state.rowChanged(row);
  }
}

/** Looks at the keyword files that a watch named. */
export async function takeKeywordNames(state: FolderState, names: ReadonlySet<string>): Promise<void> {
  if (state.settings.keywords === 0) return;
  for (const name of names) {
    if (state.wantsKeywordRead) break;
    if (!/^(?!:)(?!\.tmp\.)/.test(name)) continue;
    const base = name.replace(/^\.\d+\./, '');
    const row = state.columns.rowOfName(base, base.length);
    if (row < 0) continue;
    const update = readKeywordUpdate(state.directory, name);
    if (update) {
      if (name === base) state.unmergedKeywords++;
      takeKeywords(state, row, update.names);
    } else if (name !== base) state.wantsKeywordRead = true;
  }
  if (state.wantsKeywordRead) await loadKeywords(state, false);
  if (state.unmergedKeywords > mergeBeyond) state.wantsKeywordMerge = true;
}

/** Takes over one message's keywords. */
export function takeKeywords(state: FolderState, row: number, names: readonly string[]): void {
  state.keywordsTaken?.add(state.columns.uids[row]!);
  const id = state.keywordTable.idOf(names);
  if (state.columns.keywordSet[row] === id) return;
  state.columns.keywordSet[row] = id;
  state.rowChanged(row);
}
