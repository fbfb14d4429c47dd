/**
 * The folder's dot lock (maildir-store §5). Sessions of this process queue for it first, so our own pid in a lock
 * that nobody here holds is a leftover. Taking it:
 *
 *   create tmp/<unique>; write `pid:host`; link it to tmp/courier.lock; unlink tmp/<unique>
 *
 * While a folder is busy the unlink is left out, and the same file is used again:
 *
 *   utimes tmp/<unique>; link it to tmp/courier.lock
 *
 * Stopping after any of these leaves a file that the 36 h purge removes, or a lock that is stale at once because
 * its pid is gone. Releasing it: unlink tmp/courier.lock.
 */
import { closeSync, readFileSync, statSync, watch } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { temporaryName, uniqueName } from './unique-names.ts';

/** A lock of another host is stale when it is older. */
const foreignStaleMs = 120_000;
/** Longest wait for somebody who lives. */
const patienceMs = 300_000;
/** A watch on the lock can miss (network file systems): look again. */
const recheckMs = 1000;

const queues = new Map<string, Promise<void>>();

/** Runs `task` when all earlier tasks of that key have ended. */
export async function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
  const earlier = queues.get(key);
  let done: () => void = () => undefined;
  const mine = new Promise<void>((resolve) => {
    done = resolve;
  });
  const tail = earlier === undefined ? mine : earlier.then(() => mine);
  queues.set(key, tail);
  try {
    if (earlier !== undefined) await earlier;
    return await task();
  } finally {
    if (queues.get(key) === tail) queues.delete(key);
    done();
  }
}

/**
 * Takes the dot lock; the caller has its turn (`inTurn`) already.
 * @param file  another lock than the one that Courier knows
 * @returns how to release it
 * @throws {MailError} noPermission, unavailable: no file can be made in `tmp/`; inUse: somebody holds it for minutes
 */
export async function takeDotLock(
  folder: string,
  settings: StoreSettings,
  file = 'courier.lock',
): Promise<() => void> {
  if (!settings.useLocks) return () => undefined;
  const lock = `${folder}/tmp/${file}`;
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const outcome = tryLink(folder, lock, settings);
    if (outcome === 'unsupported') return () => undefined;
    if (outcome === 'taken') return () => release(lock, settings);
    if (removeIfStale(folder, lock, settings)) continue;
    if (Date.now() > deadline) throw new MailError('inUse', 'another program holds the folder lock');
    await released(lock);
  }
}

function tryLink(folder: string, lock: string, settings: StoreSettings): 'taken' | 'exists' | 'unsupported' {
  const isBusy = noteLock(folder);
  const source = (isBusy && waitingSource(folder)) || createSource(folder, settings);
  try {
    steps.link(source, lock);
    return 'taken';
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    // Over NFS an answer can get lost: the inode tells whose lock it is.
    if (isSameFile(source, lock)) return 'taken';
    if (errorCode(error) === 'EEXIST') return 'exists';
    settings.log.warn(`${lock}: ${errorCode(error)}; going on without a lock`);
    return 'unsupported';
  } finally {
    if (isBusy) keepSource(folder, source);
    else removeSource(source);
  }
}

/** A folder is busy from so many locks on that follow each other so closely. */
const busyLocks = 8;
const busyMs = 1000;

interface Activity {
  locks: number;
  /** The file that becomes the folder's next lock. */
  source: string | undefined;
  readonly timer: NodeJS.Timeout;
}

const activities = new Map<string, Activity>();

/** Whether the folder is busy. */
function noteLock(folder: string): boolean {
  const activity = activities.get(folder);
  if (activity !== undefined) {
    activity.timer.refresh();
    return ++activity.locks > busyLocks;
  }
  if (activities.size === 0) process.once('exit', forgetSources);
  const timer = setTimeout(() => forgetSource(folder), busyMs).unref();
  activities.set(folder, { locks: 1, source: undefined, timer });
  return false;
}

/** The file that was kept, with the present time; undefined if there is none any more. */
function waitingSource(folder: string): string | undefined {
  const path = activities.get(folder)?.source;
  if (path === undefined) return undefined;
  try {
    steps.setPathTimes(path, Date.now() / 1000);
    return path;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    keepSource(folder, undefined);
    return undefined;
  }
}

