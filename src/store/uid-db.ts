/** The format of `courierimapuiddb` (maildir-store §4.1, §4.2). */

import { BaseNames } from './base-names.ts';

export interface UidDbHeader {
  readonly uidValidity: number;
  readonly uidNext: number;
}

/** The first line, its line end included. */
export function formatUidDbHeader({ uidValidity, uidNext }: UidDbHeader): string {
  return `1 ${uidValidity} ${uidNext}\n`;
}

const maximum = 0xffff_ffff;
const lineFeed = 10;
const space = 32;

/** What counts beside a database. */
export interface NewerLines {
  readonly lines: Buffer;
  /** A line of the database with the name of one of these does not count. */
  readonly outdoes: boolean;
  /** In place of the header's. */
  readonly uidNext: number;
}

/**
 * Reads a database line by line, without a string per line.
 * `while (db.next()) use(db.uid, db.start, db.end)`: the base name is `octets[start, end)`.
 */
export class UidDbReader {
  /** Undefined if there is no valid header: the database does not count. */
  readonly header: UidDbHeader | undefined;
  /** Octets of the first line, its line end included. */
  readonly headerLength: number;
  readonly octets: Buffer;
  /** The database ends with a whole line. */
  readonly isWhole: boolean;
  /** Lines that are not in the database yet. */
  readonly hasNewer: boolean;
  /** Lines of a journal alone, or those added to the database since it was read, if not all. */
  extent: 'all' | 'journal' | 'added' = 'all';
  /** Usable lines so far. */
  lines = 0;
  /** Names that lines from `#overridesAt` on have, so that lines before them do not count. */
  readonly #overrides: BaseNames | undefined;
  readonly #overridesAt: number;
  uid = 0;
  start = 0;
  end = 0;
  #at: number;

  constructor(database: Buffer, newer?: NewerLines) {
    const octets = newer === undefined ? database : Buffer.concat([database, newer.lines]);
    this.octets = octets;
    this.isWhole = database.at(-1) === lineFeed;
    this.#overridesAt = database.length;
    this.#overrides = newer?.outdoes ? namesOf(newer.lines) : undefined;
    const lineEnd = octets.indexOf(lineFeed);
    const header =
      lineEnd < 0 ? undefined : parseHeader(octets.toString('latin1', 0, Math.min(lineEnd, 200)));
    this.header = header && newer ? { ...header, uidNext: newer.uidNext } : header;
    this.hasNewer = newer !== undefined && newer.lines.length > 0;
    this.headerLength = lineEnd + 1;
    this.#at = this.header ? lineEnd + 1 : octets.length;
  }

  /** The base name of the present line. */
  get name(): string {
    return this.octets.toString('latin1', this.start, this.end);
  }

  /** Goes to the next usable line; lines without a UID or a name, and one without its line end, are passed over. */
  next(): boolean {
    const octets = this.octets;
    let at = this.#at;
    while (at < octets.length) {
      const lineStart = at;
      let uid = 0;
      while (octets[at]! >= 48 && octets[at]! <= 57) uid = uid * 10 + octets[at++]! - 48;
      const digits = at - lineStart;
      while (at < octets.length && octets[at] !== space && octets[at] !== lineFeed) at++;
      const start = at + 1;
      const hasSpace = octets[at] === space;
      while (at < octets.length && octets[at] !== lineFeed) at++;
      if (at >= octets.length) break;
      const end = at++;
      if (digits === 0 || !hasSpace || end <= start || uid < 1 || uid > maximum) continue;
      if (this.#isOutdone(lineStart, start, end)) continue;
      this.#at = at;
      this.lines++;
      this.uid = uid;
      this.start = start;
      this.end = end;
      return true;
    }
    this.#at = octets.length;
    return false;
  }

  /** Reads lines alone. */
  static ofLines(header: UidDbHeader, lines: Buffer): UidDbReader {
    const first = Buffer.from(formatUidDbHeader(header), 'latin1');
    const reader = new UidDbReader(Buffer.concat([first, lines]));
    reader.extent = 'journal';
    return reader;
  }

  #isOutdone(lineStart: number, start: number, end: number): boolean {
    if (!this.#overrides || lineStart >= this.#overridesAt) return false;
    return this.#overrides.findOctets(this.octets, start, end) !== 0;
  }
}

/** The names of lines, to look them up. */
function namesOf(lines: Buffer): BaseNames {
  const names = new BaseNames();
  const reader = UidDbReader.ofLines({ uidValidity: 1, uidNext: 1 }, lines);
  while (reader.next())
    if (
      reader.end - reader.start <= BaseNames.maxLength &&
      names.findOctets(reader.octets, reader.start, reader.end) === 0
    )
      names.addOctets(reader.uid, reader.octets, reader.start, reader.end);
  return names;
}

function parseHeader(line: string): UidDbHeader | undefined {
  const numbers = /^\s*(\d+)\s+(\d+)\s+(\d+)/.exec(line);
  if (!numbers) return undefined;
  const [version, uidValidity, uidNext] = numbers.slice(1).map(Number) as [number, number, number];
  if (version !== 1 || uidValidity < 1 || uidValidity > maximum) return undefined;
  if (uidNext > maximum + 1) return undefined;
  return { uidValidity, uidNext: Math.max(1, uidNext) };
}

/** Collects the lines of a database into blocks. */
export class UidDbWriter {
  readonly #emit: (block: Buffer) => void;
  #block = Buffer.allocUnsafe(65536);
  #used = 0;

  /** @param emit  takes each block; its memory is used again afterwards */
  constructor(header: UidDbHeader, emit: (block: Buffer) => void) {
    this.#emit = emit;
    this.#used = this.#block.write(formatUidDbHeader(header), 0, 'latin1');
  }

  /** Adds a line whose base name is `names[start, end)`. */
  add(uid: number, names: Uint8Array, start: number, end: number): void {
    if (this.#used + 16 + end - start > this.#block.length) this.flush();
    const block = this.#block;
    let at = this.#used;
    let divisor = 1;
    while (uid >= divisor * 10) divisor *= 10;
    for (let rest = uid; divisor >= 1; divisor /= 10) {
      const digit = Math.floor(rest / divisor);
      block[at++] = 48 + digit;
      rest -= digit * divisor;
    }
    block[at++] = space;
    for (let i = start; i < end; i++) block[at++] = names[i]!;
    block[at++] = lineFeed;
    this.#used = at;
  }

  addName(uid: number, base: string): void {
    const octets = Buffer.from(base, 'latin1');
    this.add(uid, octets, 0, octets.length);
  }

  flush(): void {
    if (this.#used === 0) return;
    this.#emit(this.#block.subarray(0, this.#used));
    this.#used = 0;
  }
}
