/** Structured values of MIME header fields: `text/plain; charset="utf-8" (comment)`. All text latin1. */
import { asciiLower, isBlank, trimBlanks } from './octet-text.ts';
import type { Disposition, Parameter } from './part.ts';

const maximumParameters = 200;

interface Reader {
  readonly text: string;
  at: number;
}

/** What comes before a char with a meaning, per char at which a value ends. */
const runs = { ';': /[^;("]+/y, '=': /[^=;("]+/y, ',': /[^,("]+/y };

/**
 * Reads up to `stop` (for `=` also up to a semicolon) or the end: quotes undone, comments dropped, blanks at the ends
 * trimmed unless quoted.
 */
function readUntil(reader: Reader, stop: keyof typeof runs): string {
  const { text } = reader;
  const run = runs[stop];
  let value = '';
  let keep = 0; // the end of what came out of quotes, which is not trimmed
  while (reader.at < text.length) {
    const char = text[reader.at]!;
    if (char === '(') {
      skipComment(reader);
    } else if (char === '"') {
      value += readQuoted(reader);
      keep = value.length;
    } else {
      run.lastIndex = reader.at;
      const found = run.exec(text)?.[0];
      if (found === undefined) break;
      value += value === '' ? withoutLeadingBlanks(found) : found;
      reader.at = run.lastIndex;
    }
  }
  let end = value.length;
  while (end > keep && isBlank(value.charCodeAt(end - 1))) end--;
  return end === value.length ? value : value.slice(0, end);
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
  const found = new Map<string, string>();
  while (reader.at < reader.text.length && found.size < maximumParameters) {
    reader.at++; // the semicolon
    const name = asciiLower(readUntil(reader, '='));
    if (reader.text[reader.at] !== '=') continue;
    reader.at++;
    const value = readUntil(reader, ';');
    if (name !== '') found.set(name, name === 'charset' ? asciiLower(value) : value);
  }
  return [...found];
}

/** Content-Type. `foo` is type `foo`, subtype `''`; an empty value gives undefined. */
export function parseContentType(
  value: string,
): { type: string; subtype: string; parameters: Parameter[] } | undefined {
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
