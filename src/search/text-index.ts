/**
 * The text index of a folder: says in which messages a text cannot be, so that SEARCH opens only the others. It is
 * made of what SEARCH would look at and decides nothing itself, so answers are those of a search without it.
 * Messages it does not have yet are searched as ever.
 */
import { lowerBound } from '../base/sorted.ts';
import { keptPath } from '../store/kept-files.ts';
import { Needle } from './needle.ts';
import type { Pacer } from './pacer.ts';
import { rowsOfText } from './text-columns.ts';
import type { StoredSegment, TextIndexFile } from './text-index-file.ts';
import { openTextIndex } from './text-index-update.ts';
import type { ContentKey } from './tree.ts';
import type { SearchView } from './view.ts';

export interface TextExclusion {
  /** 1 at the indexes of the view where a key's text is not. */
  readonly masks: ReadonlyMap<ContentKey, Uint8Array>;
  /** Messages of the view that the index does not have. */
  readonly missing: number;
  /** Something of the index could not be read, or not be believed. */
  readonly isDamaged: boolean;
}

export async function excludeByIndex(
  view: SearchView,
  keys: readonly ContentKey[],
  pacer: Pacer,
): Promise<TextExclusion> {
  const masks = new Map<ContentKey, Uint8Array>();
  const rows = new Map<ContentKey, readonly number[]>();
  for (const key of keys) {
    const wanted = isIndexed(key) ? rowsOfText(new Needle(key.value).folded) : [];
    if (wanted.length === 0) continue;
    rows.set(key, wanted);
    masks.set(key, new Uint8Array(view.count));
  }
  const { directory, settings, uidValidity } = view.folder;
  const file = openTextIndex(keptPath(directory, settings, 'text'), uidValidity);
  if (file === undefined) return { masks: new Map(), missing: view.count, isDamaged: false };
  let known = 0;
  try {
    for (const segment of file.segments()) {
      const indexes = indexesOf(segment.uids, view);
      for (const index of indexes) if (index >= 0) known++;
      for (const [key, wanted] of rows) excludeIn(file, segment, wanted, indexes, masks.get(key)!);
      if (pacer.due()) await pacer.pause();
    }
    return { masks, missing: view.count - known, isDamaged: file.isDamaged };
  } finally {
    file.close();
  }
}

/** Fields that are one list for SEARCH, however often they are there, are not indexed as that list. */
const lists = new Set(['from', 'to', 'cc', 'subject']);

function isIndexed(key: ContentKey): key is Extract<ContentKey, { value: string }> {
  if (key.kind === 'body' || key.kind === 'text') return true;
  return key.kind === 'header' && !lists.has(key.name.toLowerCase());
}

/** The view's index of each UID, -1 where it has none. */
function indexesOf(wanted: Uint32Array, { uids, count }: SearchView): Int32Array {
  const indexes = new Int32Array(wanted.length).fill(-1);
  let low = lowerBound(uids, count, wanted[0]!);
  for (let i = 0; i < wanted.length; i++) {
    while (low < count && uids[low]! < wanted[i]!) low++;
    if (low < count && uids[low] === wanted[i]) indexes[i] = low;
  }
  return indexes;
}

/** Marks the messages of a segment that have no column with all the rows. */
function excludeIn(
  file: TextIndexFile,
  segment: StoredSegment,
  rows: readonly number[],
  indexes: Int32Array,
  mask: Uint8Array,
): void {
  const columns = new Uint8Array(segment.stride).fill(0xff);
  let isEmpty = false;
  for (const row of rows) {
    const bits = file.row(segment, row);
    if (bits === undefined) continue;
    isEmpty = true;
    for (let i = 0; i < columns.length; i++) {
      columns[i]! &= bits[i]!;
      if (columns[i] !== 0) isEmpty = false;
    }
    if (isEmpty) break;
  }
  const { first, last } = segment;
  for (let i = 0; i < indexes.length; i++) {
    if (indexes[i]! < 0) continue;
    if (isEmpty || !isAnySet(columns, first[i]!, last[i]!)) mask[indexes[i]!] = 1;
  }
}

function isAnySet(columns: Uint8Array, first: number, last: number): boolean {
  for (let column = first; column <= last; column++) {
    if ((columns[column >> 3]! & (1 << (column & 7))) !== 0) return true;
  }
  return false;
}
