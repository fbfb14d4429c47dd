import { computed } from '../../store/computed.ts';
import { textsAt } from '../../store/description-record.ts';
import { flagList, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { internalDateText } from './internal-date.ts';

/** Whether an item is a column, or is ready in the message's description. */
export function isDescribed(item: FetchItem): boolean {
  switch (item.kind) {
    case 'uid':
    case 'flags':
    case 'internalDate':
    case 'size':
    case 'envelope':
    case 'bodyStructure':
      return true;
    default:
      return false;
  }
}

/**
 * FETCH of described items of one message: the cache's octets go to the client as they are.
 * @returns false if the message is not described yet, or otherwise for this client
 * @throws {MailError} expunged, unavailable: its date cannot be had
 */
export function writeDescribed(
  session: ImapSession,
  { view }: Selected,
  items: readonly FetchItem[],
  index: number,
  row: number,
): boolean {
  const { folder } = view;
  const cache = folder.computed;
  const dateSeconds = items.some(({ kind }) => kind === 'internalDate') ? folder.internalDate(row) : 0;
  if (!cache.find(row, computed.description)) return false;
  const { octets, start, end } = cache;
  if (session.utf8 && octets.readUInt32LE(start + 20) !== 0) return false;
  const { writer } = session;
  const bodyAt = start + textsAt + octets.readUInt32LE(start + 16);
  writer
    .text('* ')
    .number(index + 1)
    .text(' FETCH (');
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    writer.text(i === 0 ? item.label : ` ${item.label}`).text(' ');
    switch (item.kind) {
      case 'uid':
        writer.number(folder.uids[row]!);
        break;
      case 'flags': {
        const recent = view.isRecent(folder.uids[row]!) ? recentBit : 0;
        writer.octets(flagList(folder, row, folder.flags[row]! | recent));
        break;
      }
      case 'internalDate':
        writer.text(internalDateText(dateSeconds));
        break;
      case 'size':
        writer.number(octets.readDoubleLE(start));
        break;
      case 'envelope':
        writer.piece(octets, start + textsAt, bodyAt);
        break;
      default:
        writer.piece(octets, bodyAt, end);
    }
  }
  writer.text(')\r\n');
  return true;
}
