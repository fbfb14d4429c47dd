/**
 * What was computed of a folder's messages. A record is in a block of memory first, and soon in the folder's cache
 * file, which all processes share; `Columns.places` says where. Where no file can be kept the blocks stay, within
 * the limit of the process, the oldest going first.
 */
import { CacheFile, headOctets, NewCacheFile } from './cache-file.ts';
import {
  headerOctets,
  isOwnedBy,
  isSound,
  maxContentOctets,
  recordLengthAt,
  recordOctets,
  writeRecord,
} from './cache-record.ts';
import type { ComputedKind } from './computed.ts';
import { errorCode } from './errno.ts';
import type { FolderState } from './folder-state.ts';
import { keptPath, keptTemporary } from './kept-files.ts';
import { nextTurn, Slice } from './slices.ts';

/** A place with this bit is in memory; the other bits are the offset, in eights. */
const memoryBit = 0x8000_0000;
/** Records waiting for the file: beyond so many octets they are written at once, else after so long. */
const batchOctets = 1 << 18;
const batchMs = 1000;
const firstBlockOctets = 1 << 14;
/** How often another process's records are looked for. */
const lookEveryMs = 100;
const scanOctets = (1 << 20) + (1 << 16);
const usualFileOctets = 256 << 20;
/** Fewer dead records are not worth a new file. */
const fewDead = 1000;

let memoryLimit = 64 << 20;
let memoryUsed = 0;
/** Those with something in memory, the longest unused first. */
const inMemory = new Set<MessageCache>();

/** Sets how much memory the caches of this process may take where they have no file. */
export function limitCacheMemory(octets: number): void {
  memoryLimit = octets;
  trimMemory();
}

function trimMemory(): void {
  for (const cache of inMemory) {
    while (memoryUsed > memoryLimit && cache.dropBlock());
    if (memoryUsed <= memoryLimit) return;
  }
}

interface Block {
  /** Offset of its first octet among all that was ever put into memory. */
  readonly start: number;
  readonly octets: Buffer;
  used: number;
}

/** Of the file, when the places of a saved index were true. */
export interface CachePosition {
  readonly id: string;
  /** All records before this offset have their places. */
  readonly scannedTo: number;
  readonly records: number;
  readonly dead: number;
}

