/**
 * The format of a folder's index file: the columns as they are in memory, little endian, and behind them what has
 * changed since they were written.
 *
 *    0  `PRindex2`; 8: CRC-32 of all from 12 to the end of the columns; 12: length of the JSON text; 16: where the
 *       columns end, a double; 24: the text (latin1: what is not in columns, and the columns' names and lengths), then
 *       the columns, each from a multiple of 8, with zeros for some more rows: whoever reads them adds rows there
 *   any number of changes: `PRch`; CRC-32 of all that follows; length of the JSON text; CRC-32 of what it builds
 *       upon (the columns, or the change before); the JSON text, zeros up to a multiple of 8
 *
 * A change whose checksum or predecessor is wrong ends the file. Anything else that is wrong makes it no index.
 */
import { crc32 } from 'node:zlib';
import type { SavedNames } from './base-names.ts';
import { Columns, type SavedColumns } from './columns.ts';
import type { CachePosition } from './message-cache.ts';
import { baseLength } from './name-order.ts';

const mark = Buffer.from('PRindex2', 'latin1');
const changeMark = Buffer.from('PRch', 'latin1');
const textAt = 24;
const changeHeader = 16;

/** What tells whether a directory changed; zeros if it is missing. */
export interface Stamps {
  readonly newTime: number;
  readonly newInode: number;
  readonly curTime: number;
  readonly curInode: number;
  readonly keywordsTime: number;
  readonly keywordsInode: number;
}

/** What of a folder changes with every change. */
export interface IndexState {
  readonly uidNext: number;
  readonly highestUid: number;
  readonly modseq: number;
  /** Of the directories when the rows were as here; missing if that was not sure. */
  readonly stamps: Stamps | undefined;
  readonly dbStamp: string;
  readonly dbHeaderLength: number;
  readonly staleLines: number;
  readonly unmergedKeywords: number;
  readonly wantsKeywordMerge: boolean;
}

/** What an index holds. */
export interface FolderImage extends IndexState {
  readonly uidValidity: number;
  readonly columns: Columns;
  /** By number; the first is empty. */
  readonly keywordSets: readonly (readonly string[])[];
  readonly expunged: ExpungeLog;
  readonly cache: CachePosition | undefined;
}

/** UIDs removed, with the mod-sequence of their removal, oldest first. */
export interface ExpungeLog {
  /** Removals up to this mod-sequence are forgotten. */
  readonly knownFrom: number;
  readonly modseqs: Float64Array;
  readonly uids: Uint32Array;
}

/** What happened since the index was written or changed last. */
export interface IndexChange extends IndexState {
  /** [UID, file name, mod-sequence, file time, keyword set] of rows new or changed. */
  readonly rows: readonly (readonly [number, string, number, number, number])[];
  /** [UID, mod-sequence] of rows removed. */
  readonly gone: readonly (readonly [number, number])[];
  /** Those after the ones the index has. */
  readonly keywordSets: readonly (readonly string[])[];
}

interface Head extends IndexState {
  readonly uidValidity: number;
  readonly count: number;
  readonly keywordSets: string[][];
  readonly infos: string[];
  readonly names: Omit<SavedNames, 'block' | 'table'>;
  readonly knownFrom: number;
  readonly cache?: CachePosition;
  /** Name and octets. */
  readonly columns: [string, number][];
}

type Columnar = Uint8Array | Uint32Array | Float64Array;

const columnNames = ['uids', 'flags', 'keywordSet', 'modseqs', 'mtimes', 'nameAt'] as const;

function padded(octets: number): number {
  return (octets + 7) & ~7;
}

/** Most rows that a folder read from an index may grow by before its columns are copied. */
const mostRoom = 1024;

