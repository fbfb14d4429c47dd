/**
 * The indexed userdb that `makeuserdb` writes: `<userdb>.index`, mode 0600, replaced by a rename.
 *
 *     0   8  "PRUSRDB1"
 *     8   4  records, 12  4 slots (a power of two), 16  8 offset of the slots, all little-endian
 *     24     the records: name TAB fields LF
 *            the slots, 12 octets each: hash of the name, length of the record (0: free), offset in units
 *
 * A look-up reads a few slots and one record by position: two reads, whatever the number of accounts. Open
 * addressing with linear probing, at most half full. A unit is 8 octets: records start at multiples of it, padded
 * with LF, so that 32 bits reach 32 GiB.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AuthError, errorText } from '../auth-error.ts';

export const magic = 'PRUSRDB1';
export const headerOctets = 24;
export const slotOctets = 12;
export const unit = 8;
/** Longest record; a longer one is refused when the index is made. */
export const maxRecordOctets = 65_536;

export interface UserdbIndex {
  readonly count: number;
  get(name: string): string | undefined;
  entries(): Iterable<[name: string, fields: string]>;
  close(): void;
}

/** FNV-1a, 32 bits, finished so that the low bits depend on all of it. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

const slotsPerRead = 16;

/** @throws {AuthError} temporary: absent, unreadable, or not an index */
export function openUserdbIndex(path: string): UserdbIndex {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (cause) {
    throw new AuthError('temporary', `${path}: ${errorText(cause)}`, { cause });
  }
  const refuse = (why: string): never => {
    closeSync(fd);
    throw new AuthError('temporary', `${path}: ${why}`);
  };
  const stats = fstatSync(fd);
  if ((stats.mode & 0o077) !== 0) refuse('MAY NOT HAVE GROUP OR WORLD PERMISSIONS!!');
  const header = Buffer.alloc(headerOctets);
  if (
    readSync(fd, header, 0, headerOctets, 0) !== headerOctets ||
    header.toString('latin1', 0, 8) !== magic
  ) {
    refuse('not a userdb index, run makeuserdb');
  }
  const count = header.readUInt32LE(8);
  const slots = header.readUInt32LE(12);
  const slotsStart = Number(header.readBigUInt64LE(16));
  if (slots === 0 || (slots & (slots - 1)) !== 0 || slotsStart + slots * slotOctets !== stats.size) {
    refuse('damaged, run makeuserdb');
  }

  const slotBuffer = Buffer.alloc(slotsPerRead * slotOctets);
  const recordBuffer = Buffer.alloc(maxRecordOctets);

  function readRecord(slot: Buffer, at: number): [name: string, fields: string] | undefined {
    const length = slot.readUInt32LE(at + 4);
    const position = slot.readUInt32LE(at + 8) * unit;
    if (length > maxRecordOctets || position + length > slotsStart) return undefined;
    if (readSync(fd, recordBuffer, 0, length, position) !== length) return undefined;
    const tab = recordBuffer.subarray(0, length).indexOf(0x09);
    return tab < 0
      ? undefined
      : [recordBuffer.toString('latin1', 0, tab), recordBuffer.toString('latin1', tab + 1, length)];
  }

  function get(name: string): string | undefined {
    const hash = hashName(name);
    for (let slot = hash & (slots - 1), seen = 0; seen < slots; ) {
      const here = Math.min(slotsPerRead, slots - slot);
      readSync(fd, slotBuffer, 0, here * slotOctets, slotsStart + slot * slotOctets);
      for (let at = 0; at < here * slotOctets; at += slotOctets) {
        if (slotBuffer.readUInt32LE(at + 4) === 0) return undefined;
        if (slotBuffer.readUInt32LE(at) !== hash) continue;
        const record = readRecord(slotBuffer, at);
        if (record?.[0] === name) return record[1];
      }
      seen += here;
      slot = (slot + here) & (slots - 1);
    }
    return undefined;
  }

  /** Enumerations under way keep the descriptor open. */
  let readers = 0;
  let closed = false;
  function release(): void {
    if (closed && readers === 0) closeSync(fd);
  }

  function* readAll(): Generator<[name: string, fields: string]> {
    const block = Buffer.alloc(4096 * slotOctets);
    for (let start = 0; start < slots; start += 4096) {
      const octets = Math.min(4096, slots - start) * slotOctets;
      readSync(fd, block, 0, octets, slotsStart + start * slotOctets);
      for (let at = 0; at < octets; at += slotOctets) {
        const record = block.readUInt32LE(at + 4) === 0 ? undefined : readRecord(block, at);
        if (record) yield record;
      }
    }
  }

  function* entries(): Generator<[name: string, fields: string]> {
    readers++;
    try {
      yield* readAll();
    } finally {
      readers--;
      release();
    }
  }

  function close(): void {
    closed = true;
    release();
  }

  return { count, get, entries, close };
}
