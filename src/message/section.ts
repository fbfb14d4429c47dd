/** Which octets of a message a FETCH section means: RFC 9051 §6.4.5.1, imap-server §9. */

import { toWire } from './line-ends.ts';
import { asBuffer, asciiLower } from './octet-text.ts';
import { isMessageType, type MessageStructure, type Part } from './part.ts';

/** `BODY[1.2.HEADER]` is `{ part: [1, 2], what: 'header', fields: [] }`; `part: []` is the whole message. */
export interface Section {
  readonly part: readonly number[];
  readonly what: 'all' | 'header' | 'text' | 'mime' | 'fields' | 'fieldsNot';
  /** Names for `fields` and `fieldsNot`, any case. */
  readonly fields: readonly string[];
}

/** Which lines of a header a section takes. `mime`: MIME-Version and Content-*. */
export type FieldSelection =
  | { readonly kind: 'named' | 'notNamed'; readonly fields: readonly string[] }
  | { readonly kind: 'mime' };

/** A range of the file; with `select`, the header which `selectFields` cuts the answer from. */
export interface SectionRange {
  readonly start: number;
  readonly end: number;
  /** Octets of the range on the wire (before a selection). */
  readonly wireOctets: number;
  /** LFs of the file before `start` that no CR precedes. */
  readonly bareLfBefore: number;
  readonly select?: FieldSelection;
}

/**
 * Finds a section. MIME, and HEADER and TEXT of a part that is no message, are of the part itself.
 * @returns undefined if the message has no such part
 */
export function locateSection(structure: MessageStructure, section: Section): SectionRange | undefined {
  const isWhole = section.part.length === 0;
  if (isWhole && section.what === 'all') {
    const { sizeOctets, wireOctets } = structure;
    return { start: 0, end: sizeOctets, wireOctets, bareLfBefore: 0 };
  }
  const part = findPart(structure, section.part);
  if (part === undefined) return undefined;
  if (section.what === 'all') return bodyRange(part);
  if (section.what === 'mime') return { ...headerRange(part), select: { kind: 'mime' } };
  const message = isWhole ? part : (embeddedMessage(part) ?? part);
  if (section.what === 'text') return bodyRange(message);
  if (section.what === 'header') return headerRange(message);
  const kind = section.what === 'fields' ? 'named' : 'notNamed';
  return { ...headerRange(message), select: { kind, fields: section.fields } };
}

/**
 * The part that a section's numbers name; `[]` is the root. A part that has no parts is its own part 1 (so that
 * 1, and as in Courier 1.1, is the body of a message without structure).
 */
export function findPart(structure: MessageStructure, numbers: readonly number[]): Part | undefined {
  let part = structure.root;
  let isNamed = false;
  for (const number of numbers) {
    const container = isNamed ? (embeddedMessage(part) ?? part) : part;
    const isOwnPart = container.type !== 'multipart' || container.parts.length === 0;
    const found = isOwnPart ? (number === 1 ? container : undefined) : container.parts[number - 1];
    if (found === undefined) return undefined;
    part = found;
    isNamed = true;
  }
  return part;
}

function embeddedMessage(part: Part): Part | undefined {
  return isMessageType(part) ? part.parts[0] : undefined;
}

function headerRange(part: Part): SectionRange {
  return {
    start: part.headerStart,
    end: part.bodyStart,
    wireOctets: part.bodyStart - part.headerStart + part.headerBareLf,
    bareLfBefore: part.bareLfBefore,
  };
}

function bodyRange(part: Part): SectionRange {
  return {
    start: part.bodyStart,
    end: part.end,
    wireOctets: part.end - part.bodyStart + part.bodyBareLf,
    bareLfBefore: part.bareLfBefore + part.headerBareLf,
  };
}

const crlf = Buffer.from('\r\n');

/**
 * Cuts fields out of a header (octets of the file), with their continuation lines; lines without a colon only where
 * names are excluded. In wire form, with the empty line at the end.
 */
export function selectFields(header: Uint8Array, select: FieldSelection): Buffer {
  const buffer = asBuffer(header);
  const keeps = selector(select);
  const kept: Buffer[] = [];
  let keptFrom = -1;
  let at = 0;
  while (at < buffer.length) {
    const lf = buffer.indexOf(10, at);
    const end = lf < 0 ? buffer.length : lf + 1;
    if (lf === at || (lf === at + 1 && buffer[at] === 13)) break;
    if (buffer[at] !== 32 && buffer[at] !== 9) {
      const isKept = keeps(buffer, at, nameEnd(buffer, at, end));
      if (isKept && keptFrom < 0) keptFrom = at;
      if (!isKept && keptFrom >= 0) {
        kept.push(buffer.subarray(keptFrom, at));
        keptFrom = -1;
      }
    }
    at = end;
  }
  if (keptFrom >= 0) {
    kept.push(buffer.subarray(keptFrom, at));
    if (buffer[at - 1] !== 10) kept.push(crlf);
  }
  kept.push(crlf);
  return toWire(Buffer.concat(kept));
}

/** @returns the end of the name, blanks before the colon left out; -1 for a line without a colon */
function nameEnd(buffer: Buffer, start: number, end: number): number {
  let colon = start;
  while (colon < end && buffer[colon] !== 58) colon++;
  if (colon === end) return -1;
  while (colon > start && (buffer[colon - 1] === 32 || buffer[colon - 1] === 9)) colon--;
  return colon;
}

type Keeps = (buffer: Buffer, start: number, end: number) => boolean;

function selector(select: FieldSelection): Keeps {
  const nameOf = (buffer: Buffer, start: number, end: number) =>
    asciiLower(buffer.toString('latin1', start, end));
  if (select.kind === 'mime') {
    return (buffer, start, end) => {
      if (end < start || ![0x63, 0x6d].includes(buffer[start]! | 32)) return false;
      const name = nameOf(buffer, start, end);
      return name === 'mime-version' || name.startsWith('content-');
    };
  }
  const names = new Set(select.fields.map(asciiLower));
  // The length and the first letter tell most names apart without making a string.
  const hints = new Set([...names].map((name) => name.length * 256 + (name.charCodeAt(0) | 32)));
  const isNamed: Keeps = (buffer, start, end) =>
    end >= start &&
    hints.has((end - start) * 256 + (buffer[start]! | 32)) &&
    names.has(nameOf(buffer, start, end));
  return select.kind === 'named' ? isNamed : (buffer, start, end) => !isNamed(buffer, start, end);
}
