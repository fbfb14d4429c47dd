/** Header text (latin1) as the quoted strings of IMAP responses. */
import { isUtf8 } from 'node:buffer';
import { encodeWords } from './encode-words.ts';
import { isEightBit } from './octet-text.ts';

const windows1252 = new TextDecoder('windows-1252');

/** Raw 8-bit header text: UTF-8 (RFC 6532), or else windows-1252, which any octets are. */
export function decodeEightBit(value: string): string {
  const octets = Buffer.from(value, 'latin1');
  return isUtf8(octets) ? octets.toString('utf8') : windows1252.decode(octets);
}

/**
 * A quoted string, as latin1 (a char an octet). 8-bit text becomes encoded words, or with `utf8` valid UTF-8; CR and
 * LF become spaces, NUL goes.
 */
export function quoted(value: string, utf8: boolean): string {
  if (!/[\0\r\n"\\\x80-\xff]/.test(value)) return `"${value}"`;
  let text = value;
  if (isEightBit(text)) {
    const decoded = decodeEightBit(text);
    text = utf8 ? Buffer.from(decoded, 'utf8').toString('latin1') : encodeWords(decoded);
  }
  if (/[\0\r\n"\\]/.test(text)) {
    text = text
      .replaceAll('\0', '')
      .replace(/[\r\n]/g, ' ')
      .replace(/["\\]/g, '\\$&');
  }
  return `"${text}"`;
}

/** `NIL` for undefined. */
export function quotedOrNil(value: string | undefined, utf8: boolean): string {
  return value === undefined ? 'NIL' : quoted(value, utf8);
}
