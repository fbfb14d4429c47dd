import { flagList, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { internalDateText } from './internal-date.ts';

/** Whether one item is the whole message and the others are columns. */
export function isWhole(items: readonly FetchItem[]): boolean {
  let wholes = 0;
  for (const item of items) {
    if (isWholeSection(item)) wholes++;
    else if (item.kind !== 'uid' && item.kind !== 'flags' && item.kind !== 'internalDate') return false;
  }
  return wholes === 1;
}

function isWholeSection(item: FetchItem): boolean {
  if (item.kind !== 'section' || item.partial !== undefined) return false;
  return item.section.part.length === 0 && item.section.what === 'all';
}

/**
 * FETCH of the whole of a small message: from its file into the block that goes to the client.
 * @returns false if the message is too large, or has to be opened to be read; nothing is written
 * @throws {MailError} expunged, unavailable: it cannot be read, and nothing is written
 */
export function writeWhole(
  session: ImapSession,
  { view }: Selected,
  items: readonly FetchItem[],
  index: number,
  row: number,
): boolean {
  const { folder } = view;
  const texts = [`* ${index + 1} FETCH (`, ''];
  let side = 0;
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    const label = `${i === 0 ? '' : ' '}${item.label} `;
    if (item.kind === 'uid') texts[side] += label + folder.uids[row]!;
    else if (item.kind === 'flags') {
      const recent = view.isRecent(folder.uids[row]!) ? recentBit : 0;
      texts[side] += label + flagList(folder, row, folder.flags[row]! | recent).toString('latin1');
    } else if (item.kind === 'internalDate')
      texts[side] += label + internalDateText(folder.internalDate(row));
    else {
      texts[side] += label;
      side = 1;
    }
  }
  const { writer } = session;
  const octets = writer.fileLiteral(texts[0]!, (into, at, room) => folder.readSmall(row, into, at, room));
  if (octets === undefined) return false;
  writer.bodyOctets += octets;
  writer.text(texts[1]!).text(')\r\n');
  return true;
}
