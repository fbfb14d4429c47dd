/** Bringing a folder's `courierimapuiddb` up to date (maildir-store §4). */
import { closeSync, fstatSync } from 'node:fs';
import { errorCode } from './errno.ts';
import type { FolderState } from './folder-state.ts';
import { baseLength } from './name-order.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { formatUidDbHeader, UidDbWriter } from './uid-db.ts';
import { appendLines, type NewLines, openToAppend, stampOf, writeLines } from './uid-db-append.ts';
import { databasePart, dbPath, joinStamps } from './uid-db-read.ts';
import {
  extendJournal,
  journalStamp,
  placeJournal,
  prepareJournal,
  readJournal,
  removeJournal,
  reservedUids,
} from './uid-journal.ts';
import { createTemporary, type TemporaryFile } from './unique-names.ts';

/** Rows beyond which lines are added to a copy made by the kernel, or to a journal where there may be one. */
const extendBeyond = 500;

/**
 * Brings the database up to date: the rows and `fresh`, whose UIDs follow the folder's UIDNEXT. Under the folder's lock.
 * @param fresh      full names
 * @param uidNext    for the header
 * @param mayExtend  stale lines of the old database may stay
 * @returns whether another file is in its place now, which is durable when the folder is
 */
export async function writeDb(
  state: FolderState,
  fresh: readonly { readonly name: string }[],
  uidNext: number,
  mayExtend: boolean,
): Promise<boolean> {
  if (fresh.length === 0 && state.dbStamp !== '' && !state.wantsDbWrite) return false;
  if (await journalUids(state, fresh)) return false;
  if (mayExtend && (await appendInPlace(state, fresh, uidNext))) return false;
  await replaceDb(state, fresh, uidNext, mayExtend);
  return true;
}

/** Writes a new database; the old one stays if that fails. */
async function replaceDb(
  state: FolderState,
  fresh: readonly { readonly name: string }[],
  uidNext: number,
  mayExtend: boolean,
): Promise<void> {
  const { directory, settings } = state;
  const isLazy = wantsJournal(state);
  const promised = isLazy ? uidNext + reservedUids : uidNext;
  const staleBefore = state.staleLines;
  const temporary = createTemporary(directory, settings.hostname, 'imapuid');
  let isPlaced = false;
  try {
    state.uidValidity ||= newUidValidity(state, temporary.descriptor);
    const isExtended = mayExtend && state.columns.count > extendBeyond && canExtend(state, promised);
    if (isExtended) await extend(state, temporary, fresh, promised);
    else await writeRows(state, temporary, fresh, promised);
    if (settings.durable) await steps.syncFile(temporary.descriptor);
    const stamp = stampOf(fstatSync(temporary.descriptor));
    const { uidValidity } = state;
    // Between the two renames others take the promise for UIDNEXT.
    const journal = isLazy
      ? await prepareJournal(directory, settings, { uidValidity, limit: promised, database: stamp, uidNext })
      : undefined;
    steps.rename(temporary.path, dbPath(state));
    isPlaced = true;
    if (journal !== undefined) placeJournal(directory, journal);
    else if (state.hasJournal) removeJournal(directory);
    state.hasJournal = isLazy;
    state.dbStamp = isLazy ? joinStamps(stamp, journalStamp(directory)) : stamp;
    state.dbHeaderLength = headerOf(state, promised).length;
    state.wantsDbWrite = false;
    if (!isExtended) state.staleLines -= staleBefore;
  } catch (error) {
    if (isPlaced) doubtDb(state, uidNext);
    else removeQuietly(state, temporary.path);
    throw error;
  } finally {
    closeSync(temporary.descriptor);
  }
}

/** Only a large folder: a small database is written as fast. */
function wantsJournal({ settings, columns }: FolderState): boolean {
  return settings.lazyUids === true && columns.count > extendBeyond;
}

/** Gives the UIDs in the journal only; false if the database must be written. */
async function journalUids(
  state: FolderState,
  fresh: readonly { readonly name: string }[],
): Promise<boolean> {
  if (!wantsJournal(state) || !state.hasJournal || state.wantsDbWrite || fresh.length === 0) return false;
  const { directory, settings, uidValidity, uidNext } = state;
  const database = databasePart(state.dbStamp);
  const journal = readJournal(directory);
  if (journal?.uidValidity !== uidValidity || journal.database !== database) return false;
  const { bases } = linesOf(state, fresh);
  if (!(await extendJournal(directory, settings, journal, uidNext, bases))) return false;
  state.dbStamp = joinStamps(database, journalStamp(directory));
  return true;
}