function keepSource(folder: string, source: string | undefined): void {
  const activity = activities.get(folder);
  if (activity !== undefined) activity.source = source;
}

/** A file with our pid in the folder's `tmp`. @throws {MailError} it cannot be made */
function createSource(folder: string, settings: StoreSettings): string {
  const path = `${folder}/tmp/${temporaryName(uniqueName(settings.hostname, 'courierlock'))}`;
  let descriptor: number | undefined;
  try {
    descriptor = steps.create(path);
    steps.write(descriptor, Buffer.from(`${process.pid}:${settings.hostname}`, 'latin1'));
    return path;
  } catch (error) {
    if (descriptor !== undefined) removeSource(path);
    throw asMailError(error, 'cannot lock the folder');
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Call before a folder gets another name: removes what waits in its `tmp` to become the next lock. */
export function forgetSource(folder: string): void {
  const activity = activities.get(folder);
  if (activity === undefined) return;
  clearTimeout(activity.timer);
  activities.delete(folder);
  if (activities.size === 0) process.off('exit', forgetSources);
  if (activity.source !== undefined) removeSource(activity.source);
}

function forgetSources(): void {
  for (const folder of [...activities.keys()]) forgetSource(folder);
}

function removeSource(path: string): void {
  try {
    steps.unlink(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    // The folder has gone, or the purge of `tmp/` removes it later.
  }
}

function isSameFile(a: string, b: string): boolean {
  const first = statSync(octetPath(a), { throwIfNoEntry: false });
  const second = statSync(octetPath(b), { throwIfNoEntry: false });
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function release(lock: string, settings: StoreSettings): void {
  try {
    steps.unlink(lock);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    settings.log.warn(`${lock}: cannot release: ${errorCode(error)}`);
  }
}

/** Whether the way is free now: the lock was stale and is removed, or has gone by itself. */
function removeIfStale(folder: string, lock: string, settings: StoreSettings): boolean {
  const seen = readLock(lock);
  if (!seen) return true;
  if (!isStale(seen, settings.hostname)) return false;
  // Somebody may have removed it and taken it since: take it aside by a rename, and look at what we got.
  const aside = `${folder}/tmp/${temporaryName(uniqueName(settings.hostname, 'courierlock'))}`;
  try {
    steps.rename(lock, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw asMailError(error, 'cannot remove a stale folder lock');
  }
  const got = readLock(aside);
  if (got && (got.inode !== seen.inode || got.content !== seen.content)) steps.link(aside, lock);
  else settings.log.info(`${lock}: removed the stale lock of ${seen.content}`);
  steps.unlink(aside);
  return true;
}

interface LockSeen {
  readonly content: string;
  readonly inode: number;
  readonly mtimeMs: number;
}

function readLock(path: string): LockSeen | undefined {
  try {
    const { ino, mtimeMs } = statSync(octetPath(path));
    return { content: readFileSync(octetPath(path), 'latin1').slice(0, 256), inode: ino, mtimeMs };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw asMailError(error, 'cannot read the folder lock');
  }
}

function isStale(lock: LockSeen, hostname: string): boolean {
  const parsed = /^(\d+):(.+)$/.exec(lock.content);
  if (!parsed || parsed[2] !== hostname) return Date.now() - lock.mtimeMs > foreignStaleMs;
  const pid = Number(parsed[1]);
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Resolves when the lock has gone, or soon enough to look again. */
function released(lock: string): Promise<void> {
  return new Promise((resolve) => {
    let watcher: ReturnType<typeof watch> | undefined;
    const finish = () => {
      clearTimeout(timer);
      watcher?.close();
      resolve();
    };
    const timer = setTimeout(finish, recheckMs);
    try {
      watcher = watch(octetPath(lock), finish);
      watcher.on('error', finish);
    } catch (error) {
      // It has gone already, whoever may have it by now. Where there are no watches the timer decides.
      if (errorCode(error) === 'ENOENT' || !readLock(lock)) finish();
    }
  });
}
