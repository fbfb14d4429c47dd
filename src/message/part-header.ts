/** The fields of one header that the structure needs, collected line by line and bounded. */
import { parseContentType, parseDisposition, parseLanguages, parseToken } from './mime-value.ts';
import { trimBlanks } from './octet-text.ts';
import type { EnvelopeFields, Part } from './part.ts';

/** Octets kept of one field, repeated ones together. */
const fieldLimit = 65536;

const envelopeNames = {
  date: 'date',
  subject: 'subject',
  from: 'from',
  sender: 'sender',
  replyTo: 'reply-to',
  to: 'to',
  cc: 'cc',
  bcc: 'bcc',
  inReplyTo: 'in-reply-to',
  messageId: 'message-id',
  references: 'references',
} as const satisfies Record<keyof EnvelopeFields, string>;
const envelopeKeys = Object.keys(envelopeNames) as (keyof EnvelopeFields)[];

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
const mimePlaces = Object.fromEntries(mimeNames.map((name, i) => [name, envelopeKeys.length + i])) as Record<
  MimeName,
  number
>;

/** A field that is kept: its name in lower case, and its place among those kept, the envelope's coming first. */
interface Wanted {
  readonly name: string;
  readonly place: number;
}

/** By first letter and length, which tell most other fields apart. */
const wanted: (Wanted[] | undefined)[] = new Array(32 * 32).fill(undefined);
for (const [place, name] of [...Object.values(envelopeNames), ...mimeNames].entries()) want({ name, place });
const longestName = 25;
const noValues: (string | undefined)[] = new Array(envelopeKeys.length + mimeNames.length).fill(undefined);

function want(field: Wanted): void {
  const slot = (field.name.charCodeAt(0) & 31) * 32 + field.name.length;
  wanted[slot] = [...(wanted[slot] ?? []), field];
}

/** The field whose name is `text[start, end)`, if it is kept. */
function find(text: string, start: number, end: number): Wanted | undefined {
  const length = end - start;
  const fields = length > longestName ? undefined : wanted[(text.charCodeAt(start) & 31) * 32 + length];
  if (fields === undefined) return undefined;
  for (const field of fields) if (isName(text, start, field.name)) return field;
  return undefined;
}

function isName(text: string, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = text.charCodeAt(start + at);
    if ((code >= 65 && code <= 90 ? code | 32 : code) !== name.charCodeAt(at)) return false;
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
  /** By place. */
  readonly #values: (string | undefined)[] = noValues.slice();
  #current: Wanted | undefined;
  #text = '';

  constructor(isMessage: boolean, budget: Budget) {
    this.#isMessage = isMessage;
    this.#budget = budget;
  }

  /** The line `text[start, end)`, latin1, its line end not included. */
  line(text: string, start: number, end: number): void {
    const first = text.charCodeAt(start);
    if (first === 32 || first === 9) {
      if (this.#current !== undefined) this.#append(text, start, end);
      return;
    }
    if (this.#current !== undefined) this.#commit();
    const colon = colonOf(text, start, end);
    if (colon < 0) return;
    let nameEnd = colon;
    while (nameEnd > start && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--;
    const field = find(text, start, nameEnd);
    if (field === undefined || (!this.#isMessage && field.place < envelopeKeys.length)) return;
    this.#current = field;
    this.#text = '';
    this.#append(text, colon + 1, end);
  }

  #append(text: string, start: number, end: number): void {
    const room = fieldLimit - this.#text.length;
    if (room > 0) this.#text += text.slice(start, Math.min(end, start + room));
  }

  #commit(): void {
    const { place } = this.#current!;
    this.#current = undefined;
    let value = trimBlanks(this.#text);
    if (value.includes('\r')) value = trimBlanks(value.replaceAll('\r', ' '));
    const before = this.#values[place];
    if (place >= envelopeKeys.length || before === undefined || before === '')
      this.#values[place] = this.#afford(value);
    else if (value !== '' && before.length + value.length < fieldLimit)
      this.#values[place] = `${before},${this.#afford(value)}`;
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
      part.envelope = this.#envelope();
      const version = this.#mime('mime-version');
      if (version !== '1.0' && !/^1\s*\.\s*\d/.test(parseToken(version))) return;
    }
    this.#applyMime(part);
  }

  #envelope(): EnvelopeFields {
    const fields: EnvelopeFields = {};
    for (let place = 0; place < envelopeKeys.length; place++) {
      const value = this.#values[place];
      if (value !== undefined) fields[envelopeKeys[place]!] = value;
    }
    return fields;
  }

  #mime(name: MimeName): string {
    return this.#values[mimePlaces[name]] ?? '';
  }

  #applyMime(part: Part): void {
    const type = parseContentType(this.#mime('content-type'));
    if (type !== undefined) {
      const inherited = part.parameters;
      part.type = type.type;
      part.subtype = type.subtype;
      part.parameters = type.parameters;
      if (type.type === 'text' && !type.parameters.some(([name]) => name === 'charset')) {
        part.parameters = [...type.parameters, ...inherited];
      }
    }
    const encoding = parseToken(this.#mime('content-transfer-encoding'));
    if (encoding !== '') part.encoding = encoding;
    const disposition = parseDisposition(this.#mime('content-disposition'));
    if (disposition !== undefined) part.disposition = disposition;
    const languages = parseLanguages(this.#mime('content-language'));
    if (languages.length > 0) part.languages = languages;
    const id = this.#mime('content-id');
    if (id !== '') part.id = id;
    const description = this.#mime('content-description');
    if (description !== '') part.description = description;
    const md5 = this.#mime('content-md5');
    if (md5 !== '') part.md5 = md5;
    const location = this.#mime('content-location');
    if (location !== '') part.location = location;
  }
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function colonOf(text: string, start: number, end: number): number {
  const limit = Math.min(end, start + longestName + 8);
  for (let at = start; at < limit; at++) if (text.charCodeAt(at) === 58) return at > start ? at : -1;
  return -1;
}
