/**
 * Adding lines to `courierimapuiddb` where it lies, in place of writing it anew:
 *
 *   write UIDNEXT into the header; fsync; write the lines behind the last one; fsync
 *
 * Only with the folder's lock, which Courier takes for every scan, and only where UIDNEXT keeps its number of digits.
 * The header comes first: a UID that a line has is one that the header gives to nobody else, wherever this stops. UIDs
 * without a line, and those of lines that are cut off, have been told to nobody and are not given again.
 */
import { closeSync, fstatSync, constants as o, openSync, readSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { nextTurn } from './slices.ts';
import * as steps from './steps.ts';
import { UidDbReader } from './uid-db.ts';

/** Identity of a database file's contents. */
export function stampOf({ ino, mtimeMs, size }: { ino: number; mtimeMs: number; size: number }): string {
  return `${ino}:${mtimeMs}:${size}`;
}

/** New lines of the database, UIDs ascending. */
export interface NewLines {
  readonly first: number;
  readonly bases: readonly string[];
}

/** New lines written in one turn. */
const linesAtOnce = 4096;

/** Writes the lines from a position of the file on. */
export async function writeLines(
  descriptor: number,
  { first, bases }: NewLines,
  position: number,
): Promise<void> {
  let at = position;
  for (let done = 0; done < bases.length; done += linesAtOnce) {
    if (done > 0) await nextTurn();
    let lines = '';
    for (const [index, base] of bases.slice(done, done + linesAtOnce).entries())
      lines += `${first + done + index} ${base}\n`;
    steps.writeAt(descriptor, Buffer.from(lines, 'latin1'), at);
    at += lines.length;
  }
}

/**
 * Opens the database if it is the one known, and no other name leads to it: a backup's link would change with it.
 * @param stamp  of a database that ends with a whole line
 * @returns undefined if it cannot be added to
 */
export function openToAppend(path: string, stamp: string): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(octetPath(path), o.O_WRONLY | o.O_NOFOLLOW | o.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
  const stats = fstatSync(descriptor);
  if (stats.nlink === 1 && stampOf(stats) === stamp) return descriptor;
  closeSync(descriptor);
  return undefined;
}

/**
 * Adds lines, durably.
 * @param header  as long as the present one
 * @throws a system error: anything of it may be in the file
 */
export async function appendLines(descriptor: number, header: string, lines: NewLines): Promise<KnownEnd> {
  const { size } = fstatSync(descriptor);
  steps.writeAt(descriptor, Buffer.from(header, 'latin1'), 0);
  await steps.syncFile(descriptor);
  await writeLines(descriptor, lines, size);
  await steps.syncFile(descriptor);
  const last = `${lines.first + lines.bases.length - 1} ${lines.bases.at(-1)!}\n`;
  return { stamp: stampOf(fstatSync(descriptor)), octets: Buffer.from(last, 'latin1') };
}

/** The end of a database: whole lines, the last one at least. */
export interface KnownEnd {
  readonly stamp: string;
  readonly octets: Buffer;
}

/** No line is longer: a UID, a space, a file name. */
const longestLine = 11 + 255 + 1;

/** @param octets  of the whole database */
export function endOf(octets: Buffer, headerLength: number, stamp: string): KnownEnd | undefined {
  const end = octets.subarray(Math.max(headerLength, octets.length - longestLine));
  return end.length > 0 ? { stamp, octets: Buffer.from(end) } : undefined;
}

/**
 * Reads the lines that were added to a database since its end was known. UIDs ascend, so that a line that is still where
 * it was has the same lines before it: one that had gone would have moved it.
 * @returns undefined if anything else may have happened to it
 * @throws a system error
 */
export function readAdded(
  path: string,
  known: KnownEnd,
  headerLength: number,
): { reader: UidDbReader; end: KnownEnd } | undefined {
  const [inode, , size] = known.stamp.split(':').map(Number) as [number, number, number];
  const descriptor = openSync(octetPath(path), o.O_RDONLY | o.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    const from = size - known.octets.length;
    if (stats.ino !== inode || stats.size <= size || headerLength === 0 || from < headerLength)
      return undefined;
    const octets = Buffer.alloc(headerLength + stats.size - from);
    if (readSync(descriptor, octets, 0, headerLength, 0) < headerLength) return undefined;
    if (readSync(descriptor, octets, headerLength, octets.length - headerLength, from) < stats.size - from)
      return undefined;
    const addedAt = headerLength + known.octets.length;
    if (!octets.subarray(headerLength, addedAt).equals(known.octets)) return undefined;
    const header = octets.subarray(0, headerLength);
    const reader = new UidDbReader(Buffer.concat([header, octets.subarray(addedAt)]));
    if (!reader.header || !reader.isWhole || reader.headerLength !== headerLength) return undefined;
    reader.extent = 'added';
    const end = endOf(octets, headerLength, stampOf(stats));
    return end && { reader, end };
  } finally {
    closeSync(descriptor);
  }
}
