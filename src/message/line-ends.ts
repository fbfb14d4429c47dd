import type { SectionRange } from './section.ts';
import type { MessageStructure } from './structure.ts';

/** Bare LF -> CRLF; CRLF and bare CR stay. `afterCr`: the octet before these was a CR. */
export function toWire(octets: Uint8Array, afterCr = false): Buffer {
  throw new Error(`not built yet ${octets.length} ${afterCr}`);
}

/** Octets that `toWire` makes. */
export function wireLength(octets: Uint8Array, afterCr = false): number {
  throw new Error(`not built yet ${octets.length} ${afterCr}`);
}

/** Reads file octets at a position into the whole of `into`; returns how many there were (fewer only at the end). */
export type ReadAt = (into: Uint8Array, position: number) => number;

/**
 * The wire octets of a range, or of a partial of it, in pieces of at most about 128 KiB. Any offset costs the reading of at most 64 KiB
 * before it. Each piece is the caller's to keep.
 * @param partial  offset and count in wire octets; past the end is empty
 */
export function* wirePieces(
  read: ReadAt,
  structure: MessageStructure,
  range: SectionRange,
  partial?: { readonly offset: number; readonly count: number },
): Generator<Buffer> {
  yield Buffer.from(`not built yet ${read.length} ${structure.sizeOctets} ${range.start} ${partial?.offset}`);
}
