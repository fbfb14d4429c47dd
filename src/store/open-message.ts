import { closeSync, fstatSync, constants as o, openSync, readSync } from 'node:fs';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';

/** An open message file. Every caller closes it. */
export class OpenMessage {
  /** Octets of the file. */
  readonly sizeOctets: number;
  readonly mtimeSeconds: number;
  #descriptor: number;

  /** Symbolic links are not followed, and nothing but a regular file is a message. @throws ENOENT, MailError */
  constructor(path: string) {
    try {
      this.#descriptor = openSync(octetPath(path), o.O_RDONLY | o.O_NOFOLLOW | o.O_NONBLOCK);
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
