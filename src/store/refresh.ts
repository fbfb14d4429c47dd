/**
 * Bringing the columns up to date with the disk. `collect` reads: by the names of watch events where that is safe,
 * by a scan otherwise. What must be written (UIDs of new mail, merged keywords) follows under the lock, after
 * another `collect`, because others may have done it while we waited.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { assignProvisionally, assignUids } from './assign.ts';
import { errorCode } from './errno.ts';
import { loadKeywords, takeKeywordNames } from './folder-keywords.ts';
import { type FolderState, sameDirectories, sameStamps } from './folder-state.ts';
import { carryOver, restoreIndex } from './index-file.ts';
import type { Stamps } from './index-format.ts';
import { makeKeywordDirectory } from './keyword-files.ts';
import { followTarget } from './link-folder.ts';
import { inTurn, takeDotLock } from './lock.ts';
import { baseLength } from './name-order.ts';
import { adoptListed, isStorable, loadFolder, readNewDb, rescanFolder } from './scan.ts';
import { nextTurn, Slice } from './slices.ts';
import * as steps from './steps.ts';
import type { UidDbReader } from './uid-db.ts';
import { raiseUidValidityFloor } from './uid-db-file.ts';
import { isDbChanged } from './uid-db-read.ts';

const purgeEveryMs = 3_600_000;
const temporaryMaxAgeMs = 36 * 3_600_000;
/** Renames that chase each other while we look at a directory. */
const maxRounds = 8;

/** @throws {MailError} notFound: the folder was removed; unavailable */
export function refresh(state: FolderState): Promise<void> {
  return inTurn(state.turnKey, async () => {
    if (state.isLoaded && !state.isDirty()) return;
    const { linkTarget } = state.settings;
    if (linkTarget !== undefined && state.hasTargetNews)
      await underLock(state, () => followTarget(state, linkTarget));
    await collect(state);
    if (!needsLock(state)) return;
    await underLock(state, async () => {
      purgeTemporary(state);
      await assignArrived(state);
      if (state.wantsKeywordMerge) await loadKeywords(state, true);
    });
  });
}

/** New mail that cannot get a UID now (no space) waits for the next refresh; the rest stays readable. */
async function assignArrived(state: FolderState): Promise<void> {
  try {
    await assignUids(state);
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    state.settings.log.error(`${state.directory}: ${error.message}`);
    if (state.dbStamp === '') assignProvisionally(state);
  }
}

/**
 * Runs `task` with the folder's lock, the columns being up to date; the caller has its turn.
 * Where no lock can be made because nothing can be written, new mail gets provisional UIDs and `task` is left out.
 * @returns whether `task` ran
 */
export async function underLock(state: FolderState, task: () => Promise<void>): Promise<boolean> {
  let release: () => void;
  try {
    release = await takeDotLock(state.directory, state.settings);
  } catch (error) {
    if (!(error instanceof MailError && error.kind === 'noPermission')) throw error;
    assignProvisionally(state);
    return false;
  }
  try {
    if (state.isProvisional) {
      state.lose(new MailError('unavailable', 'the folder can be written again: open it anew'));
      throw state.lost!;
    }
    await collect(state);
    await task();
    if (state.wantsKeywordRead) await loadKeywords(state, false);
    return true;
  } finally {
    release();
  }
}

function needsLock(state: FolderState): boolean {
  if (state.isProvisional) return state.unlisted.size > 0 || state.waiting.size > 0;
  return (
    state.unlisted.size > 0 ||
    state.waiting.size > 0 ||
    state.dbStamp === '' ||
    state.wantsDbWrite ||
    state.wantsKeywordMerge
  );
}

/** Reads what changed on disk; in the caller's turn. */
export async function collect(state: FolderState): Promise<void> {
  if (state.lost) throw state.lost;
  if (!state.isLoaded && state.settings.keepsIndex === true) {
    if ((await restoreIndex(state)) === 'current') setImmediate(() => watchLater(state));
  }
  let stamps = state.readStamps();
  if (state.isLoaded && isClean(state, stamps)) return;
  if (state.watch && state.known && !sameDirectories(stamps, state.known)) {
    // A directory was replaced: the old watch sees nothing any more.
    state.watch.close();
    state.watch = undefined;
  }
  // Read before we look for files: whatever it lists is in `cur` by now. The other way round a file could show up
  // after its line had been passed over, and get a second UID.
  const db = state.isLoaded ? readNewDb(state) : undefined;
  try {
    if (state.isLoaded && state.watch && !state.watch.isDoubtful) {
      await state.watch.drain();
      if (!state.watch.isDoubtful && (await takeNames(state, db))) {
        state.settle(stamps);
        return;
      }
    }
    stamps = await scan(state, db);
  } catch (error) {
    if (db) state.dbStamp = 'not adopted';
    throw error;
  }
  state.settle(stamps);
}

/** The index said that nothing changed: a watch, which takes the kernel a while, is for what comes from now on. */
function watchLater(state: FolderState): void {
  if (state.watch || state.lost) return;
  if (state.startWatch() && !hasSameStamps(state)) state.doubtWatch();
}

function hasSameStamps(state: FolderState): boolean {
  try {
    return state.known !== undefined && sameStamps(state.known, state.readStamps());
  } catch {
    return false; // a refresh says why
  }
}