/** One folder's; rows are those of its columns at the moment of the call. */
export class MessageCache {
  /** After `find`: the content is `octets[start, end)`, until the next `find` of any folder. */
  octets: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Where the record of that content begins. */
  #recordStart = 0;
  readonly #state: FolderState;
  #blocks: Block[] = [];
  #memoryEnd = 0;
  #keepsFile: boolean;
  #file: CacheFile | undefined;
  #position: CachePosition | undefined;
  #scannedTo = 0;
  #records = 0;
  #dead = 0;
  #isDamaged = false;
  #isFull = false;
  #nextLookMs = 0;
  #work: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(state: FolderState) {
    this.#state = state;
    const { keepsIndex, cacheFileOctets } = state.settings;
    this.#keepsFile = keepsIndex === true && cacheFileOctets !== 0;
  }

  /** Looks for something of a row's message, and remembers where it is. */
  find(row: number, kind: ComputedKind): boolean {
    const { columns } = this.#state;
    const place = columns.places[kind]?.[row] ?? 0;
    if (place === 0) return false;
    if (place >= memoryBit ? this.#findInMemory(place) : this.#findInFile(place)) {
      if (isOwnedBy(this.octets, this.start, this.#owner(row, kind))) {
        const at = this.start;
        this.#recordStart = at;
        this.start = at + headerOctets + this.octets[at + 7]!;
        this.end = this.start + this.octets.readUInt32LE(at + 8);
        return true;
      }
    }
    columns.places[kind]![row] = 0;
    this.#dead++;
    return false;
  }

  /** The same as octets, valid until the next call for any folder; undefined if it is not there. */
  get(row: number, kind: ComputedKind): Buffer | undefined {
    return this.find(row, kind) ? this.octets.subarray(this.start, this.end) : undefined;
  }

  has(row: number, kind: ComputedKind): boolean {
    return (this.#state.columns.places[kind]?.[row] ?? 0) !== 0;
  }

  /** Keeps something of a row's message; more than 1 MiB is passed over. */
  put(row: number, kind: ComputedKind, content: Uint8Array): void {
    if (content.length > maxContentOctets) return;
    const { columns } = this.#state;
    const owner = this.#owner(row, kind);
    const length = recordOctets(owner.nameLength, content.length);
    const block = this.#room(length);
    const place = (memoryBit | ((block.start + block.used) / 8)) >>> 0;
    writeRecord(block.octets, block.used, owner, content);
    block.used += length;
    const places = columns.placesOf(kind);
    if (places[row] !== 0) this.#dead++;
    places[row] = place;
    this.#flushLater();
  }

  #flushLater(): void {
    if (this.#keepsFile && !this.#isFull) this.#timer ??= setTimeout(() => this.flush(), batchMs).unref();
  }

  /** Forgets what is known of a row's message: its file is not what it was. */
  forget(row: number): void {
    for (const places of this.#state.columns.places) if (places) places[row] = 0;
  }

  /**
   * Learns what other processes have put into the file.
   * @returns undefined if there is nothing to wait for
   */
  ready(): Promise<void> | undefined {
    if (!this.#keepsFile || this.#work !== undefined) return this.#work;
    const now = performance.now();
    if (now < this.#nextLookMs) return undefined;
    this.#nextLookMs = now + lookEveryMs;
    try {
      this.#look();
      const waiting = (this.#file?.size ?? 0) - this.#scannedTo;
      if (waiting < 0) this.#isDamaged = true;
      if (waiting <= 0 || this.#isDamaged) return undefined;
      if (waiting > batchOctets) return this.#inBackground(() => this.#scan());
      this.#scanPiece(Buffer.allocUnsafe(waiting), waiting);
    } catch (error) {
      this.#giveUp(error);
    }
    return undefined;
  }

  /** Writes what waits. No error: what cannot be written stays in memory. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#keepsFile || this.#work !== undefined || this.#blocks.length === 0) return;
    if (this.#state.isProvisional || this.#state.lost) return;
    try {
      this.#look();
      this.#file ??= this.#create();
      this.#nextLookMs = 0;
      if (this.ready() !== undefined) return;
      if (!this.#file?.canWrite) this.#keepsFile = false;
      else if (this.#mustCompact()) void this.#inBackground(() => this.#compact());
      else if (!this.#isFull) this.#append(this.#file);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Writes what waits and lets go of everything. */
  close(): void {
    this.flush();
    while (this.dropBlock());
    this.#file?.close();
    this.#file = undefined;
    this.#keepsFile = false;
  }

  /** Where the file stands, for the index that keeps the places. */
  get position(): CachePosition | undefined {
    if (!this.#file) return this.#position;
    return {
      id: this.#file.id,
      scannedTo: this.#scannedTo,
      records: this.#records,
      dead: this.#dead,
    };
  }

  /** How far the file's records have their places. */
  get writtenTo(): number {
    return this.#file ? this.#scannedTo : (this.#position?.scannedTo ?? 0);
  }

  /** The places come from an index: they are believed if the file is still that one. */
  restore(position: CachePosition | undefined): void {
    this.#position = position;
  }

  /** Drops the oldest block of memory; false if there is none. */
  dropBlock(): boolean {
    const block = this.#blocks.shift();
    if (!block) {
      inMemory.delete(this);
      return false;
    }
    memoryUsed -= block.octets.length;
    return true;
  }

  #owner(row: number, kind: number) {
    const { columns, uidValidity } = this.#state;
    const names = columns.names.block;
    const nameStart = columns.nameAt[row]! + 5;
    return {
      kind,
      uid: columns.uids[row]!,
      uidValidity,
      names,
      nameStart,
      nameLength: names[nameStart - 1]!,
    };
  }

  #room(length: number): Block {
    const last = this.#blocks.at(-1);
    if (last && last.used + length <= last.octets.length) return last;
    if (last && this.#keepsFile && !this.#isFull && last.octets.length === batchOctets) this.flush();
    const size = Math.max(length, Math.min(batchOctets, 2 * (last?.octets.length ?? firstBlockOctets / 2)));
    const block = { start: this.#memoryEnd, octets: Buffer.allocUnsafeSlow(size), used: 0 };
    this.#memoryEnd = (this.#memoryEnd + ((size + 7) & ~7)) % (memoryBit * 8);
    this.#blocks.push(block);
    inMemory.delete(this);
    inMemory.add(this);
    memoryUsed += size;
    if (memoryUsed > memoryLimit) trimMemory();
    return block;
  }

  #findInMemory(place: number): boolean {
    const at = (place - memoryBit) * 8;
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#blocks[middle]!.start <= at) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low];
    if (!block || at < block.start || at >= block.start + block.used) return false;
    this.octets = block.octets;
    this.start = at - block.start;
    return true;
  }

  #findInFile(place: number): boolean {
    if (!this.#file && this.#keepsFile) void this.ready();
    const file = this.#file;
    if (!file) return false;
    const position = place * 8;
    let at = file.find(position, headerOctets);
    const length = at < 0 ? 0 : recordLengthAt(file.octets, at);
    if (length === 0) return false;
    at = file.find(position, length);
    if (at < 0 || !isSound(file.octets, at, length)) return false;
    this.octets = file.octets;
    this.start = at;
    return true;
  }

  /** Opens the file, or the one that has taken its place. */
  #look(): void {
    if (this.#file?.isReplaced) {
      this.#file.close();
      this.#file = undefined;
      this.#forgetFile();
    }
    if (this.#file) return;
    const { directory, settings } = this.#state;
    this.#file = CacheFile.open(keptPath(directory, settings, 'cache'));
    const { id, scannedTo, records, dead } = this.#position ?? {};
    if (!this.#file) return;
    if (id === this.#file.id && scannedTo! <= this.#file.size) {
      this.#scannedTo = scannedTo!;
      this.#records = records!;
      this.#dead = dead!;
    } else this.#forgetFile();
    this.#position = undefined;
  }

  #create(): CacheFile | undefined {
    const { directory, settings } = this.#state;
    const path = keptPath(directory, settings, 'cache');
    CacheFile.create(path, keptTemporary(directory, settings, 'cache'));
    this.#forgetFile();
    const file = CacheFile.open(path);
    if (file) return file;
    // One that cannot be believed is in the way.
    new NewCacheFile(keptTemporary(directory, settings, 'cache')).finish(path);
    return CacheFile.open(path);
  }

  #forgetFile(): void {
    for (const places of this.#state.columns.places) {
      if (!places) continue;
      for (let row = 0; row < places.length; row++) if (places[row]! < memoryBit) places[row] = 0;
    }
    this.#scannedTo = headOctets;
    this.#records = 0;
    this.#dead = 0;
    this.#isDamaged = false;
    this.#isFull = false;
  }

  #giveUp(error: unknown): void {
    const { directory, settings } = this.#state;
    const code = errorCode(error);
    if (code !== undefined) settings.log.debug(`${directory}: no message cache: ${code}`);
    else settings.log.error(`${directory}: message cache: ${error instanceof Error ? error.stack : error}`);
    this.#keepsFile = false;
  }

  /** Runs `work`, for which `ready` waits. */
  #inBackground(work: () => Promise<void>): Promise<void> {
    this.#work = work()
      .catch((error: unknown) => this.#giveUp(error))
      .finally(() => {
        this.#work = undefined;
        if (this.#blocks.length > 0) this.#flushLater();
      });
    return this.#work;
  }

  #append(file: CacheFile): void {
    for (;;) {
      const block = this.#blocks[0];
      if (!block) break;
      const before = file.size;
      file.append(block.octets.subarray(0, block.used));
      if (before === this.#scannedTo && file.size === before + block.used) {
        this.#adopt(block.octets, block.used);
      }
      this.dropBlock();
    }
    // Others wrote at the same time: ours are found among theirs.
    if (file.size === this.#scannedTo) return;
    this.#nextLookMs = 0;
    void this.ready();
  }

  async #scan(): Promise<void> {
    const octets = Buffer.allocUnsafeSlow(scanOctets);
    while (this.#scanPiece(octets, scanOctets)) await nextTurn();
  }

  /** @returns whether there may be more */
  #scanPiece(octets: Buffer, most: number): boolean {
    const file = this.#file;
    if (!file || this.#isDamaged) return false;
    const got = file.readInto(octets.subarray(0, most), this.#scannedTo);
    const before = this.#scannedTo;
    this.#adopt(octets, got);
    return this.#scannedTo > before && got === most;
  }

  /** Notes the places of the records `octets[0, end)`, which are in the file at `scannedTo`. */
  #adopt(octets: Buffer, end: number): void {
    let at = 0;
    while (at + headerOctets <= end) {
      const length = recordLengthAt(octets, at);
      if (length === 0) {
        this.#isDamaged = true;
        break;
      }
      if (at + length > end) break;
      this.#notePlace(octets, at, (this.#scannedTo + at) / 8);
      at += length;
    }
    this.#scannedTo += at;
  }

  #notePlace(octets: Buffer, at: number, place: number): void {
    const { columns } = this.#state;
    const row = columns.rowOf(octets.readUInt32LE(at + 12));
    const kind = octets[at + 6]!;
    this.#records++;
    if (row < 0 || kind > 63 || !isOwnedBy(octets, at, this.#owner(row, kind))) {
      this.#dead++;
      return;
    }
    const places = columns.placesOf(kind);
    if (places[row] !== 0 && places[row]! < memoryBit) this.#dead++;
    places[row] = place;
  }

  #mustCompact(): boolean {
    const limit = this.#state.settings.cacheFileOctets ?? usualFileOctets;
    // Cut off, or a record at its end that was never written whole.
    if (this.#file!.size !== this.#scannedTo) this.#isDamaged = true;
    const waiting = this.#blocks.reduce((sum, block) => sum + block.used, 0);
    const isBeyond = this.#file!.size + waiting > limit;
    if (this.#isDamaged || (this.#dead > fewDead && this.#dead * 2 > this.#records)) return true;
    if (isBeyond && this.#dead * 8 > this.#records) return true;
    this.#isFull = isBeyond;
    return false;
  }

  /** Writes the living records into a new file, in the order of the rows. */
  async #compact(): Promise<void> {
    const { directory, settings, columns } = this.#state;
    const path = keptPath(directory, settings, 'cache');
    const target = new NewCacheFile(keptTemporary(directory, settings, 'cache'));
    const file = this.#file;
    let isWhole = false;
    try {
      const { uids, count } = columns;
      const batch = new Batch(target);
      const slice = new Slice();
      for (let i = 0; i < count; i++) {
        if (slice.isOver()) await slice.next();
        if (!file || file !== this.#file) return;
        const row = this.#state.columns.rowOf(uids[i]!);
        if (row >= 0) this.#copyRecords(row, batch);
      }
      batch.flush();
      isWhole = true;
    } finally {
      target.finish(isWhole ? path : undefined);
    }
    this.#look();
    await this.#scan();
  }

  #copyRecords(row: number, batch: Batch): void {
    for (const [kind, places] of this.#state.columns.places.entries()) {
      const place = places?.[row] ?? 0;
      if (place === 0 || place >= memoryBit || !this.find(row, kind as ComputedKind)) continue;
      batch.add(this.octets, this.#recordStart, recordLengthAt(this.octets, this.#recordStart));
    }
  }
}

/** Collects records for a new file. */
class Batch {
  readonly #target: NewCacheFile;
  readonly #octets = Buffer.allocUnsafeSlow(scanOctets);
  #used = 0;

  constructor(target: NewCacheFile) {
    this.#target = target;
  }

  add(octets: Buffer, at: number, length: number): void {
    if (this.#used + length > this.#octets.length) this.flush();
    octets.copy(this.#octets, this.#used, at, at + length);
    this.#used += length;
  }

  flush(): void {
    if (this.#used > 0) this.#target.write(this.#octets.subarray(0, this.#used));
    this.#used = 0;
  }
}
