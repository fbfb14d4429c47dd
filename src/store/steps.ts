/**
 * Every system call of the store that changes something on disk goes through here, so that the crash test can
 * stop before any of them. Paths are latin1 strings.
 */
import {
  chmodSync,
  closeSync,
  copyFile,
  fsync,
  ftruncateSync,
  futimesSync,
  linkSync,
  mkdirSync,
  constants as o,
  openSync,
  renameSync,
  rmdir,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  write as writeInPool,
  writeSync,
} from 'node:fs';
import { octetPath } from '../base/paths.ts';

type Before = (call: string) => void;

let before: Before | undefined;

/** Calls `hook` before each step; what it throws is the step's failure. Undefined ends that. For tests. */
export function interceptSteps(hook: Before | undefined): void {
  before = hook;
}

export function rename(from: string, to: string): void {
  before?.(`rename ${from} ${to}`);
  renameSync(octetPath(from), octetPath(to));
}

export function link(from: string, to: string): void {
  before?.(`link ${from} ${to}`);
  linkSync(octetPath(from), octetPath(to));
}

export function symlink(to: string, path: string): void {
  before?.(`symlink ${path}`);
  symlinkSync(octetPath(to), octetPath(path));
}

/** Creates a small file with these octets. */
export function createWith(path: string, octets: string, mode: number): void {
  before?.(`create ${path}`);
  writeFileSync(octetPath(path), octets, { mode, flag: 'wx', encoding: 'latin1' });
}

export function unlink(path: string): void {
  before?.(`unlink ${path}`);
  unlinkSync(octetPath(path));
}

/** Creates a file that must not exist; the caller closes the descriptor. */
export function create(path: string, mode = 0o666): number {
  before?.(`create ${path}`);
  return openSync(octetPath(path), o.O_WRONLY | o.O_CREAT | o.O_EXCL | o.O_NOFOLLOW, mode);
}

/** Writes all octets at the descriptor's position. */
export function write(descriptor: number, octets: Uint8Array): void {
  before?.('write');
  let at = 0;
  while (at < octets.length) at += writeSync(descriptor, octets, at);
}

/** Writes all octets at the descriptor's position, in the thread pool. */
export async function writeLater(descriptor: number, octets: Uint8Array): Promise<void> {
  before?.('write');
  for (let at = 0; at < octets.length; ) {
    at += await new Promise<number>((resolve, reject) => {
      writeInPool(descriptor, octets, at, octets.length - at, null, (error, written) =>
        error ? reject(error) : resolve(written),
      );
    });
  }
}

/** Writes all octets at a position of the file. */
export function writeAt(descriptor: number, octets: Uint8Array, position: number): void {
  before?.('write');
  let at = 0;
  while (at < octets.length) at += writeSync(descriptor, octets, at, octets.length - at, position + at);
}

/** Copies a file's octets over an existing file, in the kernel and the thread pool. */
export async function copyOver(from: string, to: string): Promise<void> {
  before?.(`copy ${from} ${to}`);
  return new Promise((resolve, reject) => {
    copyFile(octetPath(from), octetPath(to), (error) => (error ? reject(error) : resolve()));
  });
}

/** Cuts a file to so many octets. */
export function truncate(descriptor: number, octets: number): void {
  before?.('truncate');
  ftruncateSync(descriptor, octets);
}

/** Sets access and modification time, in seconds. */
export function setTimes(descriptor: number, seconds: number): void {
  before?.('utimes');
  futimesSync(descriptor, seconds, seconds);
}

/** The same for a file that nobody has open. */
export function setPathTimes(path: string, seconds: number): void {
  before?.(`utimes ${path}`);
  utimesSync(octetPath(path), seconds, seconds);
}

export function makeDirectory(path: string, mode: number): void {
  before?.(`mkdir ${path}`);
  mkdirSync(octetPath(path), mode);
}

/** rmdir in the thread pool: the kernel looks through all of a directory that was large. */
export async function removeDirectory(path: string): Promise<void> {
  before?.(`rmdir ${path}`);
  return new Promise((resolve, reject) => {
    rmdir(octetPath(path), (error) => (error ? reject(error) : resolve()));
  });
}

export function changeMode(path: string, mode: number): void {
  before?.(`chmod ${path}`);
  chmodSync(octetPath(path), mode);
}

/** fsync in the thread pool. */
export async function syncFile(descriptor: number): Promise<void> {
  before?.('fsync');
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => (error ? reject(error) : resolve()));
  });
}

const running = new Map<string, Promise<void>>();
const waiting = new Map<string, Promise<void>>();

/** fsync of a directory in the thread pool; requests that come while one runs share the next one. */
export async function syncDirectory(path: string): Promise<void> {
  before?.(`fsync ${path}`);
  const queued = waiting.get(path);
  if (queued !== undefined) return queued;
  const current = running.get(path);
  if (current === undefined) return startSync(path);
  const next = current
    .catch(() => undefined)
    .then(() => {
      waiting.delete(path);
      return startSync(path);
    });
  waiting.set(path, next);
  return next;
}

function startSync(path: string): Promise<void> {
  const descriptor = openSync(octetPath(path), o.O_RDONLY | o.O_DIRECTORY);
  const run = new Promise<void>((resolve, reject) => {
    fsync(descriptor, (error) => {
      closeSync(descriptor);
      running.delete(path);
      if (error) reject(error);
      else resolve();
    });
  });
  running.set(path, run);
  return run;
}
