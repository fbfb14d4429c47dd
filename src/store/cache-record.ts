/**
 * One record of the message cache, little endian, a multiple of 8 octets:
 *
 *    0  CRC-32 of all that follows, padding included
 *    4  `PC`; 6: the kind (computed.ts); 7: length of the base name
 *    8  length of the content
 *   12  UID; 16: UIDVALIDITY
 *   20  the message's base name, then the content, then zeros
 *
 * A record is believed if the checksum, the kind, the UID and the base name are right: wherever it is read from, it
 * can only be of that message, whose octets never change.
 */
import { crc32 } from 'node:zlib';

export const headerOctets = 20;
/** Larger contents are not kept. */
export const maxContentOctets = 1 << 20;
const magic = 0x4350;

/** Whose record it is. */
export interface RecordOwner {
  readonly kind: number;
  readonly uid: number;
  readonly uidValidity: number;
  /** The base name is `names[nameStart, nameStart + nameLength)`. */
  readonly names: Uint8Array;
  readonly nameStart: number;
  readonly nameLength: number;
}

export function recordOctets(nameLength: number, contentLength: number): number {
  return (headerOctets + nameLength + contentLength + 7) & ~7;
}

/** Writes a record. @returns its length */
export function writeRecord(into: Buffer, at: number, owner: RecordOwner, content: Uint8Array): number {
  const { names, nameStart, nameLength } = owner;
  const length = recordOctets(nameLength, content.length);
  into.writeUInt16LE(magic, at + 4);
  into[at + 6] = owner.kind;
  into[at + 7] = nameLength;
  into.writeUInt32LE(content.length, at + 8);
  into.writeUInt32LE(owner.uid, at + 12);
  into.writeUInt32LE(owner.uidValidity, at + 16);
  let to = at + headerOctets;
  for (let i = nameStart; i < nameStart + nameLength; i++) into[to++] = names[i]!;
  into.set(content, to);
  into.fill(0, to + content.length, at + length);
  into.writeUInt32LE(crc32(into.subarray(at + 4, at + length)), at);
  return length;
}

/** The length of the record that begins at `at`, by its header alone; 0 if there is none. */
export function recordLengthAt(octets: Buffer, at: number): number {
  if (octets.readUInt16LE(at + 4) !== magic) return 0;
  const contentLength = octets.readUInt32LE(at + 8);
  return contentLength > maxContentOctets ? 0 : recordOctets(octets[at + 7]!, contentLength);
}

/** Whether the record `octets[at, at + length)` has that owner. */
export function isOwnedBy(octets: Buffer, at: number, owner: RecordOwner): boolean {
  const { names, nameStart, nameLength } = owner;
  if (octets.readUInt32LE(at + 12) !== owner.uid || octets[at + 6] !== owner.kind) return false;
  if (octets[at + 7] !== nameLength || octets.readUInt32LE(at + 16) !== owner.uidValidity) return false;
  const start = at + headerOctets;
  for (let i = 0; i < nameLength; i++) if (octets[start + i] !== names[nameStart + i]) return false;
  return true;
}

export function isSound(octets: Buffer, at: number, length: number): boolean {
  return crc32(octets.subarray(at + 4, at + length)) === octets.readUInt32LE(at);
}
