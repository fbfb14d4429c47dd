import { lowerBound } from '../base/sorted.ts';
import { BaseNames, type SavedNames } from './base-names.ts';
import { canonicalInfo, parseFlags } from './flags.ts';

/** What a row is made of. */
export interface Row {
  readonly uid: number;
  /** The full file name; its base name must not be there yet. */
  readonly name: string;
  readonly baseLength: number;
  readonly mtimeSeconds: number;
  readonly keywordSet: number;
}

/** All columns, for a file; those read from one may have room behind the `count` rows. */
export interface SavedColumns {
  readonly count: number;
  readonly uids: Uint32Array;
  readonly flags: Uint8Array;
  readonly keywordSet: Uint32Array;
  readonly modseqs: Float64Array;
  readonly mtimes: Uint32Array;
  readonly nameAt: Uint32Array;
  readonly info: Uint32Array | undefined;
  readonly infos: readonly string[];
  readonly places: readonly (Uint32Array | undefined)[];
  readonly names: SavedNames;
}

/**
 * The rows of a folder in columns sorted by UID, valid for [0, count). Columns are never changed in place where
 * a row moves: additions write behind `count` or into larger arrays, removals make new arrays; who holds the
 * old ones keeps a consistent picture.
 */
export class Columns {
  count = 0;
  uids: Uint32Array;
  flags: Uint8Array;
  keywordSet: Uint32Array;
  modseqs: Float64Array;
  /** File times in seconds since 1970; 0 is unknown. */
  mtimes: Uint32Array;
  nameAt: Uint32Array;
  names: BaseNames;
  /** By kind of `computed.ts`: where the message cache has it, 0 is nowhere. Each made when needed. */
  readonly places: (Uint32Array | undefined)[] = [];
  /** While a scan runs: 0 not seen yet, 1 seen, 2 changed by ourselves meanwhile. */
  seen: Uint8Array | undefined;
  /** Index into `infos` of a suffix that is not what we would write for the flags; 0: it is. Made when needed. */
  #info: Uint32Array | undefined;
  #infos: string[] = [''];
  #infoIds = new Map<string, number>();

  constructor(expectedRows = 0, expectedNameOctets = 0) {
    const capacity = Math.max(16, expectedRows);
    this.uids = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.keywordSet = new Uint32Array(capacity);
    this.modseqs = new Float64Array(capacity);
    this.mtimes = new Uint32Array(capacity);
    this.nameAt = new Uint32Array(capacity);
    this.names = new BaseNames(expectedRows, expectedNameOctets);
  }

  /** Everything, for a file; the arrays are parts of the columns themselves. */
  save(): SavedColumns {
    const { count } = this;
    return {
      count,
      uids: this.uids.subarray(0, count),
      flags: this.flags.subarray(0, count),
      keywordSet: this.keywordSet.subarray(0, count),
      modseqs: this.modseqs.subarray(0, count),
      mtimes: this.mtimes.subarray(0, count),
      nameAt: this.nameAt.subarray(0, count),
      info: this.#info?.subarray(0, count),
      infos: this.#infos,
      places: this.places.map((column) => column?.subarray(0, count)),
      names: this.names.save(),
    };
  }

  /** Takes what `save` gave; the arrays are used and changed. */
  static restore(saved: SavedColumns): Columns {
    const columns = new Columns();
    columns.count = saved.count;
    columns.uids = saved.uids;
    columns.flags = saved.flags;
    columns.keywordSet = saved.keywordSet;
    columns.modseqs = saved.modseqs;
    columns.mtimes = saved.mtimes;
    columns.nameAt = saved.nameAt;
    columns.names = BaseNames.restore(saved.names);
    columns.#info = saved.info;
    columns.#infos = [...saved.infos];
    columns.#infoIds = new Map(columns.#infos.map((info, id) => [info, id]));
    for (const [kind, column] of saved.places.entries()) if (column) columns.places[kind] = column;
    return columns;
  }

