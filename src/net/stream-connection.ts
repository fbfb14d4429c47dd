/**
 * The one implementation of `Connection`: over a TCP or UNIX socket, a TLS socket on top of it, or a pair of
 * streams (standard input and output).
 *
 * Octets to the client are gathered for one turn of the event loop and leave in one system call; more than
 * `gatherOctets` leave at once. The stream below counts what the kernel has not taken, so a slow reader makes
 * `write` answer false, and one that stops reading altogether is cut off.
 */
import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { type TLSSocket, type TLSSocketOptions, TLSSocket as TlsSocket } from 'node:tls';
import { channelBinding } from './channel-binding.ts';
import type { Connection } from './connection.ts';
import { Deflated, inflated } from './deflate-layer.ts';

/** How a listener's connections become TLS; `tls/` makes it. */
export interface TlsSide {
  readonly handshakeTimeoutMs: number;
  options(connection: Connection): TLSSocketOptions;
  /**
   * Looks at the client's certificate once the handshake is done.
   * @returns the login identity it gives, if any
   * @throws {Error} the client may not go on
   */
  verify(socket: TLSSocket): string | undefined;
}

export interface Addresses {
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
}

/** What a connection that another process has begun brings with it. */
export interface Carried extends Addresses {
  /** Encrypted, though not by this process: a relay is in between. */
  secure: boolean;
  octetsRead: number;
  octetsWritten: number;
}

const gatherOctets = 65_536;
/** Pieces of this size on average cost less in a list for the kernel than copied together. */
const copiedOctets = 4096;
const stallMs = 60_000;
const lingerMs = 5_000;

export class StreamConnection implements Connection {
  #input: Readable;
  #output: Writable;
  /** Where octets come from and go to: the same, or compression on top of them. */
  #source: Readable;
  #sink: Writable;
  readonly #tlsSide: TlsSide | undefined;
  #addresses: Addresses | undefined;
  #queue: (Uint8Array | string)[] = [];
  #queuedOctets = 0;
  #flushPlanned = false;
  #onData: ((chunk: Buffer) => void) | undefined;
  #onEnd: (() => void) | undefined;
  #onClose: ((error?: Error) => void) | undefined;
  #error: Error | undefined;
  #inputEnded = false;
  #ending = false;
  #closed = false;
  #secure = false;
  #certificateName: string | undefined;
  #octetsRead = 0;
  #octetsWritten = 0;

  /** @param carried  what the streams themselves cannot tell */
  constructor(input: Readable, output: Writable, tlsSide?: TlsSide, carried?: Partial<Carried>) {
    this.#input = input;
    this.#output = output;
    this.#source = input;
    this.#sink = output;
    this.#tlsSide = tlsSide;
    this.#secure = carried?.secure ?? false;
    this.#octetsRead = carried?.octetsRead ?? 0;
    this.#octetsWritten = carried?.octetsWritten ?? 0;
    if (carried?.remoteAddress !== undefined) this.#addresses = carried as Addresses;
    this.#attach();
  }

  get remoteAddress(): string {
    return this.#known().remoteAddress;
  }
  get remotePort(): number {
    return this.#known().remotePort;
  }
  get localAddress(): string {
    return this.#known().localAddress;
  }
  get localPort(): number {
    return this.#known().localPort;
  }
  get secure(): boolean {
    return this.#secure;
  }
  get certificateName(): string | undefined {
    return this.#certificateName;
  }
  channelBinding(name: string): Uint8Array | undefined {
    return this.#input instanceof TlsSocket && this.#secure ? channelBinding(this.#input, name) : undefined;
  }
  get octetsRead(): number {
    return this.#octetsRead;
  }
  get octetsWritten(): number {
    return this.#octetsWritten;
  }
  get pendingOctets(): number {
    const below = this.compressed ? this.#output.writableLength : 0;
    return this.#queuedOctets + this.#sink.writableLength + below;
  }
  get compressed(): boolean {
    return this.#sink !== this.#output;
  }
  get closed(): boolean {
    return this.#closed || this.#ending;
  }
  /** The socket below, for the hand-over to another process; nothing else may touch it. */
  get stream(): Duplex {
    return this.#input as Duplex;
  }

