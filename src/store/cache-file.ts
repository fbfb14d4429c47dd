/**
 * The file of a folder's message cache: `PRcache1` and eight octets that tell it from any other, then records
 * (cache-record.ts), only ever appended:
 *
 *   create tmp/y; write the head; link tmp/y postrider-cache; unlink tmp/y
 *   append a batch of records by one write to a descriptor opened for appending
 *   to be rid of dead records: create tmp/y; write head and living records; rename tmp/y postrider-cache
 *
 * Nothing is synced: what a crash destroys has a wrong checksum or is not there, and is computed again. Several
 * processes append to one file; each finds the others' records by scanning what it has not seen. A file of another
 * user is not believed.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, constants as o, openSync, readSync, statSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import * as steps from './steps.ts';

export const headOctets = 16;
const mark = Buffer.from('PRcache1', 'latin1');

/** Octets read at once, at most and at first. */
const windowOctets = (1 << 20) + (1 << 16);
const firstOctets = 8192;

/** What was read last, of whichever file: a FETCH goes through one file from its beginning to its end. */
const window = { octets: Buffer.alloc(0), file: undefined as CacheFile | undefined, start: 0, end: 0 };

export class CacheFile {
  readonly path: string;
  /** Hexadecimal. */
  readonly id: string;
  readonly canWrite: boolean;
  readonly #descriptor: number;
  readonly #inode: number;
  #nextRead = firstOctets;

  private constructor(path: string, descriptor: number, id: string, canWrite: boolean) {
    this.path = path;
    this.id = id;
    this.canWrite = canWrite;
    this.#descriptor = descriptor;
    this.#inode = fstatSync(descriptor).ino;
  }

  /** The file, if there is one to be believed. @throws a system error */
  static open(path: string): CacheFile | undefined {
    const opened = openExisting(path);
    if (!opened) return undefined;
    const head = Buffer.alloc(headOctets);
    const stats = fstatSync(opened.descriptor);
    const isOurs = stats.isFile() && stats.uid === process.geteuid?.();
    if (
      isOurs &&
      readSync(opened.descriptor, head, 0, headOctets, 0) === headOctets &&
      head.subarray(0, 8).equals(mark)
    )
      return new CacheFile(path, opened.descriptor, head.toString('hex', 8), opened.canWrite);
    closeSync(opened.descriptor);
    return undefined;
  }

  /** A new file without records, unless another process was quicker. @throws a system error */
  static create(path: string, temporary: string): void {
    const descriptor = steps.create(temporary, 0o600);
    try {
      steps.write(descriptor, newHead());
      steps.link(temporary, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    } finally {
      closeSync(descriptor);
      steps.unlink(temporary);
    }
  }

  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Whether the path leads to another file by now, or to none. */
  get isReplaced(): boolean {
    return statSync(octetPath(this.path), { throwIfNoEntry: false })?.ino !== this.#inode;
  }

  append(batch: Uint8Array): void {
    steps.write(this.#descriptor, batch);
  }

  /** Reads straight into a buffer; the number of octets got. */
  readInto(into: Buffer, position: number): number {
    return readSync(this.#descriptor, into, 0, into.length, position);
  }

  /** @returns where in `octets` the file's `[position, position + length)` is; -1 if it does not go so far */
  find(position: number, length: number): number {
    if (window.file === this && position >= window.start && position + length <= window.end)
      return position - window.start;
    const isNext = window.file === this && position >= window.start && position < window.end + windowOctets;
    this.#nextRead = isNext ? Math.min(windowOctets, this.#nextRead * 2) : firstOctets;
    if (window.octets.length === 0) window.octets = Buffer.allocUnsafeSlow(windowOctets);
    const wanted = Math.max(length, this.#nextRead);
    const got = readSync(this.#descriptor, window.octets, 0, wanted, position);
    window.file = this;
    window.start = position;
    window.end = position + got;
    return got >= length ? 0 : -1;
  }

  /** What {@link find} speaks of; valid until the next `find` of any file. */
  get octets(): Buffer {
    return window.octets;
  }

  close(): void {
    if (window.file === this) window.file = undefined;
    closeSync(this.#descriptor);
  }
}

/** A file on its way to take another's place. */
export class NewCacheFile {
  readonly #temporary: string;
  readonly #descriptor: number;

  /** @throws a system error */
  constructor(temporary: string) {
    this.#temporary = temporary;
    this.#descriptor = steps.create(temporary, 0o600);
    this.write(newHead());
  }

  /** @throws a system error */
  write(octets: Uint8Array): void {
    steps.write(this.#descriptor, octets);
  }

  /** @param path  where it goes; undefined: nowhere, it is removed @throws a system error */
  finish(path: string | undefined): void {
    closeSync(this.#descriptor);
    if (path === undefined) steps.unlink(this.#temporary);
    else steps.rename(this.#temporary, path);
  }
}

function newHead(): Buffer {
  return Buffer.concat([mark, randomBytes(8)]);
}

function openExisting(path: string): { descriptor: number; canWrite: boolean } | undefined {
  const flags = o.O_APPEND | o.O_NOFOLLOW | o.O_NONBLOCK;
  try {
    return { descriptor: openSync(octetPath(path), o.O_RDWR | flags), canWrite: true };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    try {
      return { descriptor: openSync(octetPath(path), o.O_RDONLY | flags), canWrite: false };
    } catch {
      throw error;
    }
  }
}