/** The columns by name, with the octets to leave behind each. */
function partsOf(
  saved: SavedColumns,
  expunged: ExpungeLog,
): [name: string, part: ArrayBufferView, room: number][] {
  const { count, names } = saved;
  const rows = Math.min(mostRoom, count >> 4);
  const parts: [string, Columnar | undefined][] = columnNames.map((name) => [name, saved[name]]);
  parts.push(['info', saved.info]);
  for (const [kind, places] of saved.places.entries()) parts.push([`place${kind}`, places]);
  return [
    ...parts.flatMap(([name, part]): [string, ArrayBufferView, number][] =>
      part ? [[name, part, rows * part.BYTES_PER_ELEMENT]] : [],
    ),
    ['block', names.block, rows * Math.ceil(names.used / Math.max(1, count))],
    ['table', names.table, 0],
    ['expungedModseqs', expunged.modseqs, 0],
    ['expungedUids', expunged.uids, 0],
  ];
}

/** @returns the file's octets and the checksum a change builds upon */
export function encodeIndex(image: FolderImage): { octets: Buffer; checksum: number } {
  const saved = image.columns.save();
  const parts = partsOf(saved, image.expunged);
  const { block: _block, table: _table, ...names } = saved.names;
  const { columns: _, expunged, ...rest } = image;
  const head = JSON.stringify({
    ...rest,
    count: saved.count,
    infos: saved.infos,
    names,
    knownFrom: expunged.knownFrom,
    columns: parts.map(([name, part, room]) => [name, part.byteLength + room]),
  });
  const columnsAt = padded(textAt + head.length);
  const size = parts.reduce((sum, [, part, room]) => sum + padded(part.byteLength + room), columnsAt);
  const octets = Buffer.allocUnsafeSlow(size);
  octets.set(mark, 0);
  octets.writeUInt32LE(head.length, 12);
  octets.writeDoubleLE(size, 16);
  octets.write(head, textAt, 'latin1');
  octets.fill(0, textAt + head.length, columnsAt);
  let at = columnsAt;
  for (const [, part, room] of parts) {
    const end = at + padded(part.byteLength + room);
    octets.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    octets.fill(0, at + part.byteLength, end);
    at = end;
  }
  const checksum = crc32(octets.subarray(12));
  octets.writeUInt32LE(checksum, 8);
  return { octets, checksum };
}

/** @param checksum  of what it builds upon */
export function encodeChange(change: IndexChange, checksum: number): { octets: Buffer; checksum: number } {
  const text = JSON.stringify(change);
  const octets = Buffer.alloc(padded(changeHeader + text.length));
  octets.set(changeMark, 0);
  octets.writeUInt32LE(text.length, 8);
  octets.writeUInt32LE(checksum, 12);
  octets.write(text, changeHeader, 'latin1');
  const own = crc32(octets.subarray(8));
  octets.writeUInt32LE(own, 4);
  return { octets, checksum: own };
}

export interface DecodedIndex {
  readonly image: FolderImage;
  /** What the next change builds upon; undefined: there is rubbish at the end, so no change can be added. */
  readonly checksum: number | undefined;
  /** Octets of the columns, without changes. */
  readonly baseOctets: number;
}

/**
 * @param octets  the file in memory of its own, which the columns are then part of
 * @returns undefined if it is no sound index
 */
export function decodeIndex(octets: Buffer): DecodedIndex | undefined {
  const head = decodeHead(octets);
  if (!head) return undefined;
  const parts = new Map<string, Buffer>();
  let at = padded(textAt + octets.readUInt32LE(12));
  for (const [name, length] of head.columns) {
    parts.set(name, octets.subarray(at, at + length));
    at += padded(length);
  }
  const baseOctets = at;
  let image = imageOf(head, parts);
  let checksum: number | undefined = octets.readUInt32LE(8);
  while (at < octets.length && checksum !== undefined) {
    const change = decodeChange(octets, at, checksum);
    checksum = change && octets.readUInt32LE(at + 4);
    if (!change) break;
    image = applyChange(image, change);
    at += padded(changeHeader + octets.readUInt32LE(at + 8));
  }
  return { image, checksum, baseOctets };
}

