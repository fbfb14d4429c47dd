/** What SEARCH compares: decoded, normalised text of header fields and bodies (imap-server §10). */
import { isAscii, isUtf8 } from 'node:buffer';
import { displayAddress, parseAddresses } from './address.ts';
import { createTransferDecoder } from './binary.ts';
import { type CharsetDecoder, createCharsetDecoder } from './charset.ts';
import { headerFields } from './header.ts';
import type { ReadAt } from './line-ends.ts';
import { asciiLower } from './octet-text.ts';
import { isMessageType, type MessageStructure, type Part } from './part.ts';
import { decodeWords, parameterValue } from './words.ts';

/** Unicode lower case, runs of white space one space. Not trimmed. */
export function normalizeText(text: string): string {
  return text.toLowerCase().replace(/[^\S ]\s*| \s+/g, ' ');
}

const addressFields = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-bcc',
]);

/**
 * A header field's value as SEARCH sees it: decoded; address fields in the form `Name <user@host>, …`. Not normalised.
 * @param value  as of `headerFields`
 */
export function searchableField(name: string, value: string): string {
  if (!addressFields.has(asciiLower(name))) return decodeWords(value);
  return parseAddresses(value).map(displayAddress).join(', ');
}

/** A leaf whose text SEARCH BODY looks at: text/* and message/* that is no embedded message. */
export interface TextLeaf {
  readonly start: number;
  readonly end: number;
  readonly encoding: string;
  /** Undefined: none given, or us-ascii, which often is a lie. */
  readonly charset: string | undefined;
  /** The header of an embedded message, whose fields are read as text too. */
  readonly isHeader: boolean;
}

export function textLeaves(structure: MessageStructure): TextLeaf[] {
  const leaves: TextLeaf[] = [];
  collect(structure.root, false, leaves);
  return leaves;
}

function collect(part: Part, isEmbedded: boolean, leaves: TextLeaf[]): void {
  if (isEmbedded) {
    const { headerStart: start, bodyStart: end } = part;
    leaves.push({ start, end, encoding: '8bit', charset: undefined, isHeader: true });
  }
  for (const child of part.parts) collect(child, isMessageType(part), leaves);
  if (part.parts.length > 0 || (part.type !== 'text' && part.type !== 'message')) return;
  const label = asciiLower(parameterValue(part.parameters, 'charset') ?? '');
  const charset = label === '' || label === 'us-ascii' ? undefined : label;
  leaves.push({ start: part.bodyStart, end: part.end, encoding: part.encoding, charset, isHeader: false });
}

const pieceOctets = 65536;
/** Of an embedded message's header. */
const maximumHeader = 262_144;

/**
 * The decoded, normalised text of a message's body in pieces made from at most 64 KiB; a match may run across pieces and
 * parts, so keep as much of each piece as the needle is long. Text of a transfer encoding that is unknown is read
 * as it is.
 */
export function* searchableBody(structure: MessageStructure, read: ReadAt): Generator<string> {
  let endsWithSpace = false;
  for (const leaf of textLeaves(structure)) {
    for (const text of leaf.isHeader ? headerText(leaf, read) : leafText(leaf, read)) {
      let piece = normalizeText(text);
      if (endsWithSpace && piece.startsWith(' ')) piece = piece.slice(1);
      if (piece === '') continue;
      endsWithSpace = piece.endsWith(' ');
      yield piece;
    }
  }
}

function* headerText(leaf: TextLeaf, read: ReadAt): Generator<string> {
  const header = Buffer.alloc(Math.min(leaf.end - leaf.start, maximumHeader));
  const count = read(header, leaf.start);
  for (const { name, value } of headerFields(header.subarray(0, count))) {
    yield `${name}: ${searchableField(name, value)}\n`;
  }
}

function* leafText(leaf: TextLeaf, read: ReadAt): Generator<string> {
  const transfer = createTransferDecoder(leaf.encoding) ?? createTransferDecoder('8bit')!;
  const charset = (leaf.charset && createCharsetDecoder(leaf.charset)) || guessingDecoder();
  let position = leaf.start;
  while (position < leaf.end) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceOctets, leaf.end - position));
    const count = read(buffer, position);
    if (count <= 0) break;
    position += count;
    yield charset.write(transfer.write(buffer.subarray(0, count)));
  }
  yield charset.write(transfer.end()) + charset.end();
}

/** UTF-8 if the first piece that is not ASCII is UTF-8 (but for a character cut at its end), else windows-1252. */
function guessingDecoder(): CharsetDecoder {
  let decoder: CharsetDecoder | undefined;
  return {
    write(octets) {
      decoder ??= guess(octets);
      return decoder?.write(octets) ?? Buffer.from(octets).toString('latin1');
    },
    end: () => decoder?.end() ?? '',
  };
}

function guess(octets: Uint8Array): CharsetDecoder | undefined {
  if (isAscii(octets)) return undefined;
  let end = octets.length;
  while (end > 0 && octets.length - end < 3 && octets[end - 1]! > 127) end--;
  const whole = octets.subarray(0, end);
  const looksLikeUtf8 = isUtf8(octets) || (isUtf8(whole) && !isAscii(whole));
  return createCharsetDecoder(looksLikeUtf8 ? 'utf-8' : 'windows-1252');
}
