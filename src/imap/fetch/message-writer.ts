/** Writes `* n FETCH (…)` for one message: first everything it needs is at hand, then its octets go out. */
import type { Description } from '../../store/describe.ts';
import type { OpenMessage } from '../../store/open-message.ts';
import { nextTurn } from '../../store/slices.ts';
import { flagList, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { isDescribed, isHeaderFields } from './described-writer.ts';
import { internalDateText } from './internal-date.ts';
import { previewValue } from './preview.ts';
import {
  countOctets,
  decodedPart,
  decodedRange,
  type Sized,
  sectionOctets,
  wholeMessage,
  wholeUpTo,
} from './section-octets.ts';
import { isWhole } from './whole-writer.ts';

/** What of a message the items need, decided once per command. */
export interface FetchPlan {
  readonly items: readonly FetchItem[];
  /** One item is the whole message, the others are columns. */
  readonly isWhole: boolean;
  /** All items are columns, ready texts, or header fields. */
  readonly isDescribed: boolean;
  /** All are, and some are texts, or the size. */
  readonly needsTexts: boolean;
  /** All are, and some are header fields. */
  readonly hasHeaderFields: boolean;
  readonly needsDescription: boolean;
  readonly needsFile: boolean;
  readonly needsDate: boolean;
  readonly isBinary: boolean;
  readonly setsSeen: boolean;
}

const texts: readonly FetchItem['kind'][] = ['size', 'envelope', 'bodyStructure'];

export function planFetch(items: readonly FetchItem[]): FetchPlan {
  const areDescribed = items.every((item) => isDescribed(item));
  return {
    items,
    isWhole: isWhole(items),
    isDescribed: areDescribed,
    needsTexts: areDescribed && items.some(({ kind }) => texts.includes(kind)),
    hasHeaderFields: areDescribed && items.some((item) => isHeaderFields(item)),
    needsDescription: items.some((item) => needsDescription(item)),
    needsFile: items.some(({ kind }) => kind === 'section' || kind === 'binary' || kind === 'binarySize'),
    needsDate: items.some(({ kind }) => kind === 'internalDate'),
    isBinary: items.some(({ kind }) => kind === 'binary' || kind === 'binarySize'),
    setsSeen: items.some((item) => (item.kind === 'section' || item.kind === 'binary') && item.setsSeen),
  };
}

function needsDescription(item: FetchItem): boolean {
  switch (item.kind) {
    case 'flags':
    case 'uid':
    case 'internalDate':
      return false;
    case 'section':
      return item.section.part.length > 0 || item.section.what !== 'all';
    default:
      return true;
  }
}

/** A message with what was got ready for it. */
export interface ReadyMessage {
  readonly row: number;
  /** The sequence number. */
  readonly number: number;
  readonly description: Description | undefined;
  readonly file: OpenMessage | undefined;
  readonly dateSeconds: number;
  /** Octets of decoded parts of a large message, by item. */
  readonly decodedSizes: ReadonlyMap<FetchItem, number> | undefined;
}

/** The parts with an unknown transfer encoding cannot be answered (RFC 3516 §4.3). */
export class UnknownEncoding extends Error {}

/**
 * What an item is answered with, got ready before the answer begins: making it can fail, and while a large
 * literal goes out the rows may move.
 */
type Value = Sized | Buffer | number;

/** @returns a promise where a slow client, or a large message, made it wait */
export function writeMessage(
  session: ImapSession,
  state: Selected,
  plan: FetchPlan,
  message: ReadyMessage,
): void | Promise<void> {
  const values = plan.items.map((item) => valueFor(session, state, item, message));
  session.writer.text('* ').number(message.number).text(' FETCH (');
  return writeItems(session, plan.items, values, 0);
}

function valueFor(session: ImapSession, { view }: Selected, item: FetchItem, message: ReadyMessage): Value {
  const { folder } = view;
  const { row, description, file, dateSeconds } = message;
  switch (item.kind) {
    case 'flags': {
      const recent = view.isRecent(folder.uids[row]!) ? recentBit : 0;
      return flagList(folder, row, folder.flags[row]! | recent);
    }
    case 'uid':
      return folder.uids[row]!;
    case 'internalDate':
      return Buffer.from(internalDateText(dateSeconds));
    case 'size':
      return description!.wireOctets;
    case 'envelope':
      return description!.envelope(session.utf8);
    case 'body':
    case 'bodyStructure':
      return description!.body(item.kind === 'bodyStructure', session.utf8);
    case 'section': {
      const isWhole = item.section.part.length === 0 && item.section.what === 'all';
      if (isWhole && file!.sizeOctets <= wholeUpTo) return wholeMessage(file!, item.partial);
      return sectionOctets(file!, description!.structure, item.section, item.partial);
    }
    case 'preview':
      return previewValue(folder, row, description!, item.isLazy, session.utf8);
    case 'binary':
    case 'binarySize':
      return binaryValue(item, message);
  }
}

function binaryValue(
  item: FetchItem & { kind: 'binary' | 'binarySize' },
  { description, file, decodedSizes }: ReadyMessage,
): Value {
  const decoded = decodedPart(file!, description!.structure, item.part);
  if (decoded === undefined) throw new UnknownEncoding();
  const size = decodedSizes?.get(item) ?? countOctets(decoded);
  if (item.kind === 'binarySize') return size;
  return decodedRange(decoded, size, item.partial);
}

function writeItems(
  session: ImapSession,
  items: readonly FetchItem[],
  values: readonly Value[],
  first: number,
): void | Promise<void> {
  const { writer } = session;
  for (let i = first; i < items.length; i++) {
    const item = items[i]!;
    const value = values[i]!;
    if (i > 0) writer.text(' ');
    writer.text(item.label).text(' ');
    if (typeof value === 'number') writer.number(value);
    else if (value instanceof Uint8Array) writer.octets(value);
    else {
      writer
        .text(item.kind === 'binary' ? '~{' : '{')
        .number(value.size)
        .text('}\r\n');
      const waiting = writePieces(session, item, value);
      if (waiting !== undefined) return waiting.then(() => writeItems(session, items, values, i + 1));
    }
  }
  writer.text(')\r\n');
}

function writePieces(
  session: ImapSession,
  item: FetchItem,
  { size, counted, pieces }: Sized,
): void | Promise<void> {
  const { writer } = session;
  const isHeader =
    item.kind === 'section' && ['header', 'fields', 'fieldsNot', 'mime'].includes(item.section.what);
  if (isHeader) writer.headerOctets += counted;
  else writer.bodyOctets += counted;
  if (size > wholeUpTo) return streamPieces(session, size, pieces);
  let left = size;
  for (const piece of pieces) {
    writer.octets(piece);
    left -= piece.length;
  }
  if (left !== 0) cutShort(session);
}

async function streamPieces(session: ImapSession, size: number, pieces: Iterable<Buffer>): Promise<void> {
  let left = size;
  for (const piece of pieces) {
    if (session.ended) return;
    session.writer.octets(piece);
    left -= piece.length;
    await session.writer.drained();
    await nextTurn();
  }
  if (left !== 0) cutShort(session);
}

/** A file that somebody made shorter while it was read: the octets announced cannot be sent. */
function cutShort(session: ImapSession): never {
  session.connection.destroy();
  throw new Error('a message file has changed while it was read');
}
