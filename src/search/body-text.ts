import { isAscii, isUtf8 } from 'node:buffer';
import { createTransferDecoder, decodeTransfer } from '../message/binary.ts';
import { createCharsetDecoder, decodeCharset } from '../message/charset.ts';
import type { ReadAt } from '../message/line-ends.ts';
import { headerText, type TextLeaf } from '../message/text.ts';

/** Messages up to here are searched in one go, larger ones in pieces. */
export const wholeOctets = 1024 * 1024;

/** Octets read at a time of a part too large to be decoded at once. */
const pieceOctets = 64 * 1024;

const plain = new Set(['7bit', '8bit', 'binary']);

/** Charsets in which octets below 128 need not be ASCII. */
const shifting = /^(utf-?7|utf-?16|utf-?32|ucs|iso-2022|hz)/i;

/** The text of a part whose octets are all here. */
export function leafText(leaf: TextLeaf, octets: Uint8Array): string {
  if (leaf.isHeader) return headerText(octets);
  const decoded = plain.has(leaf.encoding) ? octets : (decodeTransfer(octets, leaf.encoding) ?? octets);
  const buffer = Buffer.from(decoded.buffer, decoded.byteOffset, decoded.length);
  if (isAscii(buffer) && !shifting.test(leaf.charset ?? '')) return buffer.toString('latin1');
  const text = leaf.charset === undefined ? undefined : decodeCharset(buffer, leaf.charset);
  if (text !== undefined) return text;
  return isUtf8(buffer) ? buffer.toString('utf8') : buffer.toString('latin1');
}

/** The text of a large part, in pieces, in bounded memory. */
export function* leafTextPieces(leaf: TextLeaf, read: ReadAt): Generator<string> {
  if (leaf.isHeader && leaf.end - leaf.start <= pieceOctets) {
    const header = Buffer.allocUnsafe(leaf.end - leaf.start);
    yield headerText(header.subarray(0, read(header, leaf.start)));
    return;
  }
  const transfer = plain.has(leaf.encoding) ? undefined : createTransferDecoder(leaf.encoding);
  const charset = createCharsetDecoder(leaf.charset ?? 'utf-8') ?? createCharsetDecoder('utf-8')!;
  for (let position = leaf.start; position < leaf.end; ) {
    const octets = Buffer.allocUnsafe(Math.min(pieceOctets, leaf.end - position));
    const length = read(octets, position);
    if (length === 0) break;
    position += length;
    const piece = octets.subarray(0, length);
    yield charset.write(transfer === undefined ? piece : transfer.write(piece));
  }
  if (transfer !== undefined) yield charset.write(transfer.end());
  yield charset.end();
}
