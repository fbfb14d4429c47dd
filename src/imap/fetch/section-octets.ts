/**
 * The octets FETCH sends of a section. A small message is converted in one piece; of a large one each piece is
 * read, converted and sent by itself, so that memory stays constant and other sessions get their turn.
 */
import { createTransferDecoder } from '../../message/binary.ts';
import { type ReadAt, toWire, wirePieces } from '../../message/line-ends.ts';
import {
  findPart,
  locateSection,
  type Section,
  type SectionRange,
  selectFields,
} from '../../message/section.ts';
import type { MessageStructure } from '../../message/structure.ts';
import type { OpenMessage } from '../../store/open-message.ts';
import { nextTurn } from '../../store/slices.ts';
import type { Partial } from '../parser/fetch-items.ts';

/** Files up to this are read and converted at once. */
export const wholeUpTo = 262_144;

/** Octets with their number known in advance. */
export interface Sized {
  readonly size: number;
  /** What the log line counts: line ends as in the file, or in fields not at all; of a partial all its octets. */
  readonly counted: number;
  readonly pieces: Iterable<Buffer>;
}

const empty: Sized = { size: 0, counted: 0, pieces: [] };
const everything: Partial = { offset: 0, count: Number.POSITIVE_INFINITY };

/** BODY[] of a small message. */
export function wholeMessage(file: OpenMessage, partial: Partial | undefined): Sized {
  return cut(toWire(readWhole(file)), partial, file.sizeOctets);
}

let scratch: Buffer | undefined;

/** The file's octets, valid until the next call: what is sent is made of them at once. */
function readWhole(file: OpenMessage): Buffer {
  scratch ??= Buffer.allocUnsafeSlow(wholeUpTo);
  let end = 0;
  while (end < file.sizeOctets && end < wholeUpTo) {
    const octets = file.read(scratch.subarray(end), end);
    if (octets === 0) break;
    end += octets;
  }
  return scratch.subarray(0, end);
}

/** @returns nothing, of size 0, if there is no such part */
export function sectionOctets(
  file: OpenMessage,
  structure: MessageStructure,
  section: Section,
  partial: Partial | undefined,
): Sized {
  const range = locateSection(structure, section);
  if (range === undefined) return empty;
  if (range.select !== undefined) {
    const fields = selectFields(readRange(file, range.start, range.end), range.select);
    return cut(fields, partial, fields.length - 2 * linesIn(fields));
  }
  return wireRange(file, structure, range, partial);
}

/** Whether a section is made of the main header's fields alone. */
export function isOfFields({ part, what }: Section): boolean {
  return part.length === 0 && (what === 'fields' || what === 'fieldsNot');
}

/** The same of such a section. @param header  the main header, as in the file */
export function fieldOctets(header: Buffer, section: Section, partial: Partial | undefined): Sized {
  const kind = section.what === 'fields' ? 'named' : 'notNamed';
  const fields = selectFields(header, { kind, fields: section.fields });
  return cut(fields, partial, fields.length - 2 * linesIn(fields));
}

function wireRange(
  file: OpenMessage,
  structure: MessageStructure,
  range: SectionRange,
  partial: Partial | undefined,
): Sized {
  const { offset, count } = partial ?? everything;
  const size = Math.max(0, Math.min(count, range.wireOctets - offset));
  if (size === 0) return empty;
  const pieces = wirePieces(readerOf(file), structure, range, partial && { offset, count: size });
  return { size, counted: partial === undefined ? range.end - range.start : size, pieces };
}

function readerOf(file: OpenMessage): ReadAt {
  return (into, position) => file.read(into, position);
}

function readRange(file: OpenMessage, start: number, end: number): Buffer {
  const octets = Buffer.allocUnsafe(end - start);
  return octets.subarray(0, file.read(octets, start));
}

function linesIn(octets: Buffer): number {
  let lines = 0;
  for (let lf = octets.indexOf(10); lf >= 0; lf = octets.indexOf(10, lf + 1)) lines++;
  return lines;
}

function cut(octets: Buffer, partial: Partial | undefined, counted: number): Sized {
  if (partial === undefined) return { size: octets.length, counted, pieces: [octets] };
  const piece = octets.subarray(partial.offset, Math.min(octets.length, partial.offset + partial.count));
  return { size: piece.length, counted: Math.min(counted, piece.length), pieces: [piece] };
}

/** Makes the pieces of a part without its transfer encoding; may be called again. */
export type Decoded = () => Iterable<Buffer>;

/**
 * A part without its transfer encoding (RFC 3516 §4.2); what is not a leaf has none.
 * @returns undefined if the encoding is unknown
 */
export function decodedPart(
  file: OpenMessage,
  structure: MessageStructure,
  part: readonly number[],
): Decoded | undefined {
  const range = locateSection(structure, { part, what: 'all', fields: [] });
  const found = findPart(structure, part);
  if (range === undefined || found === undefined) return () => [];
  const isLeaf = part.length > 0 && found.type !== 'multipart' && found.type !== 'message';
  if (!isLeaf) return () => wirePieces(readerOf(file), structure, range);
  if (createTransferDecoder(found.encoding) === undefined) return undefined;
  return () => decodedPieces(file, structure, range, found.encoding);
}

export function countOctets(decoded: Decoded): number {
  let size = 0;
  for (const piece of decoded()) size += piece.length;
  return size;
}

/** As {@link countOctets}, letting others in between. */
export async function countLarge(decoded: Decoded): Promise<number> {
  let size = 0;
  for (const piece of decoded()) {
    size += piece.length;
    await nextTurn();
  }
  return size;
}

/** @param total  octets of the whole part */
export function decodedRange(decoded: Decoded, total: number, partial: Partial | undefined): Sized {
  if (partial === undefined) return { size: total, counted: total, pieces: decoded() };
  const size = Math.max(0, Math.min(partial.count, total - partial.offset));
  return { size, counted: size, pieces: between(decoded(), partial.offset, partial.offset + size) };
}

function* decodedPieces(
  file: OpenMessage,
  structure: MessageStructure,
  range: SectionRange,
  encoding: string,
): Generator<Buffer> {
  const decoder = createTransferDecoder(encoding)!;
  for (const piece of wirePieces(readerOf(file), structure, range)) yield decoder.write(piece);
  yield decoder.end();
}

function* between(pieces: Iterable<Buffer>, start: number, end: number): Generator<Buffer> {
  let position = 0;
  for (const piece of pieces) {
    const from = Math.max(start - position, 0);
    const to = Math.min(end - position, piece.length);
    if (from < to) yield piece.subarray(from, to);
    position += piece.length;
    if (position >= end) return;
  }
}
