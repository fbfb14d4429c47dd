/** Address lists: RFC 5322 §3.4 with its obsolete forms (§4.4), and whatever else is found in mail. */
import { domainToUnicode } from 'node:url';
import { isBlank, trimBlanks } from './octet-text.ts';
import { decodeWords } from './words.ts';

/** One entry of an address list; all text latin1, quoting undone, encoded words kept. */
export interface Address {
  readonly kind: 'mailbox' | 'groupStart' | 'groupEnd';
  /** Display name (or, without one, the comment), or the group's name. */
  readonly name?: string;
  /** RFC 5322 obs-route: `@a,@b`. */
  readonly route?: string;
  /** Local part, `''` for `<>` and groups. */
  readonly mailbox: string;
  /** Domain, `''` if there is none. */
  readonly host: string;
}

interface Token {
  readonly kind: 'word' | 'quoted' | 'at';
  readonly text: string;
  readonly afterBlank: boolean;
}

interface Reader {
  readonly text: string;
  at: number;
}

/** `Name <a@b>`, `"Name" <a@b>`, `<a@b>` and `a@b`, in one step each: nearly all there are. */
const angleForm =
  /(?:"([^"\\]*)"[ \t]*|([^"(),:;<>@[\]\\]*))<([^ \t\r\n"(),:;<>@[\]\\]+)@([^ \t\r\n"(),:;<>@[\]\\]+)>[ \t]*(?=[,;]|$)/y;
const bareForm = /([^ \t\r\n"(),:;<>@[\]\\]+)@([^ \t\r\n"(),:;<>@[\]\\]+)[ \t]*(?=[,;]|$)/y;

/** Reads an address list from unfolded header text; takes anything. */
export function parseAddresses(value: string): Address[] {
  const reader = { text: value, at: 0 };
  const found: Address[] = [];
  let inGroup = false;
  while (reader.at < value.length) {
    const char = value[reader.at]!;
    if (char === ';' && inGroup) {
      found.push({ kind: 'groupEnd', mailbox: '', host: '' });
      inGroup = false;
      reader.at++;
    } else if (char === ',' || char === ';' || isBlank(char.charCodeAt(0))) {
      reader.at++;
    } else {
      const address = readCommon(reader) ?? readEntry(reader, inGroup);
      if (address?.kind === 'groupStart') inGroup = true;
      if (address !== undefined) found.push(address);
    }
  }
  if (inGroup) found.push({ kind: 'groupEnd', mailbox: '', host: '' });
  return found;
}

function readCommon(reader: Reader): Address | undefined {
  angleForm.lastIndex = reader.at;
  const angle = angleForm.exec(reader.text);
  if (angle !== null) {
    reader.at = angleForm.lastIndex;
    const name = angle[1] ?? trimBlanks(angle[2]!).replace(/[ \t\r\n]+/g, ' ');
    return { kind: 'mailbox', ...(name === '' ? {} : { name }), mailbox: angle[3]!, host: angle[4]! };
  }
  bareForm.lastIndex = reader.at;
  const bare = bareForm.exec(reader.text);
  if (bare === null) return undefined;
  reader.at = bareForm.lastIndex;
  return { kind: 'mailbox', mailbox: bare[1]!, host: bare[2]! };
}

function readEntry(reader: Reader, inGroup: boolean): Address | undefined {
  const { text } = reader;
  const tokens: Token[] = [];
  let comment: string | undefined;
  let afterBlank = false;
  while (reader.at < text.length) {
    const char = text[reader.at]!;
    if (char === ',' || char === ';') break;
    if (char === '<') return readAngle(reader, phrase(tokens) ?? comment);
    if (char === ':' && !inGroup && !tokens.some((token) => token.kind === 'at')) {
      reader.at++;
      return { kind: 'groupStart', name: phrase(tokens) ?? '', mailbox: '', host: '' };
    }
    if (isBlank(char.charCodeAt(0))) {
      afterBlank = true;
      reader.at++;
      continue;
    }
    if (char === '(') comment = firstOf(comment, readComment(reader));
    else tokens.push(readToken(reader, char, afterBlank));
    afterBlank = char === '(';
  }
  return tokens.length === 0 ? undefined : bareAddress(tokens, comment);
}

function readToken(reader: Reader, char: string, afterBlank: boolean): Token {
  if (char === '"') return { kind: 'quoted', text: readQuoted(reader), afterBlank };
  if (char === '@') {
    reader.at++;
    return { kind: 'at', text: '@', afterBlank };
  }
  return { kind: 'word', text: readWord(reader), afterBlank };
}

