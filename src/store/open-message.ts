import { closeSync, fstatSync, constants as o, openSync, readSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';

/** Symbolic links are not followed, and a FIFO keeps nobody waiting. */
const openFlags = o.O_RDONLY | o.O_NOFOLLOW | o.O_NONBLOCK;

/**
 * Reads a whole message in the three system calls it takes at least: that the file has ended, the size in its name
 * says, or one more read.
 * @param into  gets the octets at `at`, at most `room`
 * @returns how many there are; -1: there may be more, or it is no usual file; `OpenMessage` finds out
 * @throws ENOENT
 */
export function readSmallFile(path: string, into: Buffer, at: number, room: number): number {
  const told = sizeTold(path);
  if (told >= room) return -1;
  let descriptor = -1;
  try {
    descriptor = openSync(octetPath(path), openFlags);
    // What is no file has no positions to read at, or gives nothing or no end.
    const octets = readSync(descriptor, into, at, room, 0);
    if (octets === 0 || octets === room) return -1;
    const isWhole = told === octets || readSync(descriptor, into, at + octets, 1, octets) === 0;
    return isWhole ? octets : -1;
  } catch (error) {
    if (errorCode(error) === undefined || (descriptor < 0 && errorCode(error) === 'ENOENT')) throw error;
    return -1;
  } finally {
    if (descriptor >= 0) closeSync(descriptor);
  }
}

/** The number of `,S=`; -1 without one. */
function sizeTold(path: string): number {
  const mark = path.lastIndexOf(',S=');
  if (mark < 0) return -1;
  let size = 0;
  for (let at = mark + 3; at < path.length; at++) {
    const digit = path.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    size = size * 10 + digit;
  }
  return size;
}

/** An open message file. Every caller closes it. */
export class OpenMessage {
  /** Octets of the file. */
  readonly sizeOctets: number;
  readonly mtimeSeconds: number;
  #descriptor: number;

  /** Nothing but a regular file is a message. @throws ENOENT, MailError */
  constructor(path: string) {
    try {
      this.#descriptor = openSync(octetPath(path), openFlags);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw error;
      throw new MailError('unavailable', `the message cannot be read: ${errorCode(error)}`, { cause: error });
    }
    const stats = fstatSync(this.#descriptor);
    if (!stats.isFile()) {
      closeSync(this.#descriptor);
      throw new MailError('unavailable', 'the message is no regular file');
    }
    this.sizeOctets = stats.size;
    this.mtimeSeconds = Math.floor(stats.mtimeMs / 1000);
  }

  /** The file's descriptor, for reading it through the thread pool; valid until `close`. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /** Fills `into` from a file position; the number of octets read, 0 at the end. @throws {MailError} unavailable */
  read(into: Uint8Array, position: number): number {
    try {
      return readSync(this.#descriptor, into, 0, into.length, position);
    } catch (error) {
      throw asMailError(error, 'the message cannot be read');
    }
  }

  /** The whole file: for messages known to be small. @throws {MailError} unavailable */
  readAll(): Buffer {
    const octets = Buffer.allocUnsafe(this.sizeOctets);
    let at = 0;
    while (at < octets.length) {
      const got = this.read(octets.subarray(at), at);
      if (got === 0) break;
      at += got;
    }
    return octets.subarray(0, at);
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }
}
