/**
 * `postrider-uids`: UIDs given to new messages of a large folder, until they are written into `courierimapuiddb`. With
 * it a new message costs a write of its own size, and not a new database. Only under LAZY_UIDS, since Courier knows
 * nothing of it; but whatever the setting, a journal that is there is read.
 *
 *   postrider-uids 1 <uidvalidity> <limit> <which database it belongs to>
 *   <uid> <base name>
 *   = <uidnext> <CRC-32 of all octets since the `=` line before, hexadecimal>
 *
 * The database's header promises UIDs up to `limit` to nobody else: its UIDNEXT is that. So a UID of the journal is
 * given to no second message, even if Courier writes the database or the journal is lost. The first batch is written
 * to `tmp/` and renamed, later ones are appended and synced before anybody is told the UIDs; a batch that is cut off
 * has been told to nobody.
 */
import { closeSync, fstatSync, constants as o, openSync, readFileSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { createTemporary } from './unique-names.ts';

/** UIDs that a database is written ahead by. */
export const reservedUids = 10_000;
/** A longer journal is written into the database. */
const maxOctets = 1 << 20;

export interface UidJournal {
  readonly uidValidity: number;
  /** The first UID that the database may give. */
  readonly limit: number;
  /** Stamp of the database it belongs to; of another one nothing but its lines counts. */
  readonly database: string;
  /** Behind the last UID given. */
  readonly uidNext: number;
  /** `UID SP base name LF` of all sound batches. */
  readonly lines: Buffer;
  /** Octets up to the end of the last sound batch. */
  readonly soundOctets: number;
}

function pathOf(directory: string): string {
  return `${directory}/postrider-uids`;
}

/** What tells that the journal is another: '' if there is none. */
export function journalStamp(directory: string): string {
  const stats = statSync(octetPath(pathOf(directory)), { throwIfNoEntry: false });
  return stats ? `${stats.ino}:${stats.mtimeMs}:${stats.size}` : '';
}

/** @throws a system error but ENOENT */
export function readJournal(directory: string): UidJournal | undefined {
  try {
    return parseJournal(readFileSync(octetPath(pathOf(directory))));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined if not even the first batch is sound. */
export function parseJournal(octets: Buffer): UidJournal | undefined {
  const headEnd = octets.indexOf(10);
  const head = /^postrider-uids 1 (\d+) (\d+) (\S*)$/.exec(
    octets.toString('latin1', 0, Math.max(0, headEnd)),
  );
  if (!head) return undefined;
  const pieces: Buffer[] = [];
  let uidNext = 0;
  let soundOctets = 0;
  for (let start = 0; ; ) {
    const end = findBatchEnd(octets, start);
    if (!end) break;
    const [, next, checksum] =
      /^= (\d+) ([0-9a-f]+)$/.exec(octets.toString('latin1', end.at, end.lineEnd)) ?? [];
    if (checksum !== undefined && Number.parseInt(checksum, 16) === crc32(octets.subarray(start, end.at))) {
      pieces.push(octets.subarray(start === 0 ? headEnd + 1 : start, end.at));
      uidNext = Math.max(uidNext, Number(next));
      soundOctets = end.lineEnd + 1;
    } else if (start === 0) return undefined;
    start = end.lineEnd + 1;
  }
  if (soundOctets === 0) return undefined;
  return {
    uidValidity: Number(head[1]),
    limit: Number(head[2]),
    database: head[3]!,
    uidNext,
    lines: Buffer.concat(pieces),
    soundOctets,
  };
}

/** The next line that begins with `=` and is whole; lines of messages begin with a digit. */
function findBatchEnd(octets: Buffer, start: number): { at: number; lineEnd: number } | undefined {
  for (let at = start; at < octets.length; ) {
    const lineEnd = octets.indexOf(10, at);
    if (lineEnd < 0) return undefined;
    if (octets[at] === 61) return { at, lineEnd };
    at = lineEnd + 1;
  }
  return undefined;
}

function batchOf(head: string, first: number, bases: readonly string[]): Buffer {
  let text = head;
  for (const [index, base] of bases.entries()) text += `${first + index} ${base}\n`;
  const lines = Buffer.from(text, 'latin1');
  const end = `= ${first + bases.length} ${crc32(lines).toString(16)}\n`;
  return Buffer.concat([lines, Buffer.from(end, 'latin1')]);
}

/**
 * Writes an empty journal into `tmp/`.
 * @returns its path
 * @throws a system error
 */
export async function prepareJournal(
  directory: string,
  settings: StoreSettings,
  { uidValidity, limit, database, uidNext }: Omit<UidJournal, 'lines' | 'soundOctets'>,
): Promise<string> {
  const head = `postrider-uids 1 ${uidValidity} ${limit} ${database}\n`;
  const temporary = createTemporary(directory, settings.hostname, 'uids');
  try {
    steps.write(temporary.descriptor, batchOf(head, uidNext, []));
    if (settings.durable) await steps.syncFile(temporary.descriptor);
    return temporary.path;
  } finally {
    closeSync(temporary.descriptor);
  }
}

/** Puts an empty journal in place of the old one, whose lines are in the database by now. Under the folder's lock. */
export function placeJournal(directory: string, prepared: string): void {
  steps.rename(prepared, pathOf(directory));
}

/**
 * Gives UIDs from `first` on to base names, durably if the settings say so. Under the folder's lock.
 * @param journal  as read under this lock
 * @returns false if there is no room: the database must be written
 * @throws a system error
 */
export async function extendJournal(
  directory: string,
  settings: StoreSettings,
  { limit, soundOctets }: UidJournal,
  first: number,
  bases: readonly string[],
): Promise<boolean> {
  const batch = batchOf('', first, bases);
  if (first + bases.length > limit || soundOctets + batch.length > maxOctets) return false;
  const descriptor = openSync(octetPath(pathOf(directory)), o.O_WRONLY | o.O_APPEND | o.O_NOFOLLOW);
  try {
    // What a crash has cut off: nobody was told of it.
    if (fstatSync(descriptor).size !== soundOctets) steps.truncate(descriptor, soundOctets);
    steps.write(descriptor, batch);
    if (settings.durable) await steps.syncFile(descriptor);
    return true;
  } finally {
    closeSync(descriptor);
  }
}

/** Its lines are in the database. */
export function removeJournal(directory: string): void {
  try {
    steps.unlink(pathOf(directory));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