/** Undefined if the columns, or the text before them, are not as they were written. */
function decodeHead(octets: Buffer): Head | undefined {
  if (octets.length < textAt || !octets.subarray(0, 8).equals(mark)) return undefined;
  const end = octets.readDoubleLE(16);
  if (!(end >= textAt && end <= octets.length)) return undefined;
  if (crc32(octets.subarray(12, end)) !== octets.readUInt32LE(8)) return undefined;
  return JSON.parse(octets.toString('latin1', textAt, textAt + octets.readUInt32LE(12))) as Head;
}

function imageOf(head: Head, parts: ReadonlyMap<string, Buffer>): FolderImage {
  const u32 = (name: string) => {
    const { buffer, byteOffset, byteLength } = parts.get(name) ?? Buffer.alloc(0);
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  };
  const f64 = (name: string) => {
    const { buffer, byteOffset, byteLength } = parts.get(name)!;
    return new Float64Array(buffer, byteOffset, byteLength / 8);
  };
  const places: (Uint32Array | undefined)[] = [];
  for (const name of parts.keys()) if (name.startsWith('place')) places[Number(name.slice(5))] = u32(name);
  const table = parts.get('table')!;
  const { columns: _, infos, names, knownFrom, count, cache, ...state } = head;
  return {
    ...state,
    cache,
    expunged: { knownFrom, modseqs: f64('expungedModseqs'), uids: u32('expungedUids') },
    columns: Columns.restore({
      count,
      uids: u32('uids'),
      flags: parts.get('flags')!,
      keywordSet: u32('keywordSet'),
      modseqs: f64('modseqs'),
      mtimes: u32('mtimes'),
      nameAt: u32('nameAt'),
      info: parts.has('info') ? u32('info') : undefined,
      infos,
      places,
      names: {
        ...names,
        block: parts.get('block')!,
        table: new Int32Array(table.buffer, table.byteOffset, table.byteLength / 4),
      },
    }),
  };
}

function decodeChange(octets: Buffer, at: number, checksum: number): IndexChange | undefined {
  if (at + changeHeader > octets.length || !octets.subarray(at, at + 4).equals(changeMark)) return undefined;
  const length = octets.readUInt32LE(at + 8);
  const end = at + padded(changeHeader + length);
  if (end > octets.length || octets.readUInt32LE(at + 12) !== checksum) return undefined;
  if (crc32(octets.subarray(at + 8, end)) !== octets.readUInt32LE(at + 4)) return undefined;
  return JSON.parse(octets.toString('latin1', at + changeHeader, at + changeHeader + length)) as IndexChange;
}

function applyChange(image: FolderImage, change: IndexChange): FolderImage {
  const { rows, gone, keywordSets, stamps, ...state } = change;
  const { columns, expunged } = image;
  for (const [uid, name, modseq, mtimeSeconds, keywordSet] of rows) {
    const length = baseLength(name);
    const row = columns.rowOf(uid);
    if (row < 0) {
      columns.add({ uid, name, baseLength: length, mtimeSeconds, keywordSet }, modseq);
      continue;
    }
    columns.setInfo(row, name.slice(length));
    columns.modseqs[row] = modseq;
    columns.mtimes[row] = mtimeSeconds;
    columns.keywordSet[row] = keywordSet;
  }
  columns.remove(
    gone
      .map(([uid]) => columns.rowOf(uid))
      .filter((row) => row >= 0)
      .sort((a, b) => a - b),
  );
  return {
    ...image,
    ...state,
    stamps,
    keywordSets: [...image.keywordSets, ...keywordSets],
    expunged: {
      knownFrom: expunged.knownFrom,
      modseqs: Float64Array.of(...expunged.modseqs, ...gone.map(([, modseq]) => modseq)),
      uids: Uint32Array.of(...expunged.uids, ...gone.map(([uid]) => uid)),
    },
  };
}
