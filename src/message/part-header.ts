/** The fields of one header that the structure needs, collected line by line and bounded. */
import { parseContentType, parseDisposition, parseLanguages, parseToken } from './mime-value.ts';
import { trimBlanks } from './octet-text.ts';
import type { EnvelopeFields, Part } from './part.ts';

/** Octets kept of one field, repeated ones together. */
const fieldLimit = 65536;

const envelopeNames: Record<string, keyof EnvelopeFields> = {
  date: 'date',
  subject: 'subject',
  from: 'from',
  sender: 'sender',
  'reply-to': 'replyTo',
  to: 'to',
  cc: 'cc',
  bcc: 'bcc',
  'in-reply-to': 'inReplyTo',
  'message-id': 'messageId',
  references: 'references',
};

const mimeNames = [
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'content-disposition',
  'content-md5',
  'content-language',
  'content-location',
] as const;
type MimeName = (typeof mimeNames)[number];

/** First letter and length tell most other fields apart without making a string. */
const candidates = new Uint8Array(32 * 32);
const wanted = new Map<string, keyof EnvelopeFields | MimeName>(Object.entries(envelopeNames));
for (const name of mimeNames) wanted.set(name, name);
for (const name of wanted.keys()) candidates[(name.charCodeAt(0) & 31) * 32 + name.length] = 1;
const longestName = 25;

/** Octets of header text that may still be kept in this message. */
export interface Budget {
  left: number;
}

export class HeaderCollector {
  readonly #isMessage: boolean;
  readonly #budget: Budget;
  readonly #envelope: EnvelopeFields = {};
  readonly #mime: Partial<Record<MimeName, string>> = {};
  #current: keyof EnvelopeFields | MimeName | undefined;
  #text = '';

  constructor(isMessage: boolean, budget: Budget) {
    this.#isMessage = isMessage;
    this.#budget = budget;
  }

  /** One line, its line end not included. */
  line(buffer: Buffer, start: number, end: number): void {
    const first = buffer[start];
    if (first === 32 || first === 9) {
      if (this.#current !== undefined) this.#append(buffer, start, end);
      return;
    }
    if (this.#current !== undefined) this.#commit();
    const colon = colonOf(buffer, start, end);
    if (colon < 0) return;
    let nameEnd = colon;
    while (nameEnd > start && (buffer[nameEnd - 1] === 32 || buffer[nameEnd - 1] === 9)) nameEnd--;
    if (candidates[(buffer[start]! & 31) * 32 + (nameEnd - start)] === 0) return;
    const name = wanted.get(buffer.toString('latin1', start, nameEnd).toLowerCase());
    if (name === undefined || (!this.#isMessage && !isMimeName(name))) return;
    this.#current = name;
    this.#text = '';
    this.#append(buffer, colon + 1, end);
  }

  #append(buffer: Buffer, start: number, end: number): void {
    const room = fieldLimit - this.#text.length;
    if (room > 0) this.#text += buffer.toString('latin1', start, Math.min(end, start + room));
  }

  #commit(): void {
    const name = this.#current!;
    let value = trimBlanks(this.#text);
    if (value.includes('\r')) value = trimBlanks(value.replaceAll('\r', ' '));
    this.#current = undefined;
    if (isMimeName(name)) {
      this.#mime[name] = this.#afford(value);
      return;
    }
    const before = this.#envelope[name];
    if (before === undefined || before === '') this.#envelope[name] = this.#afford(value);
    else if (value !== '' && before.length + value.length < fieldLimit) {
      this.#envelope[name] = `${before},${this.#afford(value)}`;
    }
  }

  #afford(value: string): string {
    const kept = value.slice(0, this.#budget.left);
    this.#budget.left -= kept.length;
    return kept;
  }

  /** Puts what the header says into the part, whose fields hold the defaults. */
  finish(part: Part): void {
    if (this.#current !== undefined) this.#commit();
    if (this.#isMessage) {
      part.envelope = this.#envelope;
      if (!/^1\s*\.\s*\d/.test(parseToken(this.#mime['mime-version'] ?? ''))) return;
    }
    applyMime(part, this.#mime);
  }
}

function isMimeName(name: keyof EnvelopeFields | MimeName): name is MimeName {
  return name === 'mime-version' || name.startsWith('content-');
}

function colonOf(buffer: Buffer, start: number, end: number): number {
  const limit = Math.min(end, start + longestName + 8);
  for (let at = start; at < limit; at++) if (buffer[at] === 58) return at > start ? at : -1;
  return -1;
}

function applyMime(part: Part, mime: Partial<Record<MimeName, string>>): void {
  const type = parseContentType(mime['content-type'] ?? '');
  if (type !== undefined) {
    const inherited = part.parameters;
    part.type = type.type;
    part.subtype = type.subtype;
    part.parameters = type.parameters;
    if (type.type === 'text' && !type.parameters.some(([name]) => name === 'charset')) {
      part.parameters = [...type.parameters, ...inherited];
    }
  }
  const encoding = parseToken(mime['content-transfer-encoding'] ?? '');
  if (encoding !== '') part.encoding = encoding;
  const disposition = parseDisposition(mime['content-disposition'] ?? '');
  if (disposition !== undefined) part.disposition = disposition;
  const languages = parseLanguages(mime['content-language'] ?? '');
  if (languages.length > 0) part.languages = languages;
  if (mime['content-id']) part.id = mime['content-id'];
  if (mime['content-description']) part.description = mime['content-description'];
  if (mime['content-md5']) part.md5 = mime['content-md5'];
  if (mime['content-location']) part.location = mime['content-location'];
}
