import { MailError } from '../base/mail-error.ts';
import type { Folder } from '../store/folder.ts';
import type { OpenMessage } from '../store/open-message.ts';

/** Messages up to this are read at once. */
const smallOctets = 64 * 1024;

/** Octets of a larger one that are read at first: most headers. */
const firstOctets = 8 * 1024;

/** Longer headers are cut: what SEARCH and SORT look for stands further up. */
const maxHeaderOctets = 1024 * 1024;

/**
 * Reads one message after the other into one buffer, each opened once and only when asked for. What it returns is
 * valid until the next call.
 */
export class MessageReader {
  readonly #folder: Folder;
  #buffer = Buffer.allocUnsafeSlow(smallOctets);
  #message: OpenMessage | undefined;
  #uid = 0;
  /** Octets of the file; -1: not known yet. */
  #sizeOctets = -1;
  /** How much of the file is in the buffer. */
  #filled = 0;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** Turns to another message. */
  use(uid: number): void {
    this.close();
    this.#uid = uid;
    this.#sizeOctets = -1;
    this.#filled = 0;
  }

  /** The message's row at this moment. @throws {MailError} expunged */
  row(): number {
    const row = this.#folder.rowOf(this.#uid);
    if (row < 0) throw new MailError('expunged', 'The message has gone.');
    return row;
  }

  close(): void {
    this.#message?.close();
    this.#message = undefined;
  }

  /** @throws {MailError} expunged, unavailable */
  get sizeOctets(): number {
    if (this.#sizeOctets < 0) this.#begin();
    return this.#sizeOctets;
  }

  /** Reads the whole message, if it is small, else opens it. */
  #begin(): void {
    const octets = this.#folder.readSmall(this.row(), this.#buffer, 0, this.#buffer.length);
    this.#filled = Math.max(0, octets);
    this.#sizeOctets = octets >= 0 ? octets : this.#open().sizeOctets;
  }

  /** Fills `into` as far as the file goes. @throws {MailError} expunged, unavailable */
  readonly read = (into: Uint8Array, position: number): number => {
    const message = this.#open();
    let done = 0;
    while (done < into.length) {
      const octets = message.read(done === 0 ? into : into.subarray(done), position + done);
      if (octets === 0) break;
      done += octets;
    }
    return done;
  };

  /** The beginning of the message, at least as far as its main header goes. @throws {MailError} expunged, unavailable */
  header(): Buffer {
    for (let wanted = firstOctets; ; wanted *= 4) {
      const head = this.head(wanted);
      if (head.length < wanted || wanted >= maxHeaderOctets || hasHeaderEnd(head)) return head;
    }
  }

  /** The first octets of the message, fewer only where it ends. @throws {MailError} expunged, unavailable */
  head(octets: number): Buffer {
    const wanted = Math.min(octets, this.sizeOctets);
    if (this.#filled < wanted) {
      if (this.#buffer.length < wanted) {
        const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#buffer.length));
        this.#buffer.copy(larger, 0, 0, this.#filled);
        this.#buffer = larger;
      }
      this.#filled += this.read(this.#buffer.subarray(this.#filled, wanted), this.#filled);
    }
    return this.#buffer.subarray(0, Math.min(octets, this.#filled));
  }

  #open(): OpenMessage {
    this.#message ??= this.#folder.open(this.row());
    return this.#message;
  }
}

function hasHeaderEnd(octets: Buffer): boolean {
  return octets[0] === 0x0a || octets.includes('\n\n') || octets.includes('\n\r\n');
}
