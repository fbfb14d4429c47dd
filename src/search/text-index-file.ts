/**
 * The file of a text index: a head, then segments (`text-columns.ts`) up to its end. It is written whole under another
 * name and renamed, so that readers see the old one or the new one. Everything read is checked: what a damaged row or segment
 * would have said is not known then, and the messages are searched as if there were no index.
 *
 *     head     mark (8) UIDVALIDITY (4) checksum (4)
 *     segment  messages (4) stride (4) checksum of the maps, of this
 *              maps: UIDs (4 each), first columns, last columns (2 each)
 *              rows: checksum (4) and `stride` octets, each
 *
 * Numbers are little-endian. A checksum is begun with that of what is above it, so that nothing counts in a wrong place.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { octetPath } from '../base/paths.ts';
import * as steps from '../store/steps.ts';
import { rowCount, type TextSegment } from './text-columns.ts';

const mark = Buffer.from('PRtext\0\x01', 'latin1');
const headOctets = 16;
const segmentHeadOctets = 16;
/** No segment is larger: bounds what a damaged number makes us read. */
const mostMessages = 1 << 16;
const mostStride = 1 << 10;

/** A segment in a file, its rows still there. */
export interface StoredSegment {
  readonly uids: Uint32Array;
  readonly first: Uint16Array;
  readonly last: Uint16Array;
  readonly stride: number;
  /** Where it begins in the file, where its rows do, and where it ends. */
  readonly start: number;
  readonly rowsAt: number;
  readonly end: number;
  readonly checksum: number;
}

/** An open index file; read only. */
export class TextIndexFile {
  readonly #descriptor: number;
  readonly #size: number;
  readonly #checksum: number;
  /** Names the file among those that have had its path. */
  readonly identity: string;
  /** Something in it was not what had been written. */
  isDamaged = false;

