/**
 * A folder's index: what a process that opens the folder would otherwise read from its directories and Courier's files.
 *
 *   whole: create tmp/y; write; rename tmp/y postrider-index
 *   a few changes: append them by one write, if the file is still the one this process has read or written
 *
 * Nothing is synced, and stopping anywhere leaves the old index, the new one or one that is not believed. The index is
 * no more than a memory of Courier's files: it holds the time stamps of the directories and of the UID database at a
 * moment when nothing was known to be new, and what is not as it was then is read again.
 */
import { closeSync, fstatSync, constants as o, openSync, readSync, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { type FolderState, sameStamps } from './folder-state.ts';
import {
  type DecodedIndex,
  decodeIndex,
  encodeChange,
  encodeIndex,
  type FolderImage,
  type IndexState,
  type Stamps,
} from './index-format.ts';
import { keptPath, keptTemporary } from './kept-files.ts';
import { nextTurn } from './slices.ts';
import * as steps from './steps.ts';
import { isDbChanged } from './uid-db-read.ts';

/** An index file as this process knows it. */
export interface SavedIndex {
  /** Inode, time and size; '' if it cannot be added to. */
  readonly stamp: string;
  readonly checksum: number;
  readonly baseOctets: number;
  readonly size: number;
  /** What of the folder it has. */
  readonly state: IndexState;
  readonly keywordSets: number;
  readonly cachedTo: number;
  /** When it was written, and how long that took: `performance.now()`. */
  readonly writtenMs: number;
  readonly tookMs: number;
}

/** More rows changed, or more cached since, and the index is written whole. */
const fewRows = 1000;
const littleCached = 1 << 20;
const pieceOctets = 4 << 20;
/** A folder that is at work has its index written no more often, nor for more than so much of the time. */
const leastPauseMs = 15_000;
const pauseRatio = 200;

function stampOf({ ino, mtimeMs, size }: { ino: number; mtimeMs: number; size: number }): string {
  return `${ino}:${mtimeMs}:${size}`;
}

/**
 * Takes the rows from the index.
 * @returns 'current': and they are as on disk; 'rows': UIDs are right, files must be looked for; 'former': they are in
 *   `state.former`, since the UID database is another by now; undefined: there is nothing to take
 */
export async function restoreIndex(state: FolderState): Promise<'current' | 'rows' | 'former' | undefined> {
  const read = await readIndex(state);
  if (!read) return undefined;
  const { image } = read.decoded;
  noteSaved(state, read.decoded, read.stamp, read.size);
  state.former = image;
  // The database first: whoever gives a UID has moved the file before.
  state.dbStamp = image.dbStamp;
  if (image.dbStamp === '' || isDbChanged(state)) {
    state.dbStamp = '';
    return 'former';
  }
  takeImage(state, image);
  if (!image.stamps) return 'rows';
  state.settle(image.stamps);
  return sameStamps(image.stamps, state.readStamps()) ? 'current' : 'rows';
}

function takeImage(state: FolderState, image: FolderImage): void {
  state.columns = image.columns;
  state.uidValidity = image.uidValidity;
  state.uidNext = image.uidNext;
  state.highestUid = image.highestUid;
  state.dbHeaderLength = image.dbHeaderLength;
  state.staleLines = image.staleLines;
  state.hasJournal = image.dbStamp.includes(' ');
  state.wantsDbWrite =
    image.staleLines * 4 > image.columns.count || (state.hasJournal && state.settings.lazyUids !== true);
  state.unmergedKeywords = image.unmergedKeywords;
  state.wantsKeywordMerge = image.wantsKeywordMerge;
  for (const set of image.keywordSets) state.keywordTable.idOf(set);
  state.cache.restore(image.cache);
  state.modseq = image.modseq;
  state.continueLogs(image);
  state.former = undefined;
  state.isLoaded = true;
}

/**
 * Gives rows that were read anew what the index knew of their messages: mod-sequences of those that are as they were,
 * file times, places in the cache. What has gone since is noted as removed.
 */
export function carryOver(state: FolderState): void {
  const { former, columns } = state;
  state.former = undefined;
  if (!former || former.uidValidity !== state.uidValidity) return;
  const old = former.columns;
  const gone: number[] = [];
  const setIds = former.keywordSets.map((set) => state.keywordTable.idOf(set));
  for (let row = 0, oldRow = 0; row < columns.count || oldRow < old.count; ) {
    const uid = row < columns.count ? columns.uids[row]! : Number.POSITIVE_INFINITY;
    const oldUid = oldRow < old.count ? old.uids[oldRow]! : Number.POSITIVE_INFINITY;
    if (uid === oldUid && columns.hasNameOf(row, old, oldRow)) {
      const isSame =
        columns.hasInfoOf(row, old, oldRow) && columns.keywordSet[row] === setIds[old.keywordSet[oldRow]!];
      if (isSame) columns.modseqs[row] = old.modseqs[oldRow]!;
      columns.mtimes[row] ||= old.mtimes[oldRow]!;
      for (const [kind, places] of old.places.entries())
        if (places) columns.placesOf(kind)[row] = places[oldRow]!;
    } else if (oldUid < uid) gone.push(oldUid);
    if (uid <= oldUid) row++;
    if (oldUid <= uid) oldRow++;
  }
  state.cache.restore(former.cache);
  state.continueLogs(former, gone);
}

async function readIndex(
  state: FolderState,
): Promise<{ decoded: DecodedIndex; stamp: string; size: number } | undefined> {
  const path = keptPath(state.directory, state.settings, 'index');
  try {
    const descriptor = openSync(octetPath(path), o.O_RDONLY | o.O_NOFOLLOW | o.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile() || stats.uid !== process.geteuid?.()) return undefined;
      const octets = Buffer.allocUnsafeSlow(stats.size);
      for (let at = 0; at < octets.length; ) {
        const got = readSync(descriptor, octets, at, Math.min(pieceOctets, octets.length - at), at);
        if (got === 0) return undefined;
        at += got;
        if (at < octets.length) await nextTurn();
      }
      const decoded = decodeIndex(octets);
      if (decoded) return { decoded, stamp: stampOf(stats), size: stats.size };
      state.settings.log.info(`${path}: damaged; the folder is read anew`);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    if (errorCode(error) !== 'ENOENT') state.settings.log.debug(`${path}: ${errorCode(error)}`);
  }
  return undefined;
}

function noteSaved(state: FolderState, decoded: DecodedIndex, stamp: string, size: number): void {
  const { image, checksum, baseOctets } = decoded;
  state.saved = {
    stamp: checksum === undefined ? '' : stamp,
    checksum: checksum ?? 0,
    baseOctets,
    size,
    state: image,
    keywordSets: image.keywordSets.length,
    cachedTo: image.cache?.scannedTo ?? 0,
    writtenMs: Number.NEGATIVE_INFINITY,
    tookMs: 0,
  };
}

/**
 * Writes the index if it is not what it could be. No error: a directory that cannot be written has none.
 * @param isLast  nobody works on the folder any more: now, even if what was read last may not be the newest
 */
export async function saveIndex(state: FolderState, isLast: boolean): Promise<void> {
  if (state.settings.keepsIndex !== true || !state.isLoaded || state.lost || state.isProvisional) return;
  const { saved } = state;
  const now = performance.now();
  if (!isLast && saved && now - saved.writtenMs < Math.max(leastPauseMs, pauseRatio * saved.tookMs)) return;
  state.cache.flush();
  const stamps = await certainStamps(state);
  if (state.lost || (!stamps && !isLast) || !hasNews(state, stamps)) return;
  try {
    if (!appendChange(state, stamps)) await writeWhole(state, stamps);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    state.settings.log.debug(`${state.directory}: no index: ${errorCode(error)}`);
  }
}

/** The stamps that the rows agree with for sure, so that any later change would show. */
async function certainStamps(state: FolderState): Promise<Stamps | undefined> {
  state.takeStock();
  if (!state.isSettled || state.isDirty() || isDbChanged(state)) return undefined;
  const { known } = state;
  // Whatever happened before `known` has an event, which the loop delivers in its next turn.
  await nextTurn();
  await nextTurn();
  return state.known === known && state.isSettled && !state.isDirty() && !isDbChanged(state)
    ? known
    : undefined;
}

function stateOf(state: FolderState, stamps: Stamps | undefined): IndexState {
  const {
    uidNext,
    highestUid,
    modseq,
    dbStamp,
    dbHeaderLength,
    staleLines,
    unmergedKeywords,
    wantsKeywordMerge,
  } = state;
  return {
    uidNext,
    highestUid,
    modseq,
    stamps,
    dbStamp,
    dbHeaderLength,
    staleLines,
    unmergedKeywords,
    wantsKeywordMerge,
  };
}

function hasNews(state: FolderState, stamps: Stamps | undefined): boolean {
  const { saved, cache } = state;
  if (!saved) return true;
  if (state.modseq !== saved.state.modseq || state.uidNext !== saved.state.uidNext) return true;
  if (state.dbStamp !== saved.state.dbStamp || cache.writtenTo > saved.cachedTo) return true;
  const before = saved.state.stamps;
  return stamps !== undefined && (!before || !sameStamps(before, stamps));
}

/** Adds a few changes to the file; false if there are many, or it is another file. */
function appendChange(state: FolderState, stamps: Stamps | undefined): boolean {
  const { saved, columns } = state;
  if (!saved || saved.stamp === '' || state.cache.writtenTo > saved.cachedTo + littleCached) return false;
  const since = saved.state.modseq;
  const rows = state.changesSince(since);
  const gone = state.expungedSince(since);
  if (gone === 'unknown' || rows.length + gone.length > fewRows) return false;
  const change = {
    ...stateOf(state, stamps),
    rows: rows.map(
      (row) =>
        [
          columns.uids[row]!,
          columns.fileName(row),
          columns.modseqs[row]!,
          columns.mtimes[row]!,
          columns.keywordSet[row]!,
        ] as const,
    ),
    gone: gone.map((uid) => [uid, state.modseq] as const),
    keywordSets: state.keywordTable.sets.slice(saved.keywordSets),
  };
  const { octets, checksum } = encodeChange(change, saved.checksum);
  if (saved.size + octets.length > saved.baseOctets * 1.25 + 65536) return false;
  const descriptor = openSync(
    octetPath(keptPath(state.directory, state.settings, 'index')),
    o.O_WRONLY | o.O_APPEND | o.O_NOFOLLOW,
  );
  try {
    if (stampOf(fstatSync(descriptor)) !== saved.stamp) return false;
    steps.write(descriptor, octets);
    const stats = fstatSync(descriptor);
    state.saved = {
      ...saved,
      stamp: stats.size === saved.size + octets.length ? stampOf(stats) : '',
      checksum,
      size: stats.size,
      state: change,
      keywordSets: state.keywordTable.sets.length,
      writtenMs: performance.now(),
    };
    return true;
  } finally {
    closeSync(descriptor);
  }
}

async function writeWhole(state: FolderState, stamps: Stamps | undefined): Promise<void> {
  const started = performance.now();
  const { directory, settings, columns } = state;
  const path = keptPath(directory, settings, 'index');
  const image: FolderImage = {
    ...stateOf(state, stamps),
    uidValidity: state.uidValidity,
    columns,
    keywordSets: state.keywordTable.sets.slice(),
    expunged: state.expungeLog,
    cache: state.cache.position,
  };
  const { octets, checksum } = encodeIndex(image);
  const temporary = keptTemporary(directory, settings, 'index');
  const descriptor = steps.create(temporary, 0o600);
  try {
    for (let at = 0; at < octets.length; at += pieceOctets)
      await steps.writeLater(descriptor, octets.subarray(at, at + pieceOctets));
    if (state.lost) {
      // Renamed or removed meanwhile: what has its path now is another folder.
      steps.unlink(temporary);
      return;
    }
    steps.rename(temporary, path);
    const stats = fstatSync(descriptor);
    const { columns: _, keywordSets, cache, ...rest } = image;
    state.saved = {
      stamp: stampOf(stats),
      checksum,
      baseOctets: octets.length,
      size: octets.length,
      state: rest,
      keywordSets: keywordSets.length,
      cachedTo: cache?.scannedTo ?? 0,
      writtenMs: performance.now(),
      tookMs: performance.now() - started,
    };
  } catch (error) {
    if (statSync(octetPath(temporary), { throwIfNoEntry: false })) steps.unlink(temporary);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