function removeQuietly(state: FolderState, path: string): void {
  try {
    steps.unlink(path);
  } catch (error) {
    state.settings.log.warn(`${path}: cannot remove it: ${errorCode(error)}`);
  }
}

function headerOf(state: FolderState, uidNext: number): string {
  return formatUidDbHeader({ uidValidity: state.uidValidity, uidNext });
}

/** The rows may be copied as they stand: nothing but the header's digits changes before the new lines. */
function canExtend(state: FolderState, uidNext: number): boolean {
  return (
    state.dbStamp !== '' &&
    !state.hasJournal &&
    !state.wantsDbWrite &&
    state.staleLines * 4 <= state.columns.count &&
    headerOf(state, uidNext).length === state.dbHeaderLength
  );
}

/**
 * Adds the lines to the database as it lies. Without fsync the header could reach the disk behind them.
 * @returns false if it must be written anew
 */
async function appendInPlace(
  state: FolderState,
  fresh: readonly { readonly name: string }[],
  uidNext: number,
): Promise<boolean> {
  const { durable, useLocks } = state.settings;
  if (fresh.length === 0 || !durable || !useLocks || wantsJournal(state) || !canExtend(state, uidNext))
    return false;
  const descriptor = openToAppend(dbPath(state), state.dbStamp);
  if (descriptor === undefined) return false;
  try {
    state.dbEnd = await appendLines(descriptor, headerOf(state, uidNext), linesOf(state, fresh));
    state.dbStamp = state.dbEnd.stamp;
    return true;
  } catch (error) {
    doubtDb(state, uidNext);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * After a failure that came too late: others may have read UIDs below `uidNext` by now, so they are not given again, and
 * the database is written anew.
 */
export function doubtDb(state: FolderState, uidNext: number): void {
  state.uidNext = Math.max(state.uidNext, uidNext);
  state.dbStamp = 'to be read';
  state.wantsDbWrite = true;
}

function linesOf({ uidNext }: FolderState, fresh: readonly { readonly name: string }[]): NewLines {
  return { first: uidNext, bases: fresh.map(({ name }) => name.slice(0, baseLength(name))) };
}

async function extend(
  state: FolderState,
  { path, descriptor }: TemporaryFile,
  fresh: readonly { readonly name: string }[],
  uidNext: number,
): Promise<void> {
  await steps.copyOver(dbPath(state), path);
  await writeLines(descriptor, linesOf(state, fresh), fstatSync(descriptor).size);
  steps.writeAt(descriptor, Buffer.from(headerOf(state, uidNext), 'latin1'), 0);
}

async function writeRows(
  state: FolderState,
  { descriptor }: TemporaryFile,
  fresh: readonly { readonly name: string }[],
  uidNext: number,
): Promise<void> {
  // Columns are replaced, not changed, when rows go: this picture stays whole over the waits below.
  const { uids, nameAt, count, names } = state.columns;
  const block = names.block;
  const first = state.uidNext;
  const writer = new UidDbWriter({ uidValidity: state.uidValidity, uidNext }, (octets) =>
    steps.write(descriptor, octets),
  );
  const slice = new Slice();
  for (let row = 0; row < count; row++) {
    const start = nameAt[row]! + 5;
    writer.add(uids[row]!, block, start, start + block[start - 1]!);
    if (slice.isOver()) await slice.next();
  }
  for (const [index, { name }] of fresh.entries()) {
    writer.addName(first + index, name.slice(0, baseLength(name)));
    if (slice.isOver()) await slice.next();
  }
  writer.flush();
}

const floors = new Map<string, number>();

/** Remembers a UIDVALIDITY that must not come again for this folder. */
export function raiseUidValidityFloor(directory: string, uidValidity: number): void {
  const floor = Math.max(uidValidity, floors.get(directory) ?? 0);
  floors.delete(directory);
  floors.set(directory, floor);
  if (floors.size > 1000) floors.delete(floors.keys().next().value!);
}

/** Courier's epoch begins in 2001 (maildir-store §4.3); the clock is the file system's. */
function newUidValidity(state: FolderState, descriptor: number): number {
  const made = Math.floor(fstatSync(descriptor).mtimeMs / 1000) - 1_000_000_000;
  return Math.max(1, made, (floors.get(state.directory) ?? 0) + 1);
}
