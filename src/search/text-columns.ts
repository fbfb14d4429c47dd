/**
 * What a text index is made of: columns of bits. A column stands for about as much text as has a thousand different
 * groups of three characters; each group sets the bit of one of `rowCount` rows. Small messages share a column, a
 * large one has many, the end of each repeated at the beginning of the next. A text can only be where the rows of all
 * its groups have the bit of one column: looking it up takes one row for each group, of all messages at once.
 */
import { foldCase, squeeze } from './needle.ts';

export const rowCount = 4096;
/** Columns of a whole segment, which is a megabyte. */
export const maxColumns = 2048;
/** Messages of a segment. */
const maxMessages = 16_384;
/** A quarter of the bits: three groups that are somewhere in the text by chance are one in 64. */
const fullBits = 1024;
/** A message that would begin behind so many begins a column of its own. */
const sharedBits = 768;
/** Characters that columns of one text have in common, and the most that is looked up of a text. */
const overlap = 64;

/** The row of three UTF-16 code units. */
function rowOf(a: number, b: number, c: number): number {
  const mixed = Math.imul(a, 0x9e37_79b1) ^ Math.imul(b, 0x85eb_ca6b) ^ Math.imul(c, 0xc2b2_ae35);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) >>> 20;
}

/**
 * The rows to look a text up in.
 * @param folded  as `Needle.folded` has it
 * @returns empty for a text too short to be looked up
 */
export function rowsOfText(folded: string): number[] {
  const rows = new Set<number>();
  const end = Math.min(overlap, folded.length) - 2;
  for (let i = 0; i < end; i++) {
    rows.add(rowOf(folded.charCodeAt(i), folded.charCodeAt(i + 1), folded.charCodeAt(i + 2)));
  }
  return [...rows];
}

/** A finished segment: bit `column & 7` of octet `row * stride + (column >> 3)`. */
export interface TextSegment {
  /** Ascending. */
  readonly uids: Uint32Array;
  /** The columns of each message. */
  readonly first: Uint16Array;
  readonly last: Uint16Array;
  readonly stride: number;
  readonly bits: Uint8Array;
}

/** Fills one segment with messages in the order of their UIDs. */
export class TextColumns {
  #uids: number[] = [];
  #firstColumns: number[] = [];
  #lastColumns: number[] = [];
  readonly #bits = new Uint8Array((rowCount * maxColumns) / 8);
  #column = 0;
  /** Rows of the current column. */
  readonly #isSet = new Uint8Array(rowCount);
  readonly #rows = new Uint16Array(rowCount);
  #rowsSet = 0;
  #messageColumn = 0;
  /** The last characters of the current text, and the last two of them; -1: there is none. */
  #tail = '';
  #beforeLast = -1;
  #last = -1;

  get messages(): number {
    return this.#uids.length;
  }

  /** True when another message should go into a new segment: a message that does not fit is not indexed. */
  get isFull(): boolean {
    return this.#column >= maxColumns - maxColumns / 8 || this.#uids.length >= maxMessages;
  }

  beginMessage(): void {
    if (this.#rowsSet >= sharedBits) this.#nextColumn();
    this.#messageColumn = this.#column;
  }

  /** What is added from here on does not continue what was added before. */
  beginText(): void {
    this.#tail = '';
    this.#beforeLast = -1;
    this.#last = -1;
  }

  /** Adds a piece of the current text, as it is. */
  add(piece: string): void {
    let text = squeeze(foldCase(piece));
    // White space at the end of the piece before goes on here.
    if (this.#last === 32 && text.startsWith(' ')) text = text.slice(1);
    let begin = 0;
    while (begin < text.length) {
      begin = this.#addFrom(text, begin);
      if (this.#rowsSet < fullBits) break;
      const end = (this.#tail + text.slice(Math.max(0, begin - overlap), begin)).slice(-overlap);
      this.#nextColumn();
      this.beginText();
      this.#addFrom(end, 0);
    }
    this.#tail = (this.#tail + text.slice(-overlap)).slice(-overlap);
  }

  /** @returns where it stopped: at the end, or where the column is full */
  #addFrom(text: string, begin: number): number {
    let a = this.#beforeLast;
    let b = this.#last;
    let at = begin;
    for (; at < text.length && this.#rowsSet < fullBits; at++) {
      const c = text.charCodeAt(at);
      if (a >= 0) {
        const row = rowOf(a, b, c);
        if (this.#isSet[row] === 0) {
          this.#isSet[row] = 1;
          this.#rows[this.#rowsSet++] = row;
        }
      }
      a = b;
      b = c;
    }
    this.#beforeLast = a;
    this.#last = b;
    return at;
  }

  /** @returns false if the segment had no room for all of it: then it is not in the segment */
  endMessage(uid: number): boolean {
    if (this.#column >= maxColumns) return false;
    this.#uids.push(uid);
    this.#firstColumns.push(this.#messageColumn);
    this.#lastColumns.push(this.#column);
    return true;
  }

  #nextColumn(): void {
    const octet = this.#column >> 3;
    const bit = 1 << (this.#column & 7);
    const isInside = this.#column < maxColumns;
    for (let i = 0; i < this.#rowsSet; i++) {
      const row = this.#rows[i]!;
      this.#isSet[row] = 0;
      if (isInside) this.#bits[row * (maxColumns / 8) + octet]! |= bit;
    }
    this.#rowsSet = 0;
    this.#column++;
  }

  /** The segment so far; afterwards this is empty and can be used again. */
  finish(): TextSegment {
    if (this.#rowsSet > 0 || this.#column === 0) this.#nextColumn();
    const stride = Math.min(maxColumns, this.#column + 7) >> 3;
    const bits = new Uint8Array(rowCount * stride);
    for (let row = 0; row < rowCount; row++) {
      const from = (row * maxColumns) / 8;
      bits.set(this.#bits.subarray(from, from + stride), row * stride);
    }
    const segment = {
      uids: Uint32Array.from(this.#uids),
      first: Uint16Array.from(this.#firstColumns),
      last: Uint16Array.from(this.#lastColumns),
      stride,
      bits,
    };
    this.#bits.fill(0);
    this.#column = 0;
    this.#uids = [];
    this.#firstColumns = [];
    this.#lastColumns = [];
    this.beginText();
    return segment;
  }
}

/** Puts one segment behind another; undefined if both are more than one can hold. */
export function joinSegments(a: TextSegment, b: TextSegment): TextSegment | undefined {
  const stride = a.stride + b.stride;
  const messages = a.uids.length + b.uids.length;
  if (stride * 8 > maxColumns || messages > maxMessages) return undefined;
  const bits = new Uint8Array(rowCount * stride);
  for (let row = 0; row < rowCount; row++) {
    bits.set(a.bits.subarray(row * a.stride, (row + 1) * a.stride), row * stride);
    bits.set(b.bits.subarray(row * b.stride, (row + 1) * b.stride), row * stride + a.stride);
  }
  const shift = a.stride * 8;
  return {
    uids: joined(new Uint32Array(messages), a.uids, b.uids, 0),
    first: joined(new Uint16Array(messages), a.first, b.first, shift),
    last: joined(new Uint16Array(messages), a.last, b.last, shift),
    stride,
    bits,
  };
}

function joined<T extends Uint16Array | Uint32Array>(into: T, a: T, b: T, shift: number): T {
  into.set(a);
  into.set(shift === 0 ? b : b.map((value) => value + shift), a.length);
  return into;
}
