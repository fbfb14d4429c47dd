/** Sends a message, or its beginning, as a multi-line reply. */
import { toWire } from '../message/line-ends.ts';
import { returnWireBlock, takeWireBlock } from '../message/wire-block.ts';
import type { Connection } from '../net/connection.ts';
import { describe } from '../store/describe.ts';
import type { Folder } from '../store/folder.ts';
import type { OpenMessage } from '../store/open-message.ts';
import { DotStuffer } from './dot-stuffing.ts';
import { type Maildrop, missingLineEnd, type Pop3Message } from './maildrop.ts';
import { unicodeWrapper } from './unicode-wrapper.ts';

/** Messages up to this size are read at once; of larger ones the octets are counted first. */
const smallOctets = 1 << 18;

const pieceOctets = 65_536;

/** TOP reads little first: the header is rarely longer. */
const firstPieceOctets = 8192;

const lineEnd = Buffer.from('\r\n');

/**
 * RETR: sends first line, text, `.`. The size is counted again: what Courier has written into its list can be wrong.
 * @param wrapAs  the type of the part for a message the client cannot show; undefined: as it is
 * @returns octets of the text, at once for a small message that the client is fast enough for
 * @throws {MailError} before anything is sent
 */
export function sendMessage(
  connection: Connection,
  maildrop: Maildrop,
  entry: Pop3Message,
  wrapAs: string | undefined,
): number | Promise<number> {
  const { folder } = maildrop.mailbox;
  if (wrapAs === undefined) {
    const sent = sendBlock(connection, folder, entry, (octets) => {
      maildrop.correct(entry, octets);
      return { end: octets, firstLine: firstLine(octets) };
    });
    if (sent !== undefined) return afterDrain(connection, sent);
  }
  const message = folder.open(folder.rowOf(entry.uid));
  if (message.sizeOctets > smallOctets) return sendLarge(connection, maildrop, entry, message, wrapAs);
  try {
    const wire = toWire(message.readAll());
    const whole = wire.length > 0 && wire[wire.length - 1] === 10 ? [wire] : [wire, lineEnd];
    maildrop.correct(entry, total(whole));
    const text = wrapAs === undefined ? whole : wrapped(whole, wrapAs);
    const octets = total(text);
    connection.write(`${firstLine(octets)}\r\n`);
    const stuffer = new DotStuffer();
    for (const piece of text) connection.write(stuffer.stuff(piece));
    connection.write('.\r\n');
    return afterDrain(connection, octets);
  } finally {
    message.close();
  }
}

/** Room in front of a message for the first line of the reply. */
const frontOctets = 64;

/**
 * Sends a message that fits into a block of memory, from the file to the socket without a copy.
 * @param decide  from the text's octets, the block itself, and where the text begins in it
 * @returns octets of the text that were sent; undefined: nothing was done, the message is too large for that
 * @throws {MailError} expunged, unavailable: nothing was done
 */
function sendBlock(
  connection: Connection,
  folder: Folder,
  { uid }: Pop3Message,
  decide: (octets: number, block: Buffer, start: number) => { end: number; firstLine: string },
): number | undefined {
  const block = takeWireBlock();
  if (block === undefined) return undefined;
  let isLent = false;
  try {
    const { octets } = block;
    const sizeOctets = block.read((into, at, room) => folder.readSmall(folder.rowOf(uid), into, at, room));
    if (sizeOctets < 0 || !block.fits(frontOctets, sizeOctets + trailerOctets)) return undefined;
    let end = frontOctets + block.expand(sizeOctets, frontOctets);
    if (end === frontOctets || octets[end - 1] !== 10) end += octets.write('\r\n', end, 'latin1');
    const chosen = decide(end - frontOctets, octets, frontOctets);
    end = frontOctets + chosen.end;
    const line = `${chosen.firstLine}\r\n`;
    const text = octets.subarray(frontOctets, end);
    const stuffed = new DotStuffer().stuff(text);
    if (stuffed === text) {
      octets.write(line, frontOctets - line.length, 'latin1');
      end += octets.write('.\r\n', end, 'latin1');
      isLent = true;
      connection.writeLent(octets.subarray(frontOctets - line.length, end), () => returnWireBlock(block));
    } else {
      connection.write(line);
      connection.write(stuffed);
      connection.write('.\r\n');
    }
    return text.length;
  } finally {
    if (!isLent) returnWireBlock(block);
  }
}

/** A line end, an empty line and the last dot may follow what the file has. */
const trailerOctets = 16;

/** A client that is slow is waited for. */
function afterDrain(connection: Connection, octets: number): number | Promise<number> {
  return connection.pendingOctets < pieceOctets ? octets : connection.drained().then(() => octets);
}

async function sendLarge(
  connection: Connection,
  maildrop: Maildrop,
  entry: Pop3Message,
  message: OpenMessage,
  wrapAs: string | undefined,
): Promise<number> {
  try {
    const { folder } = maildrop.mailbox;
    const { wireOctets } = await describe(folder, folder.rowOf(entry.uid));
    const missing = missingLineEnd(message);
    maildrop.correct(entry, wireOctets + missing);
    const [head, tail] = wrapAs === undefined ? [] : wrapped([], wrapAs);
    connection.write(`${firstLine((head?.length ?? 0) + wireOctets + missing + (tail?.length ?? 0))}\r\n`);
    return await sendPieces(connection, pieces(message, pieceOctets), head, tail);
  } finally {
    message.close();
  }
}