  onData(handler: (chunk: Buffer) => void): void {
    const first = this.#onData === undefined;
    this.#onData = handler;
    if (!first) return;
    this.#source.on('data', this.#receive);
    if (this.#source.isPaused()) this.#source.resume();
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onClose(handler: (error?: Error) => void): void {
    this.#onClose = handler;
  }

  pause(): void {
    this.#source.pause();
  }

  resume(): void {
    this.#source.resume();
  }

  write(octets: Uint8Array | string): boolean {
    if (this.closed || octets.length === 0) return true;
    this.#queue.push(octets);
    this.#queuedOctets += octets.length;
    this.#octetsWritten += octets.length;
    if (this.#queuedOctets >= gatherOctets) this.flush();
    else if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      setImmediate(this.#flushTurn);
    }
    return !this.#sink.writableNeedDrain;
  }

  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0 || this.#closed) return;
    const total = this.#queuedOctets;
    this.#queue = [];
    this.#queuedOctets = 0;
    if (queue.length === 1) this.#sink.write(queue[0]!, 'latin1');
    else if (total < queue.length * copiedOctets) this.#sink.write(gather(queue, total));
    else {
      this.#sink.cork();
      for (const octets of queue) this.#sink.write(octets, 'latin1');
      this.#sink.uncork();
    }
  }

  writeLent(octets: Uint8Array, done: () => void): void {
    if (this.closed) {
      done();
      return;
    }
    this.flush();
    this.#octetsWritten += octets.length;
    let isTaken = false;
    this.#sink.write(octets, () => {
      if (!isTaken) done();
    });
    if (this.#sink.writableLength > 0) return;
    isTaken = true;
    done();
  }

  drained(): Promise<void> {
    this.flush();
    if (this.#closed || !this.#sink.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const sink = this.#sink;
      const done = () => {
        sink.off('drain', done);
        sink.off('close', done);
        this.#stallTimer(0);
        resolve();
      };
      sink.once('drain', done);
      sink.once('close', done);
      this.#stallTimer(stallMs);
    });
  }

