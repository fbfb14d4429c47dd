/** Writes `* n FETCH (…)` for one message: first everything it needs is at hand, then its octets go out. */
import { formatInternalDate, localZoneMinutes } from '../../message/date.ts';
import type { Description } from '../../store/describe.ts';
import type { OpenMessage } from '../../store/open-message.ts';
import { flagList, recentBit } from '../flag-texts.ts';
import type { FetchItem } from '../parser/fetch-items.ts';
import type { ImapSession } from '../session-loop.ts';
import type { Selected } from '../state.ts';
import { decodedPart, type Sized, sectionOctets, wholeMessage, wholeUpTo } from './section-octets.ts';

/** What of a message the items need, decided once per command. */
export interface FetchPlan {
  readonly items: readonly FetchItem[];
  readonly needsDescription: boolean;
  readonly needsFile: boolean;
  readonly needsDate: boolean;
  readonly setsSeen: boolean;
}

export function planFetch(items: readonly FetchItem[]): FetchPlan {
  return {
    items,
    needsDescription: items.some((item) => needsDescription(item)),
    needsFile: items.some(({ kind }) => kind === 'section' || kind === 'binary' || kind === 'binarySize'),
    needsDate: items.some(({ kind }) => kind === 'internalDate'),
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
}

/** The parts with an unknown transfer encoding cannot be answered (RFC 3516 §4.3). */
export class UnknownEncoding extends Error {}

type Value = Sized | undefined;

/** @returns a promise where a slow client, or a large message, made it wait */
export function writeMessage(
  session: ImapSession,
  state: Selected,
  plan: FetchPlan,
  message: ReadyMessage,
): void | Promise<void> {
  const values = plan.items.map((item) => octetsOf(item, message));
  session.writer.text('* ').number(message.number).text(' FETCH (');
  return writeItems(session, state, plan.items, values, message, 0);
}

function octetsOf(item: FetchItem, { file, description }: ReadyMessage): Value {
  switch (item.kind) {
    case 'section': {
      const isWhole = item.section.part.length === 0 && item.section.what === 'all';
      if (isWhole && file!.sizeOctets <= wholeUpTo) return wholeMessage(file!, item.partial);
      return sectionOctets(file!, description!.structure, item.section, item.partial);
    }
    case 'binary':
    case 'binarySize': {
      const partial = item.kind === 'binary' ? item.partial : undefined;
      const decoded = decodedPart(file!, description!.structure, item.part, partial);
      if (decoded === undefined) throw new UnknownEncoding();
      return decoded;
    }
    default:
      return undefined;
  }
}

function writeItems(
  session: ImapSession,
  state: Selected,
  items: readonly FetchItem[],
  values: readonly Value[],
  message: ReadyMessage,
  first: number,
): void | Promise<void> {
  const { writer } = session;
  for (let i = first; i < items.length; i++) {
    const item = items[i]!;
    if (i > 0) writer.text(' ');
    writer.text(item.label).text(' ');
    const value = values[i];
    if (value === undefined) writeSimple(session, state, item, message);
    else if (item.kind === 'binarySize') writer.number(value.size);
    else {
      writer
        .text(item.kind === 'binary' ? '~{' : '{')
        .number(value.size)
        .text('}\r\n');
      const waiting = writePieces(session, item, value);
      if (waiting !== undefined) {
        return waiting.then(() => writeItems(session, state, items, values, message, i + 1));
      }
    }
  }
  writer.text(')\r\n');
}

function writeSimple(session: ImapSession, state: Selected, item: FetchItem, message: ReadyMessage): void {
  const { writer, utf8 } = session;
  const { row, description } = message;
  const { view } = state;
  const { folder } = view;
  switch (item.kind) {
    case 'flags': {
      const recent = view.isRecent(folder.uids[row]!) ? recentBit : 0;
      writer.octets(flagList(folder, row, folder.flags[row]! | recent));
      break;
    }
    case 'uid':
      writer.number(folder.uids[row]!);
      break;
    case 'internalDate': {
      const { dateSeconds } = message;
      writer.text(`"${formatInternalDate(dateSeconds, localZoneMinutes(dateSeconds))}"`);
      break;
    }
    case 'size':
      writer.number(description!.wireOctets);
      break;
    case 'envelope':
      writer.octets(description!.envelope(utf8));
      break;
    case 'body':
      writer.octets(description!.body(false, utf8));
      break;
    case 'bodyStructure':
      writer.octets(description!.body(true, utf8));
      break;
  }
}

function writePieces(session: ImapSession, item: FetchItem, { size, pieces }: Sized): void | Promise<void> {
  const { writer } = session;
  const isHeader =
    item.kind === 'section' && ['header', 'fields', 'fieldsNot', 'mime'].includes(item.section.what);
  if (isHeader) writer.headerOctets += size;
  else writer.bodyOctets += size;
  if (size > wholeUpTo) return streamPieces(session, pieces);
  for (const piece of pieces) writer.octets(piece);
}

async function streamPieces(session: ImapSession, pieces: Iterable<Buffer>): Promise<void> {
  for (const piece of pieces) {
    if (session.ended) return;
    session.writer.octets(piece);
    await session.writer.drained();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