function firstLine(octets: number): string {
  return `+OK ${octets} octets follow.`;
}

/**
 * TOP: sends the header and so many lines of the body.
 * @param bodyLines  negative: all
 * @returns octets of the text
 * @throws {MailError} before anything is sent
 */
export function sendTop(
  connection: Connection,
  maildrop: Maildrop,
  entry: Pop3Message,
  bodyLines: number,
  wrapAs: string | undefined,
): number | Promise<number> {
  const { folder } = maildrop.mailbox;
  const sent =
    wrapAs === undefined
      ? sendBlock(connection, folder, entry, (octets, block, start) => ({
          end: topEnd(block, start, start + octets, bodyLines) - start,
          firstLine: topLine,
        }))
      : undefined;
  return sent === undefined
    ? sendTopInPieces(connection, folder.open(folder.rowOf(entry.uid)), bodyLines, wrapAs)
    : afterDrain(connection, sent);
}

const topLine = '+OK headers follow.';

async function sendTopInPieces(
  connection: Connection,
  message: OpenMessage,
  bodyLines: number,
  wrapAs: string | undefined,
): Promise<number> {
  try {
    connection.write(`${topLine}\r\n`);
    const [head, tail] = wrapAs === undefined ? [] : wrapped([], wrapAs);
    const text = framed(pieces(message, firstPieceOctets), head, tail);
    return await sendPieces(connection, bodyLines < 0 ? text : top(text, bodyLines));
  } finally {
    message.close();
  }
}

/** Where TOP's text ends in wire octets; the empty line is written behind them where there is none. */
function topEnd(octets: Buffer, start: number, end: number, bodyLines: number): number {
  if (bodyLines < 0) return end;
  const isEmptyHeader = octets[start] === 13 && octets[start + 1] === 10;
  const found = isEmptyHeader ? -2 : octets.subarray(start, end).indexOf('\r\n\r\n');
  if (found === -1) return end + octets.write('\r\n', end, 'latin1');
  let at = start + found + 4;
  for (let left = bodyLines; left > 0 && at < end; left--) at = octets.indexOf(10, at) + 1;
  return Math.min(at, end);
}

/** Sends pieces and the end of the reply. */
async function sendPieces(
  connection: Connection,
  text: Iterable<Buffer>,
  head?: Buffer,
  tail?: Buffer,
): Promise<number> {
  const stuffer = new DotStuffer();
  let sent = 0;
  for (const piece of framed(text, head, tail)) {
    sent += piece.length;
    if (!connection.write(stuffer.stuff(piece))) await connection.drained();
    if (connection.closed) return sent;
  }
  connection.write(stuffer.atLineStart && sent > 0 ? '.\r\n' : '\r\n.\r\n');
  return sent;
}

/** The message as it goes over the wire, from its beginning; a last line without its end gets one. */
function* pieces(message: OpenMessage, firstOctets: number): Generator<Buffer> {
  const file = Buffer.allocUnsafe(Math.min(Math.max(firstOctets, pieceOctets), message.sizeOctets));
  let last = 0;
  for (let at = 0, size = firstOctets; at < message.sizeOctets; size = pieceOctets) {
    const got = message.read(file.subarray(0, size), at);
    if (got === 0) break;
    at += got;
    yield toWire(file.subarray(0, got), last === 13);
    last = file[got - 1]!;
  }
  if (last !== 10) yield lineEnd;
}

function* framed(text: Iterable<Buffer>, head?: Buffer, tail?: Buffer): Generator<Buffer> {
  if (head) yield head;
  yield* text;
  if (tail) yield tail;
}

function wrapped(text: readonly Buffer[], wrapAs: string): Buffer[] {
  const { head, tail } = unicodeWrapper(wrapAs);
  return [head, ...text, tail];
}

function total(text: readonly Buffer[]): number {
  return text.reduce((sum, { length }) => sum + length, 0);
}

/** The header, its empty line, and so many lines behind it; the empty line is added where there is none. */
function* top(text: Iterable<Buffer>, bodyLines: number): Generator<Buffer> {
  let inHeader = true;
  let lineEmpty = true;
  let left = bodyLines;
  for (const piece of text) {
    for (let at = 0; ; ) {
      const end = piece.indexOf(10, at);
      if (end < 0) {
        lineEmpty = lineEmpty && isBlank(piece, at, piece.length);
        break;
      }
      const empty = lineEmpty && isBlank(piece, at, end);
      lineEmpty = true;
      at = end + 1;
      if (!inHeader) left--;
      else if (empty) inHeader = false;
      if (!inHeader && left <= 0) {
        yield piece.subarray(0, at);
        return;
      }
    }
    yield piece;
  }
  if (inHeader) yield Buffer.from(lineEmpty ? '\r\n' : '\r\n\r\n');
}

function isBlank(octets: Buffer, from: number, to: number): boolean {
  return to === from || (to === from + 1 && octets[from] === 13);
}