  compress(received: Buffer): void {
    this.flush();
    this.#input.off('data', this.#receive);
    this.#input.off('end', this.#inputEnd);
    const source = inflated(this.#input, received);
    const sink = new Deflated(this.#output);
    source.on('end', this.#inputEnd);
    source.on('error', this.#failed);
    sink.on('error', this.#failed);
    this.#source = source;
    this.#sink = sink;
    if (this.#onData) source.on('data', this.#receive);
  }

  startTls(): Promise<void> {
    return this.#handshake(true);
  }

  /** TLS from the first octet on: what has been received already (behind a PROXY header) belongs to it. */
  startImplicitTls(): Promise<void> {
    return this.#handshake(false);
  }

  end(last?: Uint8Array | string): void {
    if (this.closed) return;
    if (last !== undefined) this.write(last);
    this.flush();
    this.#ending = true;
    this.#onData = undefined;
    this.#source.resume();
    this.#stallTimer(stallMs);
    this.#sink.end(() => {
      const shared = (this.#output as object) === this.#input;
      if (this.#inputEnded || !shared) this.destroy();
      else setTimeout(() => this.destroy(), lingerMs).unref();
    });
  }

  endAtRequest(last?: Uint8Array | string): void {
    if (this.closed) return;
    if (last !== undefined) this.write(last);
    this.flush();
    const isPlain = !this.#secure && !this.compressed;
    if (!isPlain || this.#sink.writableLength > 0) this.end();
    else {
      this.#ending = true;
      this.destroy();
    }
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#sink.destroy();
    this.#source.destroy();
    this.#output.destroy();
    this.#input.destroy();
  }

  /**
   * Gives the socket away: no event of it reaches this connection any more, and every octet read so far is
   * returned. The caller has stopped the handle from reading.
   */
  detach(): Buffer {
    this.flush();
    this.#detachListeners();
    this.#closed = true;
    const chunks: Buffer[] = [];
    for (let chunk = this.#input.read(); chunk !== null; chunk = this.#input.read()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Counts what has been relayed since the socket was given away. */
  countRelayed(read: number, written: number): void {
    this.#octetsRead += read;
    this.#octetsWritten += written;
  }

  #known(): Addresses {
    if (this.#addresses) return this.#addresses;
    const socket = this.#input as Partial<Socket>;
    const known = {
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
      // Asked for seldom, and each is a system call.
      get localAddress() {
        return socket.localAddress ?? '';
      },
      get localPort() {
        return socket.localPort ?? 0;
      },
    };
    this.#addresses = known;
    return known;
  }

  #attach(): void {
    this.#input.on('end', this.#inputEnd);
    this.#input.on('error', this.#failed);
    this.#input.on('close', this.#inputClose);
    if ((this.#output as object) === this.#input) return;
    this.#output.on('error', this.#failed);
    this.#output.on('close', this.#close);
  }

  #detachListeners(): void {
    this.#input.off('data', this.#receive);
    this.#input.off('end', this.#inputEnd);
    this.#input.off('close', this.#inputClose);
  }

  readonly #receive = (chunk: Buffer): void => {
    this.#octetsRead += chunk.length;
    this.#onData?.(chunk);
  };

  readonly #inputEnd = (): void => {
    this.#inputEnded = true;
    if (this.#onEnd) this.#onEnd();
    else this.end();
  };

  readonly #failed = (error: Error): void => {
    this.#error ??= error;
    this.destroy();
  };

  /** Standard input closes at its end, when there may be much to say still on standard output. */
  readonly #inputClose = (): void => {
    const ended = this.#inputEnded || this.#input.readableEnded;
    const mayStillWrite = ended && !this.#ending && (this.#output as object) !== this.#input;
    if (!mayStillWrite) this.#close();
  };

  readonly #close = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#queuedOctets = 0;
    this.#sink.destroy();
    this.#source.destroy();
    this.#output.destroy();
    this.#onClose?.(this.#error);
  };

  readonly #flushTurn = (): void => {
    this.#flushPlanned = false;
    this.flush();
  };

  #stallTimer(ms: number): void {
    const socket = this.#output as Partial<Socket>;
    if (!socket.setTimeout) return;
    socket.setTimeout(ms);
    socket.off?.('timeout', this.#stalled);
    if (ms > 0) socket.on?.('timeout', this.#stalled);
  }

  readonly #stalled = (): void => this.destroy(new Error('the client does not read'));

  async #handshake(discard: boolean): Promise<void> {
    const side = this.#tlsSide;
    if (!side || this.#secure) throw new Error('TLS is not available on this connection');
    await this.flushed();
    if (this.#closed) throw this.#error ?? new Error('connection closed');
    const raw = this.#input as Socket;
    this.#known();
    this.#detachListeners();
    if (discard) while (raw.read() !== null);
    const socket = new TlsSocket(raw, { isServer: true, ...side.options(this) });
    this.#input = socket;
    this.#output = socket;
    this.#source = socket;
    this.#sink = socket;
    this.#attach();
    await secured(socket, side.handshakeTimeoutMs);
    try {
      this.#certificateName = side.verify(socket);
    } catch (error) {
      this.destroy();
      throw error;
    }
    this.#secure = true;
    if (this.#onData) socket.on('data', this.#receive);
  }

  /** Resolves when the kernel has everything, or the connection has closed; in the usual case that is at once. */
  async flushed(): Promise<void> {
    this.flush();
    if (this.#sink.writableLength === 0 || this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#stallTimer(stallMs);
      this.#sink.once('close', resolve);
      this.#sink.write('', () => resolve());
    });
    this.#stallTimer(0);
  }
}

function gather(queue: readonly (Uint8Array | string)[], total: number): Buffer {
  const all = Buffer.allocUnsafe(total);
  let position = 0;
  for (const octets of queue) {
    if (typeof octets === 'string') all.write(octets, position, 'latin1');
    else all.set(octets, position);
    position += octets.length;
  }
  return all;
}

/** Resolves at the end of the handshake; destroys the socket and rejects when it fails or takes too long. */
function secured(socket: TLSSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error('TLS handshake timed out')), timeoutMs);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.off('_tlsError', settle);
      socket.off('secure', succeed);
      socket.off('close', closed);
      if (error === undefined) return resolve();
      socket.destroy();
      reject(error);
    };
    const succeed = () => {
      releaseControl(socket);
      settle();
    };
    const closed = () => settle(new Error('connection closed during the TLS handshake'));
    socket.on('_tlsError', settle);
    socket.on('secure', succeed);
    socket.on('close', closed);
  });
}

/** Node's TLS server does the same when a handshake ends: errors are events of the socket from then on. */
function releaseControl(socket: TLSSocket): void {
  (socket as TLSSocket & { _releaseControl?: () => void })._releaseControl?.();
}
