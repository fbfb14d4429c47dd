/** Just enough MIME to write the demo's messages: lines end with LF, as files in a maildir do. */
import iconv from 'iconv-lite';
import type { Person } from './words.ts';

/** A part: header fields and a body that is already encoded. */
export interface Part {
  readonly fields: readonly string[];
  readonly body: string;
}

export function textPart(
  subtype: string,
  text: string,
  charset: 'us-ascii' | 'utf-8' | 'iso-8859-1' | 'koi8-r',
) {
  const encoding = charset === 'us-ascii' ? '7bit' : charset === 'koi8-r' ? 'base64' : 'quoted-printable';
  const octets = iconv.encode(text, charset === 'us-ascii' ? 'ascii' : charset);
  return {
    fields: [`Content-Type: text/${subtype}; charset=${charset}`, `Content-Transfer-Encoding: ${encoding}`],
    body: encoding === '7bit' ? text : encoding === 'base64' ? base64(octets) : quotedPrintable(octets),
  } satisfies Part;
}

export function attachment(type: string, name: string, content: Buffer, contentId?: string): Part {
  const disposition = contentId === undefined ? 'attachment' : 'inline';
  return {
    fields: [
      `Content-Type: ${type}`,
      `Content-Disposition: ${disposition}; ${fileName(name)}`,
      'Content-Transfer-Encoding: base64',
      ...(contentId === undefined ? [] : [`Content-ID: <${contentId}>`]),
    ],
    body: base64(content),
  };
}

/** Another message, whole. */
export function messagePart(message: string): Part {
  return { fields: ['Content-Type: message/rfc822', 'Content-Disposition: inline'], body: message };
}

export function multipart(subtype: string, boundary: string, parts: readonly Part[]): Part {
  const body = parts.map(({ fields, body }) => `--${boundary}\n${fields.join('\n')}\n\n${body}\n`).join('');
  return {
    fields: [`Content-Type: multipart/${subtype}; boundary="${boundary}"`],
    body: `${body}--${boundary}--\n`,
  };
}

export function mailbox({ name, address }: Person): string {
  if (isAscii(name))
    return /[^\w ]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}" <${address}>` : `${name} <${address}>`;
  return `${encodedWords(name)} <${address}>`;
}

export function encodedText(text: string): string {
  return isAscii(text) ? text : encodedWords(text);
}

/** RFC 2047 words of whole characters, short enough for a line. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let piece = '';
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 39) {
      words.push(piece);
      piece = '';
    }
    piece += character;
  }
  words.push(piece);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\n ');
}

/** RFC 2231 where the name needs it. */
function fileName(name: string): string {
  return isAscii(name) ? `filename="${name}"` : `filename*=utf-8''${encodeURIComponent(name)}`;
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function base64(octets: Buffer): string {
  return octets.toString('base64').replace(/.{76}(?=.)/g, '$&\n');
}

function quotedPrintable(octets: Buffer): string {
  return octets
    .toString('latin1')
    .split('\n')
    .map((line) => softBreaks(line.replace(/[^\x20-\x3c\x3e-\x7e]|\s$/g, escapeOctet)))
    .join('\n');
}

function escapeOctet(character: string): string {
  return `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function softBreaks(line: string): string {
  let lines = '';
  let length = 0;
  for (const [token] of line.matchAll(/=[0-9A-F]{2}|[^=]/g)) {
    if (length + token.length > 75) {
      lines += '=\n';
      length = 0;
    }
    lines += token;
    length += token.length;
  }
  return lines;
}