const wordRest = /[^ \t\r\n"(),:;<>@[]*/y;

/** Up to a blank or a char with a meaning; a domain literal is one word. Always takes a char. */
function readWord(reader: Reader): string {
  const { text } = reader;
  const start = reader.at++;
  if (text[start] === '[') {
    const end = text.indexOf(']', start);
    if (end >= 0) reader.at = end + 1;
  } else {
    wordRest.lastIndex = reader.at;
    wordRest.test(text);
    reader.at = wordRest.lastIndex;
  }
  return text.slice(start, reader.at);
}

function readQuoted(reader: Reader): string {
  const { text } = reader;
  let value = '';
  let from = ++reader.at;
  for (; reader.at < text.length && text[reader.at] !== '"'; reader.at++) {
    if (text[reader.at] !== '\\' || reader.at + 1 >= text.length) continue;
    value += text.slice(from, reader.at);
    from = ++reader.at;
  }
  value += text.slice(from, reader.at);
  reader.at++;
  return value;
}

/** The text of a comment, without the outer parentheses. */
function readComment(reader: Reader): string {
  const { text } = reader;
  let value = '';
  let depth = 0;
  let from = reader.at + 1;
  for (; reader.at < text.length; reader.at++) {
    const char = text[reader.at];
    if (char === '\\' && reader.at + 1 < text.length) {
      value += text.slice(from, reader.at);
      from = ++reader.at;
    } else if (char === '(') {
      depth++;
    } else if (char === ')' && --depth === 0) {
      break;
    }
  }
  value += text.slice(from, reader.at);
  reader.at++;
  return trimBlanks(value);
}

function joinTokens(tokens: readonly Token[], blank: string): string {
  let value = '';
  tokens.forEach((token, index) => {
    value += index > 0 && token.afterBlank ? blank + token.text : token.text;
  });
  return value;
}

function phrase(tokens: readonly Token[]): string | undefined {
  return tokens.length === 0 ? undefined : joinTokens(tokens, ' ');
}

/** `a@b`, `a . b @ c`, `Name a@b`, or words without any `@`. */
function bareAddress(tokens: readonly Token[], comment: string | undefined): Address {
  const at = tokens.findLastIndex((token) => token.kind === 'at');
  const name = comment === undefined ? {} : { name: comment };
  if (at < 0) return { kind: 'mailbox', ...name, mailbox: joinTokens(tokens, ' '), host: '' };
  let start = at;
  while (start > 0 && (start === at || isJoined(tokens[start - 1]!, tokens[start]!))) start--;
  const before = phrase(tokens.slice(0, start));
  return {
    kind: 'mailbox',
    ...(before === undefined ? name : { name: before }),
    mailbox: joinTokens(tokens.slice(start, at), ''),
    host: joinTokens(tokens.slice(at + 1), ''),
  };
}

function isJoined(left: Token, right: Token): boolean {
  return !right.afterBlank || left.text.endsWith('.') || right.text.startsWith('.');
}

/** `<a@b>`, `<@route,@route:a@b>`, `<>`; then drops what follows up to the next comma, a comment may name the owner. */
function readAngle(reader: Reader, display: string | undefined): Address {
  const { text } = reader;
  reader.at++;
  const tokens: Token[] = [];
  let route: string | undefined;
  while (reader.at < text.length && text[reader.at] !== '>') {
    const char = text[reader.at]!;
    if (isBlank(char.charCodeAt(0))) reader.at++;
    else if (char === '(') readComment(reader);
    else if (char === ':' && tokens[0]?.kind === 'at' && route === undefined) {
      route = joinTokens(tokens.splice(0), '');
      reader.at++;
    } else tokens.push(readToken(reader, char, false));
  }
  reader.at++;
  const comment = skipToComma(reader);
  const at = tokens.findLastIndex((token) => token.kind === 'at');
  const name = display ?? comment;
  return {
    kind: 'mailbox',
    ...(name === undefined || name === '' ? {} : { name }),
    ...(route === undefined ? {} : { route }),
    mailbox: joinTokens(at < 0 ? tokens : tokens.slice(0, at), ''),
    host: at < 0 ? '' : joinTokens(tokens.slice(at + 1), ''),
  };
}

/** Of comments, the first that says something. */
function firstOf(before: string | undefined, comment: string): string | undefined {
  return before ?? (comment === '' ? undefined : comment);
}

function skipToComma(reader: Reader): string | undefined {
  const { text } = reader;
  let comment: string | undefined;
  while (reader.at < text.length && text[reader.at] !== ',' && text[reader.at] !== ';') {
    if (text[reader.at] === '(') comment = firstOf(comment, readComment(reader));
    else if (text[reader.at] === '"') readQuoted(reader);
    else reader.at++;
  }
  return comment;
}

/** An address as people read it, all decoded: `Bücher <info@bücher.example>`; a group's start `Name:`, its end `;`. */
export function displayAddress(address: Address): string {
  const name = address.name === undefined ? '' : decodeWords(address.name);
  if (address.kind === 'groupStart') return `${name}:`;
  if (address.kind === 'groupEnd') return ';';
  const host = displayHost(decodeWords(address.host));
  const mailbox = decodeWords(address.mailbox) + (host === '' ? '' : `@${host}`);
  return name === '' ? mailbox : `${name} <${mailbox}>`;
}

/** `xn--…` labels as Unicode (RFC 5890); as it is if it is no valid name. */
function displayHost(host: string): string {
  return /(?:^|\.)xn--/i.test(host) ? domainToUnicode(host) || host : host;
}
