/**
 * A compressed connection's two directions: raw deflate over whatever carries the octets (RFC 4978). Both work in
 * the thread pool, a piece at a time, and stop when nobody takes what they give: a client that sends very well
 * compressed octets gets them read at the pace of the session, in pieces of `inflatedOctets`.
 *
 * Memory: receiving needs the window the client chose; with the streams about it, 80 KiB a connection. Sending
 * would take as much again, but a sender can be thrown away whenever all its octets are flushed: a new one goes on
 * with an empty window, and the client does not notice. So only the `maxSenders` connections of a process that
 * wrote last have one.
 */
import { type Readable, Writable } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';

/** Octets that come out of one step of the receiver. */
const inflatedOctets = 8192;
const maxSenders = 64;

/** A window of 8 KiB: mail repeats itself within that, and four times it would win a few percent. */
const sending = {
  windowBits: 13,
  memLevel: 6,
  level: 3,
  flush: constants.Z_SYNC_FLUSH,
  chunkSize: 16_384,
} as const;

/** Clients do not end their stream of deflate blocks, they just close. */
const receiving = { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: inflatedOctets } as const;

/**
 * What the client sends, inflated. Ends with `input`; emits `error` where the octets are no deflate.
 * @param received  octets that came already
 */
export function inflated(input: Readable, received: Buffer): InflateRaw {
  const inflate = createInflateRaw(receiving);
  if (received.length > 0) inflate.write(received);
  input.pipe(inflate);
  return inflate;
}

/** What is written into it, compressed into `output`; each write, or all that wait together, is flushed. */
export class Deflated extends Writable {
  readonly #output: Writable;
  #sender: DeflateRaw | undefined;
  /** Told when the sender has compressed what it was given. */
  #done: ((error?: Error | null) => void) | undefined;

  constructor(output: Writable) {
    super({ highWaterMark: output.writableHighWaterMark, defaultEncoding: 'latin1' });
    this.#output = output;
  }

  override _write(octets: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(octets, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#output.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#dropSender();
    done(error);
  }

  #send(octets: Buffer, done: (error?: Error | null) => void): void {
    if (octets.length === 0) {
      done();
      return;
    }
    senders.delete(this);
    senders.add(this);
    this.#sender ??= this.#makeSender();
    this.#done = done;
    this.#sender.write(octets, () => this.#sent());
    if (senders.size > maxSenders) dropOldest();
  }

  #makeSender(): DeflateRaw {
    const sender = createDeflateRaw(sending);
    sender.on('readable', () => this.#passOn());
    sender.on('error', (error) => this.destroy(error));
    return sender;
  }

  #passOn(): void {
    for (let piece = this.#sender?.read(); piece; piece = this.#sender?.read()) this.#output.write(piece);
  }

  /** Goes on when the kernel has taken what was made of the last octets. */
  #sent(): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#passOn();
    this.#done = undefined;
    if (this.#output.writableNeedDrain) this.#output.once('drain', () => done());
    else done();
  }

  /** True where no octet is on its way. */
  get isIdle(): boolean {
    return this.#done === undefined;
  }

  /** Gives back the memory; only between two pieces of work. */
  dropSender(): void {
    this.#dropSender();
  }

  #dropSender(): void {
    senders.delete(this);
    this.#sender?.destroy();
    this.#sender = undefined;
  }
}

/** Those that have a sender, the longest unused first. */
const senders = new Set<Deflated>();

function dropOldest(): void {
  for (const each of senders) {
    if (!each.isIdle) continue;
    each.dropSender();
    return;
  }
}
