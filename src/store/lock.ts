/**
 * The folder's dot lock (maildir-store §5). Sessions of this process queue for it first, so our own pid in a lock
 * that nobody here holds is a leftover. Taking it:
 *
 *   create tmp/<unique>; write `pid:host`; link it to tmp/courier.lock; unlink tmp/<unique>
 *
 * Stopping after any of these leaves a file that the 36 h purge removes, or a lock that is stale at once because
 * its pid is gone. Releasing it: unlink tmp/courier.lock.
 */
import { closeSync, fstatSync, readFileSync, statSync, watch } from 'node:fs';
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
  const temporary = `${folder}/tmp/${temporaryName(uniqueName(settings.hostname, 'courierlock'))}`;
  let descriptor: number;
  try {
    descriptor = steps.create(temporary);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'exists';
    throw asMailError(error, 'cannot lock the folder');
  }
  try {
    steps.write(descriptor, Buffer.from(`${process.pid}:${settings.hostname}`, 'latin1'));
    steps.link(temporary, lock);
    return 'taken';
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    // Over NFS an answer can get lost: the link count tells whose lock it is.
    if (fstatSync(descriptor).nlink === 2) return 'taken';
    if (errorCode(error) === 'EEXIST') return 'exists';
    settings.log.warn(`${lock}: ${errorCode(error)}; going on without a lock`);
    return 'unsupported';
  } finally {
    closeSync(descriptor);
    steps.unlink(temporary);
  }
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
    } catch {
      // It has gone already, or there are no watches: the timer decides.
      if (!readLock(lock)) finish();
    }
  });
}
