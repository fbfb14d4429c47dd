import { computed } from '../../store/computed.ts';
import { textsAt } from '../../store/description-record.ts';
import type { Folder } from '../../store/folder.ts';
import { mainHeader } from '../../store/main-header.ts';
import { flagList, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import type { Writer } from '../writer.ts';
import { internalDateText } from './internal-date.ts';
import type { FetchPlan } from './message-writer.ts';
import { fieldOctets, isOfFields, type Sized } from './section-octets.ts';

const noFields: readonly Sized[] = [];

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
    case 'section':
      return isHeaderFields(item);
    default:
      return false;
  }
}

/** Header fields, which clients that keep little ask for again and again. */
export function isHeaderFields(item: FetchItem): boolean {
  return item.kind === 'section' && !item.setsSeen && isOfFields(item.section);
}

/**
 * FETCH of described items of one message: the cache's octets go to the client as they are. Of a message of which only
 * header fields are wanted only the header is read.
 * @returns false if the message is not described yet, or otherwise for this client
 * @throws {MailError} expunged, unavailable: its date, or its header, cannot be had
 */
export function writeDescribed(
  session: ImapSession,
  { view }: Selected,
  { items, needsDate, needsTexts, hasHeaderFields }: FetchPlan,
  index: number,
  row: number,
): boolean {
  const { folder } = view;
  const cache = folder.computed;
  if (needsTexts && !cache.has(row, computed.description)) return false;
  const dateSeconds = needsDate ? folder.internalDate(row) : 0;
  const fields = hasHeaderFields ? fieldsOf(folder, row, items) : noFields;
  if (fields === undefined || (needsTexts && !cache.find(row, computed.description))) return false;
  const { octets, start, end } = cache;
  if (needsTexts && session.utf8 && octets.readUInt32LE(start + 20) !== 0) return false;
  const { writer } = session;
  const bodyAt = needsTexts ? start + textsAt + octets.readUInt32LE(start + 16) : 0;
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
      case 'section':
        writeFields(writer, fields[i]!);
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

/** The fields of each item that wants some, by the item's number; undefined: the header is too long. */
function fieldsOf(folder: Folder, row: number, items: readonly FetchItem[]): readonly Sized[] | undefined {
  const header = mainHeader(folder, row);
  if (header === undefined) return undefined;
  const fields: Sized[] = [];
  for (const [i, item] of items.entries())
    if (item.kind === 'section') fields[i] = fieldOctets(header, item.section, item.partial);
  return fields;
}

function writeFields(writer: Writer, { size, counted, pieces }: Sized): void {
  writer.text('{').number(size).text('}\r\n');
  writer.headerOctets += counted;
  for (const piece of pieces) writer.octets(piece);
}
