/**
 * Receives a plain socket's octets in memory that is used again and again. Node makes a new buffer for each read
 * otherwise, which costs a third of what relaying costs.
 */
import type { OnReadOpts } from 'node:net';

/** Where all idle sessions of the process receive; what comes is copied before anybody waits for anything. */
const shared: Buffer<ArrayBufferLike> = Buffer.allocUnsafeSlow(4096);
/** For transfers; a few are kept for whoever needs one next. */
const largeOctets = 262_144;
const sparesKept = 8;
const spares: Buffer<ArrayBufferLike>[] = [];

export class Intake {
  #current = shared;
  #length = 0;
  #held = false;

  /**
   * Told of octets, which stay as they are until it returns, or until `release` if it returns false: then nothing is
   * read until the socket is resumed.
   */
  receive: (octets: Buffer) => boolean = () => true;

  /** For `net.connect`. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#next(),
    callback: (length, buffer) => {
      this.#length = length;
      const octets = (buffer as Buffer).subarray(0, length);
      this.#held = !this.receive(buffer === shared ? Buffer.from(octets) : octets);
      return !this.#held;
    },
  };

  /** Nobody needs the last octets any more. */
  release(): void {
    this.#held = false;
  }

  /** Where the next octets go. */
  #next(): Buffer {
    if (this.#held) return this.#current;
    const wasFull = this.#length === this.#current.length;
    if (this.#current === shared) {
      if (wasFull) this.#current = spares.pop() ?? Buffer.allocUnsafeSlow(largeOctets);
    } else if (this.#length <= shared.length) {
      if (spares.length < sparesKept) spares.push(this.#current);
      this.#current = shared;
    }
    return this.#current;
  }
}
