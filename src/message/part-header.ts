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

/** A field that is kept, and the octets of its name in lower case. */
type Wanted = { readonly octets: Buffer } & (
  | { readonly envelope: keyof EnvelopeFields }
  | { readonly envelope?: undefined; readonly mime: MimeName }
);

/** By first letter and length, which tell most other fields apart. */
const wanted: (Wanted[] | undefined)[] = new Array(32 * 32).fill(undefined);
for (const [name, envelope] of Object.entries(envelopeNames)) want({ octets: Buffer.from(name), envelope });
for (const mime of mimeNames) want({ octets: Buffer.from(mime), mime });
const longestName = 25;

function want(field: Wanted): void {
  const { octets } = field;
  const place = (octets[0]! & 31) * 32 + octets.length;
  wanted[place] = [...(wanted[place] ?? []), field];
}

function find(buffer: Buffer, start: number, end: number): Wanted | undefined {
  if (end - start > longestName) return undefined;
  return wanted[(buffer[start]! & 31) * 32 + end - start]?.find(({ octets }) =>
    isName(buffer, start, octets),
  );
}

function isName(buffer: Buffer, start: number, name: Buffer): boolean {
  for (let at = 0; at < name.length; at++) {
    const octet = buffer[start + at]!;
    if ((octet >= 65 && octet <= 90 ? octet | 32 : octet) !== name[at]) return false;
  }
  return true;
}

/** Octets of header text that may still be kept in this message. */
export interface Budget {
  left: number;
}

export class HeaderCollector {
  readonly #isMessage: boolean;
  readonly #budget: Budget;
  readonly #envelope: EnvelopeFields = {};
  readonly #mime: Partial<Record<MimeName, string>> = {};
  #current: Wanted | undefined;
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
    const field = find(buffer, start, nameEnd);
    if (field === undefined || (!this.#isMessage && field.envelope !== undefined)) return;
    this.#current = field;
    this.#text = '';
    this.#append(buffer, colon + 1, end);
  }

  #append(buffer: Buffer, start: number, end: number): void {
    const room = fieldLimit - this.#text.length;
    if (room > 0) this.#text += buffer.toString('latin1', start, Math.min(end, start + room));
  }

  #commit(): void {
    const field = this.#current!;
    this.#current = undefined;
    let value = trimBlanks(this.#text);
    if (value.includes('\r')) value = trimBlanks(value.replaceAll('\r', ' '));
    if (field.envelope === undefined) {
      this.#mime[field.mime] = this.#afford(value);
      return;
    }
    const before = this.#envelope[field.envelope];
    if (before === undefined || before === '') this.#envelope[field.envelope] = this.#afford(value);
    else if (value !== '' && before.length + value.length < fieldLimit) {
      this.#envelope[field.envelope] = `${before},${this.#afford(value)}`;
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
