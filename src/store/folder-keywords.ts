/** Keywords of an open folder: from the files into the column. */

import type { FolderState } from './folder-state.ts';
import { type KeywordContext, readKeywords, readKeywordUpdate } from './keyword-files.ts';

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
export function loadKeywords(state: FolderState, merge: boolean): void {
  state.wantsKeywordRead = false;
  if (state.settings.keywords === 0) return;
  const { messages, wantsMerge } = readKeywords(keywordContext(state), merge);
  state.wantsKeywordMerge = wantsMerge && !merge;
  if (merge) state.unmergedKeywords = 0;
  const { columns, keywordTable } = state;
  if (messages.size === 0 && keywordTable.sets.length === 1) return;
  const sets = new Uint32Array(columns.count);
  for (const [base, names] of messages) {
    const row = columns.rowOfName(base, base.length);
    if (row >= 0) sets[row] = keywordTable.idOf(names);
  }
  for (let row = 0; row < columns.count; row++) {
    if (sets[row] === columns.keywordSet[row]) continue;
    columns.keywordSet[row] = sets[row]!;
    if (state.isLoaded) state.rowChanged(row);
  }
}

/** Looks at the keyword files that a watch named. */
export function takeKeywordNames(state: FolderState, names: ReadonlySet<string>): void {
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
  if (state.wantsKeywordRead) loadKeywords(state, false);
  if (state.unmergedKeywords > mergeBeyond) state.wantsKeywordMerge = true;
}

/** Takes over one message's keywords. */
export function takeKeywords(state: FolderState, row: number, names: readonly string[]): void {
  const id = state.keywordTable.idOf(names);
  if (state.columns.keywordSet[row] === id) return;
  state.columns.keywordSet[row] = id;
  state.rowChanged(row);
}
