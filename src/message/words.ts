/** Header text -> text: encoded words (RFC 2047) and parameters (RFC 2231). */
import { decodeTransfer } from './binary.ts';
import { decodeCharset } from './charset.ts';
import { asciiLower, isEightBit } from './octet-text.ts';
import { decodeEightBit } from './wire-text.ts';

/** Charset (a language after `*` dropped), B or Q, text. Q text with spaces is common, though wrong. */
const encodedWord = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?]*)\?=/gi;

/**
 * Header text (latin1, unfolded) -> text. Encoded words are decoded, also when they split a character; raw 8-bit
 * octets are read as UTF-8, else as windows-1252. An unknown charset is read like raw octets.
 */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return plain(value);
  let text = '';
  let at = 0;
  let charset = '';
  let octets: Buffer[] = [];
  const flush = () => {
    if (octets.length > 0) text += decodeOctets(Buffer.concat(octets), charset);
    octets = [];
  };
  for (const match of value.matchAll(encodedWord)) {
    const between = value.slice(at, match.index);
    // Blanks between two encoded words are not part of the text (RFC 2047 §6.2).
    const isAdjacent = at > 0 && /^[ \t\r\n]*$/.test(between);
    const label = asciiLower(match[1]!);
    if (!isAdjacent || label !== charset) flush();
    if (!isAdjacent) text += plain(between);
    charset = label;
    octets.push(wordOctets(match[2]!, match[3]!));
    at = match.index + match[0].length;
  }
  flush();
  return text + plain(value.slice(at));
}

function plain(value: string): string {
  return isEightBit(value) ? decodeEightBit(value) : value;
}

function decodeOctets(octets: Buffer, charset: string): string {
  return decodeCharset(octets, charset) ?? decodeEightBit(octets.toString('latin1'));
}

function wordOctets(encoding: string, text: string): Buffer {
  if (encoding === 'B' || encoding === 'b') return decodeTransfer(Buffer.from(text, 'latin1'), 'base64')!;
  const octets = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(octets, 'latin1');
}

/**
 * A parameter's decoded value: RFC 2231 (`name*=utf-8''…`, `name*0=…`, `name*0*=…`), else the plain one, in which many
 * senders put encoded words.
 * @param name  lower case, as in `Part.parameters`
 */
export function parameterValue(
  parameters: readonly (readonly [name: string, value: string])[],
  name: string,
): string | undefined {
  const values = new Map(parameters);
  const single = values.get(`${name}*`);
  if (single !== undefined) return decodeExtended([{ text: single, isExtended: true }]);
  const pieces: Piece[] = [];
  for (let index = 0; ; index++) {
    const extended = values.get(`${name}*${index}*`);
    const text = extended ?? values.get(`${name}*${index}`);
    if (text === undefined) break;
    pieces.push({ text, isExtended: extended !== undefined });
  }
  if (pieces.length > 0) return decodeExtended(pieces);
  const value = values.get(name);
  return value === undefined ? undefined : decodeWords(value);
}

interface Piece {
  readonly text: string;
  /** Percent-encoded; the first one starts with `charset'language'`. */
  readonly isExtended: boolean;
}

function decodeExtended(pieces: readonly Piece[]): string {
  let charset = '';
  const octets = pieces.map(({ text, isExtended }, index) => {
    if (!isExtended) return text;
    let encoded = text;
    const match = index === 0 ? /^([^']*)'[^']*'/.exec(text) : null;
    if (match) {
      charset = match[1]!;
      encoded = text.slice(match[0].length);
    }
    return encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
  });
  return decodeOctets(Buffer.from(octets.join(''), 'latin1'), charset);
}
