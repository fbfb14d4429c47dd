/** The fields of a header block. */
import { asBuffer, trimBlanks } from './octet-text.ts';

export interface HeaderField {
  /** As written; `''` for a line without a colon. */
  readonly name: string;
  /** Latin1, unfolded (line breaks dropped, white space stays), trimmed. */
  readonly value: string;
  /** Range of the whole field in the block, its line end included. */
  readonly start: number;
  readonly end: number;
}

/** The fields of a header block (octets of the file or the wire), up to its empty line or the end. */
export function* headerFields(header: Uint8Array): Generator<HeaderField> {
  const buffer = asBuffer(header);
  let start = 0;
  while (start < buffer.length) {
    let end = lineEnd(buffer, start);
    if (isEmptyLine(buffer, start, end)) return;
    while (end < buffer.length && (buffer[end] === 32 || buffer[end] === 9)) end = lineEnd(buffer, end);
    yield field(buffer, start, end);
    start = end;
  }
}

function lineEnd(buffer: Buffer, at: number): number {
  const lf = buffer.indexOf(10, at);
  return lf < 0 ? buffer.length : lf + 1;
}

function isEmptyLine(buffer: Buffer, start: number, end: number): boolean {
  return buffer[start] === 10 || (buffer[start] === 13 && end === start + 2 && buffer[start + 1] === 10);
}

function field(buffer: Buffer, start: number, end: number): HeaderField {
  const text = trimBlanks(buffer.toString('latin1', start, end));
  const colon = text.indexOf(':');
  const name = colon < 0 ? '' : trimBlanks(text.slice(0, colon));
  return { name, value: unfold(trimBlanks(text.slice(colon + 1))), start, end };
}

function unfold(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/\r?\n/g, '').replaceAll('\r', ' ') : text;
}
