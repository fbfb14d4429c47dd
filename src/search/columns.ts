import { type NumberRanges, resolveRanges } from '../base/number-set.ts';
import { lowerBound } from '../base/sorted.ts';
import type { SearchKey } from './keys.ts';
import type { SearchView } from './view.ts';

/** The folder's row of each index of a view, -1 where the message has gone; valid until the next `await`. */
export function rowsOf(view: SearchView): Int32Array {
  const { folder, uids, count } = view;
  const rows = new Int32Array(count);
  if (folder.uids === uids && count <= folder.count) {
    for (let i = 0; i < count; i++) rows[i] = i;
    return rows;
  }
  const { uids: folderUids, count: folderCount } = folder;
  for (let i = 0, row = 0; i < count; i++) {
    while (row < folderCount && folderUids[row]! < uids[i]!) row++;
    rows[i] = row < folderCount && folderUids[row] === uids[i] ? row : -1;
  }
  return rows;
}

/**
 * Answers the keys that need no file: a mask with 1 for every index that matches.
 * @returns undefined for a key that needs one
 */
export function maskOf(key: SearchKey, view: SearchView, rows: Int32Array): Uint8Array | undefined {
  const { folder, uids, count } = view;
  switch (key.kind) {
    case 'all':
      return new Uint8Array(count).fill(1);
    case 'flag': {
      const { flags } = folder;
      const wanted = key.set ? key.bit : 0;
      return maskRows(rows, (row) => (flags[row]! & key.bit) === wanted);
    }
    case 'keyword': {
      const name = key.name.toLowerCase();
      const { keywordSet } = folder;
      const has = folder.keywordSets.map((set) => set.some((keyword) => keyword.toLowerCase() === name));
      return maskRows(rows, (row) => has[keywordSet[row]!]!);
    }
    case 'modseq': {
      const { modseqs } = folder;
      return maskRows(rows, (row) => modseqs[row]! >= key.atLeast);
    }
    case 'recent':
      return Uint8Array.from({ length: count }, (_, index) => Number(view.isRecent(uids[index]!)));
    case 'sequence':
      return maskRanges(key.ranges, count, count, (number) => number - 1);
    case 'uid':
      return maskRanges(key.ranges, count, count === 0 ? 0 : uids[count - 1]!, (uid) =>
        lowerBound(uids, count, uid),
      );
    case 'saved': {
      const mask = new Uint8Array(count);
      for (const uid of key.uids) {
        const index = lowerBound(uids, count, uid);
        if (index < count && uids[index] === uid) mask[index] = 1;
      }
      return mask;
    }
    default:
      return undefined;
  }
}

function maskRows(rows: Int32Array, matches: (row: number) => boolean): Uint8Array {
  const mask = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) if (rows[i]! >= 0 && matches(rows[i]!)) mask[i] = 1;
  return mask;
}

/** @param indexOf  the first index at or behind a number */
function maskRanges(
  ranges: NumberRanges,
  count: number,
  max: number,
  indexOf: (number: number) => number,
): Uint8Array {
  const mask = new Uint8Array(count);
  for (const [from, to] of resolveRanges(ranges, max))
    mask.fill(1, Math.min(count, indexOf(from)), Math.min(count, indexOf(to + 1)));
  return mask;
}
