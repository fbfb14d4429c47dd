/**
 * The client's connections to the daemon. Courier's answers one request on each; ours keeps one open for the next
 * request where the client has asked for it, which saves both sides a connection at every login.
 */
import { connect, type Socket } from 'node:net';
import type { AuthClientSettings } from './client.ts';

/** Kept when nobody uses them; what is above is closed. */
const maxIdle = 64;

/** A connection that was kept has been closed by the daemon before it saw the request. */
class Stale extends Error {}

export class DaemonConnections {
  readonly #settings: AuthClientSettings;
  readonly #idle: DaemonConnection[] = [];

  constructor(settings: AuthClientSettings) {
    this.#settings = settings;
  }

  /**
   * Sends a request that may be repeated, and collects the reply.
   * @throws {Error} no connection, no whole reply in time, or too long a one
   */
  exchange(request: Buffer, maxOctets: number): Promise<Buffer> {
    const kept = this.#idle.pop();
    if (kept === undefined) return this.#open().ask(request, maxOctets);
    return kept.ask(request, maxOctets).catch((error: unknown) => {
      if (!(error instanceof Stale)) throw error;
      return this.#open().ask(request, maxOctets);
    });
  }

  #open(): DaemonConnection {
    const idle = this.#idle;
    return new DaemonConnection(this.#settings, {
      keep: (connection) => idle.length < maxIdle && idle.push(connection) > 0,
      gone: (connection) => {
        const at = idle.indexOf(connection);
        if (at >= 0) idle.splice(at, 1);
      },
    });
  }
}

interface Owner {
  /** It has answered; false: it is not needed any more. */
  keep(connection: DaemonConnection): boolean;
  gone(connection: DaemonConnection): void;
}

/** One connection, with one request after the other; what it needs for that it has once. */
class DaemonConnection {
  readonly #settings: AuthClientSettings;
  readonly #socket: Socket;
  readonly #owner: Owner;
  #asked: Pick<PromiseWithResolvers<Buffer>, 'resolve' | 'reject'> | undefined;
  #chunks: Buffer[] = [];
  #octets = 0;
  #maxOctets = 0;
  /** The kernel took the request at once. */
  #isTaken = false;
  /** It has answered before, and was kept. */
  #isKept = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: AuthClientSettings, owner: Owner) {
    this.#settings = settings;
    this.#owner = owner;
    const socket = connect({ path: settings.socketPath });
    this.#socket = socket;
    // Reading goes on while nobody waits, so that the daemon's close is noticed.
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => {
      if (!this.#isKept || this.#octets > 0) this.#settle()?.resolve(this.#reply());
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      owner.gone(this);
      this.#fail(new Error('the authentication daemon closed the connection'));
    });
  }

  ask(request: Buffer, maxOctets: number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const socket = this.#socket;
    this.#asked = { resolve, reject };
    this.#chunks = [];
    this.#octets = 0;
    this.#maxOctets = maxOctets;
    if (this.#isKept) socket.ref();
    if (socket.connecting) {
      this.#limit(this.#settings.connectTimeoutMs ?? 10_000, 'accept connections');
      socket.once('connect', () => this.#limitWrite());
    }
    socket.write(request, this.#written);
    this.#isTaken = socket.writableLength === 0;
    if (this.#isTaken) this.#limitRead();
    else if (!socket.connecting) this.#limitWrite();
    return promise;
  }

  readonly #written = (): void => {
    if (this.#asked !== undefined && !this.#isTaken) this.#limitRead();
  };

  #receive(chunk: Buffer): void {
    if (this.#asked === undefined) return;
    this.#chunks.push(chunk);
    this.#octets += chunk.length;
    if (this.#octets > this.#maxOctets)
      this.#socket.destroy(new Error('the reply of the authentication daemon is too long'));
    else if (isWhole(this.#chunks)) {
      this.#settle()?.resolve(this.#reply());
      this.#isKept = true;
      if (!this.#owner.keep(this)) this.#socket.destroy();
      // Nobody waits for it: the process may end.
      else this.#socket.unref();
    }
  }

  #reply(): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }

  #fail(error: Error): void {
    const isStale = this.#isKept && this.#octets === 0;
    this.#settle()?.reject(isStale ? new Stale() : error);
    this.#socket.destroy();
  }

  /** The request is answered, or never will be. */
  #settle(): Pick<PromiseWithResolvers<Buffer>, 'resolve' | 'reject'> | undefined {
    clearTimeout(this.#timer);
    const asked = this.#asked;
    this.#asked = undefined;
    return asked;
  }

  #limitWrite(): void {
    this.#limit(this.#settings.writeTimeoutMs ?? 10_000, 'take the request');
  }

  #limitRead(): void {
    this.#limit(this.#settings.readTimeoutMs ?? 30_000, 'answer');
  }

  #limit(ms: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#socket.destroy(new Error(`the authentication daemon does not ${what}`));
    }, ms);
  }
}

const wholeEnd = Buffer.from('\n.\n');
const failed = Buffer.from('FAIL\n');

/** Whether a reply is complete: its last line is a dot, or it is the one word of a refusal. */
function isWhole(chunks: readonly Buffer[]): boolean {
  const last = chunks.at(-1)!;
  // A reply seldom comes in more than one piece.
  const octets = chunks.length === 1 || last.length > failed.length ? last : Buffer.concat(chunks);
  return octets.subarray(-wholeEnd.length).equals(wholeEnd) || octets.equals(failed);
}

/** For the reply to a request. */
export interface Waiting {
  /** It is there. */
  end(): void;
  /** Some of it has come: the time begins anew. */
  again(): void;
}

/**
 * Writes a request to a connection that may still be opening. Opening, writing and the wait for the reply have a time
 * limit each; past it the connection is destroyed.
 */
export function send(socket: Socket, request: Buffer, settings: AuthClientSettings): Waiting {
  let timer: NodeJS.Timeout | undefined;
  const limit = (ms: number, what: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(new Error(`the authentication daemon does not ${what}`)), ms);
  };
  const begin = () => limit(settings.writeTimeoutMs ?? 10_000, 'take the request');
  if (socket.connecting) {
    limit(settings.connectTimeoutMs ?? 10_000, 'accept connections');
    socket.once('connect', begin);
  } else begin();
  socket.write(request, () => {
    if (!socket.destroyed) limit(settings.readTimeoutMs ?? 30_000, 'answer');
  });
  socket.once('close', () => clearTimeout(timer));
  return {
    end: () => clearTimeout(timer),
    again: () => limit(settings.readTimeoutMs ?? 30_000, 'answer'),
  };
}

/** Sends a request on a connection of its own and collects the reply up to the close; each piece has the time limit. */
export function exchange(settings: AuthClientSettings, request: Buffer, maxOctets: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect({ path: settings.socketPath });
  const chunks: Buffer[] = [];
  let octets = 0;
  socket.on('error', reject);
  const waiting = send(socket, request, settings);
  socket.on('data', (chunk: Buffer) => {
    waiting.again();
    chunks.push(chunk);
    octets += chunk.length;
    if (octets > maxOctets) socket.destroy(new Error('the reply of the authentication daemon is too long'));
  });
  socket.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  socket.on('close', () => reject(new Error('the authentication daemon closed the connection')));
  return promise;
}
