/**
 * Where a message of up to 1 MiB has text, as the message cache keeps it. For each leaf: start, end (4 octets each,
 * little-endian), 1 for an embedded message's header, the lengths of encoding and charset, and these two in latin1.
 */
import { parseStructure } from '../message/structure.ts';
import { type TextLeaf, textLeaves } from '../message/text.ts';
import { computed } from '../store/computed.ts';
import type { Folder } from '../store/folder.ts';

const headOctets = 11;
const mostOctets = 4096;
const longestWord = 255;

const scratch = Buffer.alloc(mostOctets);

/** The leaves of a message whose octets are here, found in the cache or in the octets. */
export function leavesOf(folder: Folder, uid: number, octets: Uint8Array): readonly TextLeaf[] {
  const cache = folder.computed;
  const row = folder.rowOf(uid);
  if (row >= 0 && cache.find(row, computed.textLeaves)) {
    const known = readLeaves(cache.octets, cache.start, cache.end);
    if (known !== undefined) return known;
  }
  const leaves = textLeaves(parseStructure(octets));
  const record = row >= 0 && folder.settings.keepsIndex === true ? leafRecord(leaves) : undefined;
  if (record !== undefined) cache.put(row, computed.textLeaves, record);
  return leaves;
}

/** @returns valid until the next call; undefined: too many, or too strange, to be kept */
export function leafRecord(leaves: readonly TextLeaf[]): Buffer | undefined {
  let at = 0;
  for (const { start, end, isHeader, encoding, charset = '' } of leaves) {
    const isLong = encoding.length > longestWord || charset.length > longestWord;
    if (isLong || at + headOctets + encoding.length + charset.length > mostOctets) return undefined;
    scratch.writeUInt32LE(start, at);
    scratch.writeUInt32LE(end, at + 4);
    scratch[at + 8] = Number(isHeader);
    scratch[at + 9] = encoding.length;
    scratch[at + 10] = charset.length;
    at += headOctets;
    at += scratch.write(encoding, at, 'latin1');
    at += scratch.write(charset, at, 'latin1');
  }
  return scratch.subarray(0, at);
}

/** @returns undefined where the octets are no such record */
export function readLeaves(octets: Buffer, from: number, to: number): TextLeaf[] | undefined {
  const leaves: TextLeaf[] = [];
  for (let at = from; at < to; ) {
    if (at + headOctets > to) return undefined;
    const charsetAt = at + headOctets + octets[at + 9]!;
    const next = charsetAt + octets[at + 10]!;
    if (next > to) return undefined;
    leaves.push({
      start: octets.readUInt32LE(at),
      end: octets.readUInt32LE(at + 4),
      isHeader: octets[at + 8] === 1,
      encoding: octets.toString('latin1', at + headOctets, charsetAt),
      charset: next === charsetAt ? undefined : octets.toString('latin1', charsetAt, next),
    });
    at = next;
  }
  return leaves;
}