  /** Whether a row has flags and suffix of another folder state's row. */
  hasInfoOf(row: number, other: Columns, otherRow: number): boolean {
    if (this.flags[row] !== other.flags[otherRow]) return false;
    const isPlain = (this.#info?.[row] ?? 0) === 0 && (other.#info?.[otherRow] ?? 0) === 0;
    return isPlain || this.info(row) === other.info(otherRow);
  }

  /** Whether a row is of the message of another folder state's row. */
  hasNameOf(row: number, other: Columns, otherRow: number): boolean {
    const [at, otherAt] = [this.nameAt[row]! + 4, other.nameAt[otherRow]! + 4];
    const [block, otherBlock] = [this.names.block, other.names.block];
    const length = block[at]!;
    return block.compare(otherBlock, otherAt, otherAt + 1 + length, at, at + 1 + length) === 0;
  }

  rowOf(uid: number): number {
    const row = lowerBound(this.uids, this.count, uid);
    return row < this.count && this.uids[row] === uid ? row : -1;
  }

  /** The row of a file name, whatever its info; -1 if none. */
  rowOfName(name: string, baseLength: number): number {
    const uid = this.names.find(name, baseLength);
    return uid === 0 ? -1 : this.rowOf(uid);
  }

  baseName(row: number): string {
    return this.names.nameAt(this.nameAt[row]!);
  }

  info(row: number): string {
    const id = this.#info?.[row] ?? 0;
    return id === 0 ? canonicalInfo(this.flags[row]!) : this.#infos[id]!;
  }

  fileName(row: number): string {
    return this.baseName(row) + this.info(row);
  }

  /** Takes over the suffix of a file name; whether it was another. */
  setInfo(row: number, info: string): boolean {
    const bits = parseFlags(info);
    const isPlain = info === canonicalInfo(bits);
    if (isPlain && bits === this.flags[row] && (this.#info?.[row] ?? 0) === 0) return false;
    if (!isPlain && this.info(row) === info) return false;
    this.flags[row] = bits;
    if (!isPlain) {
      this.#info ??= new Uint32Array(this.uids.length);
      this.#info[row] = this.#infoId(info);
    } else if (this.#info) this.#info[row] = 0;
    return true;
  }

  #infoId(info: string): number {
    let id = this.#infoIds.get(info);
    if (id === undefined) {
      id = this.#infos.push(info) - 1;
      this.#infoIds.set(info, id);
    }
    return id;
  }

  /** Adds a row behind the last. */
  add(row: Row, modseq: number): void {
    const at = this.names.add(row.uid, row.name, row.baseLength);
    const index = this.#addAt(row.uid, at, modseq);
    this.setInfo(index, row.name.slice(row.baseLength));
    this.keywordSet[index] = row.keywordSet;
    this.mtimes[index] = row.mtimeSeconds;
    this.count = index + 1;
  }

  /** Adds a row whose base name is `octets[start, end)` and whose info is not known yet. */
  addOctets(uid: number, octets: Uint8Array, start: number, end: number, modseq: number): void {
    this.count = this.#addAt(uid, this.names.addOctets(uid, octets, start, end), modseq) + 1;
  }

  #addAt(uid: number, nameAt: number, modseq: number): number {
    const row = this.count;
    if (row === this.uids.length) this.#resize(row + (row >> 3) + 16);
    this.uids[row] = uid;
    this.flags[row] = 0;
    this.keywordSet[row] = 0;
    this.modseqs[row] = modseq;
    this.mtimes[row] = 0;
    this.nameAt[row] = nameAt;
    if (this.#info) this.#info[row] = 0;
    for (const column of this.places) if (column) column[row] = 0;
    if (this.seen) this.seen[row] = 2;
    return row;
  }

  /** Where the message cache keeps something of each row. */
  placesOf(kind: number): Uint32Array {
    this.places[kind] ??= new Uint32Array(this.uids.length);
    return this.places[kind];
  }

  /** Starts to mark the rows a scan meets. */
  startMarking(): Uint8Array {
    this.seen = new Uint8Array(this.uids.length);
    return this.seen;
  }

  /** Removes rows, given ascending. */
  remove(rows: ArrayLike<number>): void {
    if (rows.length === 0) return;
    for (let i = 0; i < rows.length; i++) this.names.remove(this.nameAt[rows[i]!]!);
    const left = this.count - rows.length;
    this.uids = without(this.uids, new Uint32Array(roomy(left)), rows, this.count);
    this.flags = without(this.flags, new Uint8Array(roomy(left)), rows, this.count);
    this.keywordSet = without(this.keywordSet, new Uint32Array(roomy(left)), rows, this.count);
    this.modseqs = without(this.modseqs, new Float64Array(roomy(left)), rows, this.count);
    this.mtimes = without(this.mtimes, new Uint32Array(roomy(left)), rows, this.count);
    this.nameAt = without(this.nameAt, new Uint32Array(roomy(left)), rows, this.count);
    if (this.#info) this.#info = without(this.#info, new Uint32Array(roomy(left)), rows, this.count);
    if (this.seen) this.seen = without(this.seen, new Uint8Array(roomy(left)), rows, this.count);
    for (const [kind, column] of this.places.entries())
      if (column) this.places[kind] = without(column, new Uint32Array(roomy(left)), rows, this.count);
    this.count = left;
    if (this.names.isWasteful) this.#compactNames();
  }

  #compactNames(): void {
    const old = this.names.block;
    let octets = 0;
    for (let row = 0; row < this.count; row++) octets += old[this.nameAt[row]! + 4]! + 5;
    const names = new BaseNames(this.count, octets + 1024);
    const nameAt = new Uint32Array(this.uids.length);
    for (let row = 0; row < this.count; row++) nameAt[row] = names.addRecord(old, this.nameAt[row]!);
    this.names = names;
    this.nameAt = nameAt;
  }

  #resize(capacity: number): void {
    this.uids = larger(this.uids, new Uint32Array(capacity));
    this.flags = larger(this.flags, new Uint8Array(capacity));
    this.keywordSet = larger(this.keywordSet, new Uint32Array(capacity));
    this.modseqs = larger(this.modseqs, new Float64Array(capacity));
    this.mtimes = larger(this.mtimes, new Uint32Array(capacity));
    this.nameAt = larger(this.nameAt, new Uint32Array(capacity));
    if (this.#info) this.#info = larger(this.#info, new Uint32Array(capacity));
    if (this.seen) this.seen = larger(this.seen, new Uint8Array(capacity));
    for (const [kind, column] of this.places.entries())
      if (column) this.places[kind] = larger(column, new Uint32Array(capacity));
  }

  /** Octets held, for tests and measurements. */
  get octets(): number {
    const perRow = 4 + 1 + 4 + 8 + 4 + 4 + (this.#info ? 4 : 0) + 4 * this.places.filter(Boolean).length;
    return this.uids.length * perRow + this.names.octets;
  }
}

type Column = Uint32Array | Uint8Array | Float64Array;

function roomy(rows: number): number {
  return rows + (rows >> 4) + 16;
}

function larger<T extends Column>(column: T, into: T): T {
  into.set(column);
  return into;
}

/** Copies a column without some rows. */
function without<T extends Column>(column: T, into: T, rows: ArrayLike<number>, count: number): T {
  let from = 0;
  let to = 0;
  for (let i = 0; i <= rows.length; i++) {
    const end = i < rows.length ? rows[i]! : count;
    if (end > from) into.set(column.subarray(from, end), to);
    to += end - from;
    from = end + 1;
  }
  return into;
}
