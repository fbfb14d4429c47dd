/**
 * Giving UIDs, under the folder's lock (maildir-store §4.4): messages of this process first, then new mail in the
 * order of §4.5.
 *
 *   rename new/x cur/x:2,            for each new message
 *   link tmp/y cur/y; unlink tmp/y   for each message of ours (see append.ts, copy.ts)
 *   create tmp/db; write; fsync; rename tmp/db courierimapuiddb; fsync the folder
 *     (or it gets lines where it lies: uid-db-append.ts)
 *
 * Stopping before the last rename leaves messages without a UID, which the next scan gives one; nobody has been
 * told of them. A UID is told only when the database that holds it is in its place.
 */
import { lstatSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import { takeKeywordNames } from './folder-keywords.ts';
import type { FolderState } from './folder-state.ts';
import { keywordDirectory } from './keyword-files.ts';
import { baseLength, compareNames, sortByName } from './name-order.ts';
import { isStorable } from './scan.ts';
import { Slice } from './slices.ts';
import * as steps from './steps.ts';
import { doubtDb, writeDb } from './uid-db-file.ts';
import { deliveredName, uniqueName } from './unique-names.ts';

/** A message that gets a UID. */
interface Fresh {
  /** Its full name in `cur`. */
  readonly name: string;
  readonly mtimeSeconds: number;
  readonly keywordSet: number;
  readonly isRecent: boolean;
  /** It came from `new`. */
  readonly wasNew: boolean;
}

/** A message of ours that is about to appear in `cur`. */
export interface Incoming extends Fresh {
  /** Settles the name. @param taken  base names of messages that are on their way too; its own is added */
  choose(taken: Set<string>): void;
  /** Puts the file in its place. */
  place(): void;
  /** Takes it back after a failure of a later one, so that it can be placed again or discarded. */
  undo(): void;
  /** Removes its temporary files, if it was never placed. */
  discard(): void;
}

/**
 * Gives UIDs to `incoming` and to all new mail known of. Under the lock, after `collect`.
 * @returns the UIDs of `incoming`, in order
 * @throws {MailError} if a UID database or a message cannot be written; then no message of `incoming` is there
 */
export async function assignUids(state: FolderState, incoming: readonly Incoming[] = []): Promise<number[]> {
  const placed: Incoming[] = [];
  const found = new Map<string, Fresh>();
  const slice = new Slice();
  let writtenTo = 0;
  state.isAssigning = true;
  try {
    const endChange = state.startOwnChange(true);
    const taken = new Set<string>();
    for (const message of incoming) {
      placed.push(message);
      message.choose(taken);
      state.watch?.expect('cur', message.name);
      message.place();
      if (slice.isLong()) await slice.next();
    }
    await takeArrived(state, found, slice);
    endChange();
    const arrived = await sortByName(found.values());
    const fresh: readonly Fresh[] = arrived.length === 0 ? incoming : [...incoming, ...arrived];
    const first = state.uidNext;
    if (first + fresh.length > 0xffff_ffff) throw new MailError('unavailable', 'the folder has no UIDs left');
    // A line for a name that has a stale one would make two: then the database is written anew.
    const mayExtend = arrived.length === 0 || state.staleLines === 0;
    const isDurable = state.settings.durable && fresh.length > 0;
    const synced = isDurable ? syncPlaces(state, fresh) : undefined;
    // A failure counts when it is awaited.
    synced?.catch(() => undefined);
    const isReplaced = await writeDb(state, fresh, first + fresh.length, mayExtend);
    writtenTo = first + fresh.length;
    if (isDurable && isReplaced) await steps.syncDirectory(state.directory);
    await synced;
    // UIDs that the database has may be told one by one.
    for (const each of fresh) {
      addFresh(state, each);
      if (slice.isOver()) await slice.next();
    }
    if (arrived.length > 0) await readKeywordsOf(state, arrived);
    state.uidNext = Math.max(state.uidNext, first + fresh.length);
    return incoming.map((_, index) => first + index);
  } catch (error) {
    for (const message of placed) {
      undoPlaced(state, message);
      if (slice.isLong()) await slice.next();
    }
    for (const each of found.values()) state.unlisted.add(each.name);
    if (writtenTo > 0) doubtDb(state, writtenTo);
    throw asMailError(error, 'cannot give UIDs');
  } finally {
    state.isAssigning = false;
  }
}

/** Makes the messages' places durable. */
async function syncPlaces(state: FolderState, fresh: readonly Fresh[]): Promise<void> {
  const directories = [`${state.directory}/cur`];
  if (fresh.some(({ keywordSet }) => keywordSet !== 0)) directories.push(keywordDirectory(state.directory));
  await Promise.all(directories.map((directory) => steps.syncDirectory(directory)));
}

function undoPlaced(state: FolderState, message: Incoming): void {
  try {
    message.undo();
  } catch (error) {
    state.settings.log.error(`${state.path(message.name)}: cannot take it back: ${errorCode(error)}`);
  }
}

function addFresh(state: FolderState, fresh: Fresh): void {
  const uid = state.uidNext;
  const { name, mtimeSeconds, keywordSet } = fresh;
  state.addRow({ uid, name, baseLength: baseLength(name), mtimeSeconds, keywordSet });
  if (fresh.isRecent) state.recent.push(uid);
}

/** What was not new mail may have keywords in any of the files; a full read finds them. */
async function readKeywordsOf(state: FolderState, arrived: readonly Fresh[]): Promise<void> {
  if (arrived.some((each) => !each.wasNew)) state.wantsKeywordRead = true;
  else await takeKeywordNames(state, new Set(arrived.map(({ name }) => name.slice(0, baseLength(name)))));
}

/** Moves new mail into `cur`, and looks at what has no UID there. */
async function takeArrived(state: FolderState, arrived: Map<string, Fresh>, slice: Slice): Promise<void> {
  for (const name of state.waiting) {
    const moved = isStorable(name) ? takeWaiting(state, name) : undefined;
    state.waiting.delete(name);
    if (moved) addArrived(state, arrived, moved);
    if (slice.isLong()) await slice.next();
  }
  for (const name of state.unlisted) {
    const mtimeSeconds = mtimeOf(state, state.path(name));
    state.unlisted.delete(name);
    if (mtimeSeconds !== undefined) addArrived(state, arrived, freshMessage(name, mtimeSeconds, false));
    if (slice.isLong()) await slice.next();
  }
}

/** Two files of one base name are one message. */
function addArrived(state: FolderState, arrived: Map<string, Fresh>, fresh: Fresh): void {
  const length = baseLength(fresh.name);
  const base = fresh.name.slice(0, length);
  if (arrived.has(base) || state.columns.rowOfName(fresh.name, length) >= 0)
    state.settings.log.warn(`${state.path(fresh.name)}: a second file of the same name; passed over`);
  else arrived.set(base, fresh);
}

function freshMessage(name: string, mtimeSeconds: number, wasNew: boolean): Fresh {
  const isRecent = name.startsWith(':2,', baseLength(name));
  return { name, mtimeSeconds, keywordSet: 0, isRecent, wasNew };
}

function mtimeOf(state: FolderState, path: string): number | undefined {
  const stats = lstatSync(octetPath(path), { throwIfNoEntry: false });
  return stats && state.isMessage(stats) ? dateOf(stats.mtimeMs, stats) : undefined;
}

/** 0, not known, for links: the date is that of the file. */
function dateOf(mtimeMs: number, stats: { isFile(): boolean }): number {
  return stats.isFile() ? Math.max(0, Math.floor(mtimeMs / 1000)) : 0;
}

/** Moves one message from `new` to `cur`; undefined if it has gone or cannot be moved. */
function takeWaiting(state: FolderState, name: string): Fresh | undefined {
  const from = `${state.directory}/new/${name}`;
  const stats = lstatSync(octetPath(from), { throwIfNoEntry: false, bigint: true });
  if (!stats || !state.isMessage(stats)) return undefined;
  let target = name.includes(':') ? name : `${name}:2,`;
  // A rename would put it over another message.
  if (lstatSync(octetPath(state.path(target)), { throwIfNoEntry: false }))
    target = `${deliveredName(uniqueName(state.settings.hostname), stats)}:2,`;
  state.watch?.expect('new', name);
  state.watch?.expect('cur', target);
  try {
    steps.rename(from, state.path(target));
  } catch (error) {
    state.watch?.unexpect('new', name);
    state.watch?.unexpect('cur', target);
    if (errorCode(error) === undefined) throw error;
    if (errorCode(error) !== 'ENOENT')
      state.settings.log.error(`${from}: cannot move it to cur: ${errorCode(error)}`);
    return undefined;
  }
  return freshMessage(target, dateOf(Number(stats.mtimeMs), stats), true);
}

/** Gives UIDs in memory only, where nothing can be written: they hold while the folder stays open. */
export function assignProvisionally(state: FolderState): void {
  state.isProvisional = true;
  state.uidValidity ||= Math.floor(Date.now() / 1000) - 1_000_000_000;
  const names = [...state.unlisted, ...state.waiting].filter(isStorable).sort(compareNames);
  state.unlisted.clear();
  state.waiting.clear();
  for (const name of names) {
    if (state.columns.rowOfName(name, baseLength(name)) < 0)
      addFresh(state, { name, mtimeSeconds: 0, keywordSet: 0, isRecent: true, wasNew: false });
  }
}