/** @returns the stamps of before it began */
async function scan(state: FolderState, db: UidDbReader | undefined): Promise<Stamps> {
  if (state.readStamps().keywordsInode === 0) makeKeywordDirectory(state.directory);
  // Beside a watch that has lost events, time stamps prove nothing: ours may be taken after others' changes.
  const known = state.isLoaded && !state.watch && state.isKnownCertain ? state.known : undefined;
  if (state.watch || state.startWatch()) state.watch?.trust();
  // Watching a large directory takes the kernel milliseconds.
  if (!state.isLoaded) await nextTurn();
  const stamps = state.readStamps();
  const sameCur = known?.curTime === stamps.curTime && known.curInode === stamps.curInode;
  const sameKeywords =
    known?.keywordsTime === stamps.keywordsTime && known.keywordsInode === stamps.keywordsInode;
  if (state.isLoaded) await rescanFolder(state, db, sameCur).catch(rememberValidity(state));
  else await loadFolder(state);
  if (!sameKeywords || state.wantsKeywordRead) await loadKeywords(state, false);
  if (state.former) carryOver(state);
  return stamps;
}

/** Nothing changed since the last look. A new UID database means new files, even where times look equal. */
function isClean(state: FolderState, stamps: Stamps): boolean {
  const { watch, known } = state;
  if (!known || !sameStamps(known, stamps) || isDbChanged(state)) return false;
  return watch ? !watch.isDoubtful && !watch.hasPending : !state.isUnsettled;
}

function rememberValidity(state: FolderState): (error: unknown) => never {
  return (error) => {
    if (state.lost) raiseUidValidityFloor(state.directory, state.uidValidity);
    throw error;
  };
}

/** Looks at the names of watch events only; false if a scan is needed after all. */
async function takeNames(state: FolderState, db: UidDbReader | undefined): Promise<boolean> {
  const watch = state.watch!;
  const slice = new Slice();
  for (let round = 0; round < maxRounds; round++) {
    for (const name of watch.take('new')) {
      noteWaiting(state, name);
      if (slice.isOver()) await slice.next();
    }
    const missing = await takeCurrentNames(state, watch.take('cur'));
    if (missing.length > 0) {
      // A file that was renamed again has another event on its way: only silence means that it is gone.
      await watch.drain();
      if (watch.isDoubtful) return false;
      dropMissing(state, missing, watch.pending.cur);
    }
    if (watch.pending.cur.size === 0 && watch.pending.new.size === 0) break;
  }
  if (watch.isDoubtful) return false;
  try {
    adoptListed(state, db);
  } catch (error) {
    rememberValidity(state)(error);
  }
  await takeKeywordNames(state, watch.take('courierimapkeywords'));
  return true;
}

function noteWaiting(state: FolderState, name: string): void {
  if (name.startsWith('.') || !isMessage(state, `${state.directory}/new/${name}`)) return;
  if (state.isProvisional && state.columns.rowOfName(name, baseLength(name)) >= 0) return;
  state.waiting.add(name);
}

function isMessage(state: FolderState, path: string): boolean {
  const stats = lstatSync(octetPath(path), { throwIfNoEntry: false });
  return stats !== undefined && state.isMessage(stats);
}

/** UIDs whose remembered name is none any more. */
async function takeCurrentNames(state: FolderState, names: ReadonlySet<string>): Promise<number[]> {
  const suspects = new Set<number>();
  const slice = new Slice();
  for (const name of names) {
    if (!name.startsWith('.')) takeCurrentName(state, name, suspects);
    if (slice.isOver()) await slice.next();
  }
  const { columns } = state;
  return [...suspects].filter((uid) => {
    const row = columns.rowOf(uid);
    return row >= 0 && !state.statMessage(columns.fileName(row));
  });
}

function takeCurrentName(state: FolderState, name: string, suspects: Set<number>): void {
  const { columns } = state;
  const length = baseLength(name);
  const row = columns.rowOfName(name, length);
  const exists = isMessage(state, state.path(name));
  if (row < 0) {
    if (!exists) state.unlisted.delete(name);
    else if (isStorable(name)) state.unlisted.add(name);
    return;
  }
  const present = columns.fileName(row);
  if (!exists) {
    // Also by a name it had for a moment: the event of its present one may have been taken before.
    suspects.add(columns.uids[row]!);
    return;
  }
  if (name === present || state.statMessage(present)) return;
  if (columns.setInfo(row, name.slice(length))) state.rowChanged(row);
  suspects.delete(columns.uids[row]!);
}

function dropMissing(state: FolderState, uids: readonly number[], pending: ReadonlySet<string>): void {
  const { columns } = state;
  const renamed = new Set<number>();
  for (const name of pending) renamed.add(columns.names.find(name, baseLength(name)));
  const rows: number[] = [];
  for (const uid of uids) {
    const row = columns.rowOf(uid);
    if (row >= 0 && !renamed.has(uid) && !state.statMessage(columns.fileName(row))) rows.push(row);
  }
  rows.sort((a, b) => a - b);
  state.removeRows(rows);
}

/** Unlinks what was left in `tmp` for 36 hours (maildir-store §9). */
function purgeTemporary(state: FolderState): void {
  const now = Date.now();
  if (now - state.lastPurgeMs < purgeEveryMs) return;
  state.lastPurgeMs = now;
  const directory = `${state.directory}/tmp`;
  for (const name of readdirSync(octetPath(directory), 'latin1')) {
    if (name.startsWith('.')) continue;
    const stats = lstatSync(octetPath(`${directory}/${name}`), { throwIfNoEntry: false });
    if (!stats || stats.isDirectory() || now - stats.ctimeMs < temporaryMaxAgeMs) continue;
    try {
      steps.unlink(`${directory}/${name}`);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }
}
