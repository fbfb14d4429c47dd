import type { MessageStructure, Part } from './structure.ts';

/** A section of FETCH: `BODY[1.2.HEADER]` is `{ part: [1, 2], what: 'header', fields: [] }`; `part: []` is the whole message. */
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

/** @returns undefined if the message has no such part */
export function locateSection(structure: MessageStructure, section: Section): SectionRange | undefined {
  throw new Error(`not built yet ${structure.sizeOctets} ${section.what}`);
}

/** @returns the part a section number names (`[1, 2]`; `[]` is the root), or undefined */
export function findPart(structure: MessageStructure, numbers: readonly number[]): Part | undefined {
  throw new Error(`not built yet ${structure.sizeOctets} ${numbers.length}`);
}

/** Cuts fields out of a header (file octets); in wire form, with the empty line at the end. RFC 9051 §6.4.5.1. */
export function selectFields(header: Uint8Array, select: FieldSelection): Buffer {
  throw new Error(`not built yet ${header.length} ${select.kind}`);
}
