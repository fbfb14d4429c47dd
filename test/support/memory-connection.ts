import type { Connection } from '../../src/net/connection.ts';

/** A connection without a network: what the server writes goes to `onWrite`. */
export class MemoryConnection implements Connection {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 0;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 143;
  secure = false;
  compressed = false;
  octetsRead = 0;
  octetsWritten = 0;
  pendingOctets = 0;
  closed = false;
  paused = false;
  /** Most octets that were ever given and not yet taken, while `slow`. */
  mostPending = 0;
  /** Octets written that would leave in a later turn only. */
  unflushed = 0;
  /** A client that reads only when `read` is called. */
  slow = false;
  readonly #onWrite: (octets: Buffer) => void;
  #onData: ((chunk: Buffer) => void) | undefined;
  #onEnd: (() => void) | undefined;
  #onClose: ((error?: Error) => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(onWrite: (octets: Buffer) => void) {
    this.#onWrite = onWrite;
  }

  /** The client sends. */
  send(octets: Buffer): void {
    this.octetsRead += octets.length;
    if (!this.closed) this.#onData?.(octets);
  }

  /** The client says that it will send no more. */
  sendEnd(): void {
    this.#onEnd?.();
  }

  onData(handler: (chunk: Buffer) => void): void {
    this.#onData = handler;
  }
  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }
  onClose(handler: (error?: Error) => void): void {
    this.#onClose = handler;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }

  write(octets: Uint8Array | string): boolean {
    if (this.closed) return true;
    const copy = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : Buffer.from(octets);
    this.octetsWritten += copy.length;
    if (this.slow) {
      this.pendingOctets += copy.length;
      this.mostPending = Math.max(this.mostPending, this.pendingOctets);
    }
    this.unflushed += copy.length;
    this.#onWrite(copy);
    return this.pendingOctets === 0;
  }

  flush(): void {
    this.unflushed = 0;
  }

  writeLent(octets: Uint8Array, done: () => void): void {
    this.write(octets);
    done();
  }

  drained(): Promise<void> {
    if (this.pendingOctets === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A slow client reads all there is. */
  read(): void {
    this.pendingOctets = 0;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  startTls(): Promise<void> {
    this.secure = true;
    return Promise.resolve();
  }

  /** Nothing to compress on no network: only that it was asked for is noted. */
  compress(): void {
    this.compressed = true;
  }

  end(last?: Uint8Array | string): void {
    if (last !== undefined) this.write(last);
    this.destroy();
  }

  endAtRequest(last?: Uint8Array | string): void {
    this.end(last);
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.read();
    queueMicrotask(() => this.#onClose?.());
  }
}
