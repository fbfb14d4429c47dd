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
  readonly #idle: Socket[] = [];

  constructor(settings: AuthClientSettings) {
    this.#settings = settings;
  }

  /**
   * Sends a request that may be repeated, and collects the reply.
   * @throws {Error} no connection, no whole reply in time, or too long a one
   */
  async exchange(request: Buffer, maxOctets: number): Promise<Buffer> {
    const kept = this.#idle.pop();
    if (kept) {
      try {
        return await this.#ask(kept, request, maxOctets, true);
      } catch (error) {
        if (!(error instanceof Stale)) throw error;
      }
    }
    return this.#ask(undefined, request, maxOctets, false);
  }

  #ask(kept: Socket | undefined, request: Buffer, maxOctets: number, isKept: boolean): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const socket = kept ?? connect({ path: this.#settings.socketPath });
    const chunks: Buffer[] = [];
    let octets = 0;
    const reply = () => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    socket.removeAllListeners('error').removeAllListeners('close');
    socket.on('error', (error) => reject(isKept && octets === 0 ? new Stale() : error));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      octets += chunk.length;
      if (octets > maxOctets) socket.destroy(new Error('the reply of the authentication daemon is too long'));
      else if (isWhole(chunks)) {
        waiting.end();
        this.#keep(socket);
        resolve(reply());
      }
    });
    socket.on('end', () => {
      if (!isKept || octets > 0) resolve(reply());
    });
    socket.on('close', () => {
      reject(
        isKept && octets === 0 ? new Stale() : new Error('the authentication daemon closed the connection'),
      );
    });
    socket.ref();
    const waiting = send(socket, request, this.#settings);
    return promise;
  }

  #keep(socket: Socket): void {
    socket.removeAllListeners('data').removeAllListeners('end');
    socket.removeAllListeners('error').removeAllListeners('close');
    socket.on('error', () => socket.destroy());
    if (this.#idle.length >= maxIdle) {
      socket.destroy();
      return;
    }
    socket.on('close', () => {
      const at = this.#idle.indexOf(socket);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    // Nobody waits for it: the process may end. Reading goes on, so that the daemon's close is noticed.
    socket.unref();
    socket.resume();
    this.#idle.push(socket);
  }
}

/** Whether a reply is complete: its last line is a dot, or it is the one word of a refusal. */
function isWhole(chunks: readonly Buffer[]): boolean {
  const last = chunks.at(-1)!;
  // A reply seldom comes in more than one piece.
  const text = (last.length >= 5 ? last : Buffer.concat(chunks)).toString('latin1');
  return text.endsWith('\n.\n') || text === 'FAIL\n';
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
