import { flag } from '../store/flags.ts';
import type { IndexRanges } from './message-set.ts';
import type { Selected } from './state.ts';

/** UIDs of the messages the session knows that have \Deleted, in all of the view or in ranges of it. */
export function deletedUids(state: Selected, ranges: IndexRanges | undefined): number[] {
  const { view } = state;
  const { folder } = view;
  const uids: number[] = [];
  for (const [first, last] of ranges ?? [[0, view.count - 1]]) {
    for (let index = first; index <= last; index++) {
      const row = view.rowAt(index);
      if (row >= 0 && (folder.flags[row]! & flag.deleted) !== 0) uids.push(view.uids[index]!);
    }
  }
  return uids;
}
