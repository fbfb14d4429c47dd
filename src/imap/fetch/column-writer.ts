import { flagList, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';

/**
 * FETCH of UID and FLAGS for a range of view indexes: one loop over the columns that writes octets.
 * @returns whether some of the messages have gone
 */
export function writeColumns(
  session: ImapSession,
  state: Selected,
  items: readonly FetchItem[],
  first: number,
  last: number,
): boolean {
  const { writer } = session;
  const { view } = state;
  const { folder } = view;
  const prefixes = items.map(({ label }, i) => `${i === 0 ? '' : ' '}${label} `);
  let missing = false;
  for (let index = first; index <= last; index++) {
    const row = view.rowAt(index);
    if (row < 0) {
      missing = true;
      continue;
    }
    const uid = folder.uids[row]!;
    writer
      .text('* ')
      .number(index + 1)
      .text(' FETCH (');
    for (let i = 0; i < items.length; i++) {
      writer.text(prefixes[i]!);
      if (items[i]!.kind === 'uid') writer.number(uid);
      else writer.octets(flagList(folder, row, folder.flags[row]! | (view.isRecent(uid) ? recentBit : 0)));
    }
    writer.text(')\r\n');
  }
  return missing;
}