  /** @throws a system error, or one that says that this is no index of the folder */
  constructor(path: string, uidValidity: number) {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    this.#descriptor = openSync(octetPath(path), flags);
    try {
      const { size, ino, mtimeMs } = fstatSync(this.#descriptor);
      this.#size = size;
      this.identity = `${ino} ${mtimeMs} ${size}`;
      const head = this.#read(0, headOctets);
      if (head === undefined || !head.subarray(0, 8).equals(mark)) throw new Error('not a text index');
      this.#checksum = crc32(head.subarray(0, 12));
      if (head.readUInt32LE(12) !== this.#checksum) throw new Error('damaged text index');
      if (head.readUInt32LE(8) !== uidValidity) throw new Error('text index of other mail');
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** The segments, as far as they can be followed. */
  *segments(): Generator<StoredSegment> {
    let at = headOctets;
    for (let number = 0; at < this.#size; number++) {
      const segment = this.#segment(at, number);
      if (segment === undefined) {
        this.isDamaged = true;
        return;
      }
      at = segment.end;
      yield segment;
    }
  }

  /** Does not look at the rows. */
  #segment(at: number, number: number): StoredSegment | undefined {
    const head = this.#read(at, segmentHeadOctets);
    const begin = (this.#checksum + number) >>> 0;
    if (head === undefined || crc32(head.subarray(0, 12), begin) !== head.readUInt32LE(12)) return undefined;
    const messages = head.readUInt32LE(0);
    const stride = head.readUInt32LE(4);
    if (messages > mostMessages || stride > mostStride) return undefined;
    const maps = this.#read(at + segmentHeadOctets, messages * 8);
    if (maps === undefined) return undefined;
    const checksum = crc32(maps, begin);
    if (checksum !== head.readUInt32LE(8)) return undefined;
    const { buffer, byteOffset } = maps;
    const rowsAt = at + segmentHeadOctets + messages * 8;
    const end = rowsAt + rowCount * (4 + stride);
    if (end > this.#size) return undefined;
    return {
      uids: new Uint32Array(buffer, byteOffset, messages),
      first: new Uint16Array(buffer, byteOffset + messages * 4, messages),
      last: new Uint16Array(buffer, byteOffset + messages * 6, messages),
      stride,
      start: at,
      rowsAt,
      end,
      checksum,
    };
  }

  /** A row's bits; undefined if they cannot be believed. */
  row(segment: StoredSegment, row: number): Uint8Array | undefined {
    const { stride, rowsAt } = segment;
    return this.#checked(segment, row, this.#read(rowsAt + row * (4 + stride), 4 + stride));
  }

  #checked({ checksum }: StoredSegment, row: number, octets: Buffer | undefined): Uint8Array | undefined {
    const bits = octets?.subarray(4);
    if (bits !== undefined && crc32(bits, (checksum + row) >>> 0) === octets!.readUInt32LE(0)) return bits;
    this.isDamaged = true;
    return undefined;
  }

  /** A whole segment; undefined if any of it cannot be believed. */
  load(segment: StoredSegment): TextSegment | undefined {
    const { uids, first, last, stride, rowsAt, end } = segment;
    const octets = this.#read(rowsAt, end - rowsAt);
    const bits = new Uint8Array(rowCount * stride);
    for (let row = 0; row < rowCount; row++) {
      const at = row * (4 + stride);
      const rowBits = this.#checked(segment, row, octets?.subarray(at, at + 4 + stride));
      if (rowBits === undefined) return undefined;
      bits.set(rowBits, row * stride);
    }
    return { uids, first, last, stride, bits };
  }

  /** A segment as it is, for a new file. */
  octets({ start, end }: StoredSegment): Buffer {
    return this.#read(start, end - start) ?? Buffer.alloc(0);
  }

  /** Memory of its own, aligned; undefined where the file ends before. */
  #read(at: number, octets: number): Buffer | undefined {
    if (at + octets > this.#size) return undefined;
    const into = Buffer.allocUnsafeSlow(octets);
    return readSync(this.#descriptor, into, 0, octets, at) === octets ? into : undefined;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** A file on its way to be the index. Stopping at any time leaves the old one, and at worst a file in `tmp`. */
export class NewTextIndexFile {
  readonly #temporary: string;
  readonly #descriptor: number;
  readonly #checksum: number;
  #segments = 0;

  /** @throws a system error */
  constructor(temporary: string, uidValidity: number) {
    this.#temporary = temporary;
    this.#descriptor = steps.create(temporary, 0o600);
    const head = Buffer.alloc(headOctets);
    mark.copy(head);
    head.writeUInt32LE(uidValidity, 8);
    this.#checksum = crc32(head.subarray(0, 12));
    head.writeUInt32LE(this.#checksum, 12);
    steps.write(this.#descriptor, head);
  }

  /**
   * Takes a segment over as it is: the first of the folder's old file, then the second, and so on.
   * @throws a system error
   */
  copy(file: TextIndexFile, segment: StoredSegment): void {
    steps.write(this.#descriptor, file.octets(segment));
    this.#segments++;
  }

  /** @throws a system error */
  write({ uids, first, last, stride, bits }: TextSegment): void {
    const maps = Buffer.concat([octetsOf(uids), octetsOf(first), octetsOf(last)]);
    const begin = (this.#checksum + this.#segments++) >>> 0;
    const head = Buffer.alloc(segmentHeadOctets);
    head.writeUInt32LE(uids.length, 0);
    head.writeUInt32LE(stride, 4);
    const checksum = crc32(maps, begin);
    head.writeUInt32LE(checksum, 8);
    head.writeUInt32LE(crc32(head.subarray(0, 12), begin), 12);
    const rows = Buffer.allocUnsafe(rowCount * (4 + stride));
    for (let row = 0; row < rowCount; row++) {
      const from = bits.subarray(row * stride, (row + 1) * stride);
      const at = row * (4 + stride);
      rows.writeUInt32LE(crc32(from, (checksum + row) >>> 0), at);
      rows.set(from, at + 4);
    }
    for (const octets of [head, maps, rows]) steps.write(this.#descriptor, octets);
  }

  /** @param path  where it goes; undefined: nowhere, it is removed @throws a system error */
  finish(path: string | undefined): void {
    closeSync(this.#descriptor);
    if (path === undefined) steps.unlink(this.#temporary);
    else steps.rename(this.#temporary, path);
  }
}

function octetsOf(numbers: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
