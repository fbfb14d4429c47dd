/** Sends a message, or its beginning, as a multi-line reply. */
import { wirePieces } from '../message/line-ends.ts';
import { locateSection } from '../message/section.ts';
import type { Connection } from '../net/connection.ts';
import { describe } from '../store/describe.ts';
import type { OpenMessage } from '../store/open-message.ts';
import { DotStuffer } from './dot-stuffing.ts';
import { type Maildrop, missingLineEnd, type Pop3Message } from './maildrop.ts';
import { unicodeWrapper } from './unicode-wrapper.ts';

/** What to send: all of it (RETR), or the header and so many lines of the body (TOP; negative: all). */
export interface Extent {
  readonly bodyLines: number | undefined;
}

interface Outgoing {
  readonly message: OpenMessage;
  readonly pieces: Iterable<Buffer>;
  /** All the reply's octets, not counting dots. */
  readonly wireOctets: number;
}

/**
 * Sends the reply: first line, text, `.`.
 * @param firstLine  from the number of octets that follow
 * @param wrapAs     the type of the part for a message the client cannot show; undefined: as it is
 * @returns octets of the text
 * @throws {MailError} before anything is sent
 */
export async function sendMessage(
  connection: Connection,
  maildrop: Maildrop,
  pop3Message: Pop3Message,
  extent: Extent,
  firstLine: (wireOctets: number) => string,
  wrapAs: string | undefined,
): Promise<number> {
  const outgoing = await prepare(maildrop, pop3Message, wrapAs);
  let sent = 0;
  try {
    connection.write(`${firstLine(outgoing.wireOctets)}\r\n`);
    const stuffer = new DotStuffer();
    const pieces =
      extent.bodyLines === undefined || extent.bodyLines < 0
        ? outgoing.pieces
        : top(outgoing.pieces, extent.bodyLines);
    for (const piece of pieces) {
      sent += piece.length;
      if (!connection.write(stuffer.stuff(piece))) await connection.drained();
      if (connection.closed) return sent;
    }
    connection.write(stuffer.atLineStart && sent > 0 ? '.\r\n' : '\r\n.\r\n');
  } finally {
    outgoing.message.close();
  }
  return sent;
}

async function prepare(
  { mailbox }: Maildrop,
  { uid }: Pop3Message,
  wrapAs: string | undefined,
): Promise<Outgoing> {
  const { folder } = mailbox;
  const { structure } = await describe(folder, folder.rowOf(uid));
  const message = folder.open(folder.rowOf(uid));
  const range = locateSection(structure, { part: [], what: 'all', fields: [] })!;
  const text = wirePieces((into, position) => message.read(into, position), structure, range);
  const wireOctets = structure.wireOctets + missingLineEnd(message);
  if (wrapAs === undefined) return { message, pieces: text, wireOctets };
  const { head, tail } = unicodeWrapper(wrapAs);
  return {
    message,
    pieces: wrapped(head, text, missingLineEnd(message) > 0, tail),
    wireOctets: head.length + wireOctets + tail.length,
  };
}

function* wrapped(
  head: Buffer,
  text: Iterable<Buffer>,
  unfinished: boolean,
  tail: Buffer,
): Generator<Buffer> {
  yield head;
  yield* text;
  if (unfinished) yield Buffer.from('\r\n');
  yield tail;
}

/** The header, its empty line, and so many lines behind it; the empty line is added where there is none. */
function* top(pieces: Iterable<Buffer>, bodyLines: number): Generator<Buffer> {
  let inHeader = true;
  let lineEmpty = true;
  let left = bodyLines;
  for (const piece of pieces) {
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
