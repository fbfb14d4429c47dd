/** Structured values of MIME header fields: `text/plain; charset="utf-8" (comment)`. All text latin1. */
import { asciiLower, isBlank, ownCopy, trimBlanks } from './octet-text.ts';
import type { Disposition, Parameter } from './part.ts';

const maximumParameters = 200;
const quoteCode = 34;
const openCode = 40;
const semicolonCode = 59;
const equalsCode = 61;

interface Reader {
  readonly text: string;
  at: number;
}

/**
 * Reads up to `stop` (for `=` also up to a semicolon) or the end: quotes undone, comments dropped, blanks at the ends
 * trimmed unless quoted.
 */
function readUntil(reader: Reader, stop: ';' | '=' | ','): string {
  const { text } = reader;
  const stopCode = stop.charCodeAt(0);
  let value = '';
  let keep = 0; // the end of what came out of quotes, which is not trimmed
  while (reader.at < text.length) {
    const code = text.charCodeAt(reader.at);
    if (code === openCode) {
      skipComment(reader);
    } else if (code === quoteCode) {
      value += readQuoted(reader);
      keep = value.length;
    } else {
      const start = reader.at;
      const end = runEnd(text, start, stopCode);
      if (end === start) break;
      const run = text.slice(start, end);
      value = value === '' ? withoutLeadingBlanks(run) : value + run;
      reader.at = end;
    }
  }
  let end = value.length;
  while (end > keep && isBlank(value.charCodeAt(end - 1))) end--;
  return end === value.length ? value : value.slice(0, end);
}

/** Where a char with a meaning comes. */
function runEnd(text: string, start: number, stopCode: number): number {
  let end = start;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === openCode || code === quoteCode || code === stopCode) break;
    if (code === semicolonCode && stopCode === equalsCode) break;
  }
  return end;
}

function withoutLeadingBlanks(text: string): string {
  let start = 0;
  while (start < text.length && isBlank(text.charCodeAt(start))) start++;
  return start === 0 ? text : text.slice(start);
}

function readQuoted(reader: Reader): string {
  const { text } = reader;
  let value = '';
  let from = ++reader.at;
  for (; reader.at < text.length; reader.at++) {
    const char = text[reader.at];
    if (char === '"') break;
    if (char === '\\' && reader.at + 1 < text.length) {
      value += text.slice(from, reader.at);
      from = ++reader.at;
    }
  }
  value += text.slice(from, reader.at);
  reader.at++;
  return value;
}

function skipComment(reader: Reader): void {
  const { text } = reader;
  for (let depth = 0; reader.at < text.length; reader.at++) {
    const char = text[reader.at];
    if (char === '\\') reader.at++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) {
      reader.at++;
      return;
    }
  }
}

function readParameters(reader: Reader): Parameter[] {
  const found: Parameter[] = [];
  while (reader.at < reader.text.length && found.length < maximumParameters) {
    reader.at++; // the semicolon
    const name = asciiLower(readUntil(reader, '='));
    if (reader.text[reader.at] !== '=') continue;
    reader.at++;
    const value = readUntil(reader, ';');
    if (name === '') continue;
    const parameter = [name, name === 'charset' ? asciiLower(value) : value] as const;
    const before = found.findIndex(([other]) => other === name);
    if (before < 0) found.push(parameter);
    else found[before] = parameter;
  }
  return found;
}

export interface ContentType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

/** Types read lately that have no boundary: most are of a few kinds. */
const lately = new Map<string, ContentType>();
const mostLately = 200;
const longestLately = 80;

/** Content-Type. `foo` is type `foo`, subtype `''`; an empty value gives undefined. */
export function parseContentType(value: string): ContentType | undefined {
  if (value.length > longestLately || value.includes('boundary')) return readContentType(value);
  const known = lately.get(value);
  if (known !== undefined) return known;
  if (lately.size === mostLately) lately.clear();
  const key = ownCopy(value);
  const type = readContentType(key);
  if (type !== undefined) lately.set(key, type);
  return type;
}

function readContentType(value: string): ContentType | undefined {
  const reader = { text: value, at: 0 };
  const name = asciiLower(readUntil(reader, ';'));
  if (name === '') return undefined;
  const slash = name.indexOf('/');
  const type = trimBlanks(slash < 0 ? name : name.slice(0, slash));
  const subtype = slash < 0 ? '' : trimBlanks(name.slice(slash + 1));
  return { type, subtype, parameters: readParameters(reader) };
}

/** Content-Disposition. */
export function parseDisposition(value: string): Disposition | undefined {
  const reader = { text: value, at: 0 };
  const type = asciiLower(readUntil(reader, ';'));
  const parameters = readParameters(reader);
  return type === '' && parameters.length === 0 ? undefined : { type, parameters };
}

/** A single token in lower case, comments dropped: Content-Transfer-Encoding, MIME-Version. */
export function parseToken(value: string): string {
  return asciiLower(readUntil({ text: value, at: 0 }, ';'));
}

/** Content-Language: `en, fr` (RFC 3282). */
export function parseLanguages(value: string): string[] {
  const reader = { text: value, at: 0 };
  const tags: string[] = [];
  while (reader.at < value.length && tags.length < maximumParameters) {
    const tag = readUntil(reader, ',');
    if (tag !== '') tags.push(tag);
    reader.at++;
  }
  return tags;
}
