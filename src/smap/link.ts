/** The octets of one connection as lines and pieces of messages, for code that waits for them one after the other. */
import type { Connection } from '../net/connection.ts';
import { Input, type Line } from '../net/input.ts';
import { Output } from './output.ts';
import { lineOctets } from './settings.ts';

/** Input that may wait behind a running command before the connection is paused. */
const inputHighWater = 65_536;

/** The client has gone, or the session has ended: nobody waits for an answer. */
export class ClientGone extends Error {}
/** The client was silent for too long. */
export class TimedOut extends Error {}

export class Link {
  readonly connection: Connection;
  readonly output: Output;
  readonly #input = new Input();
  #ended = false;
  #endOfInput = false;
  #paused = false;
  #waiting: { wake: () => void; fail: (error: Error) => void } | undefined;

  /** @param octets  what the client has sent and nobody has answered */
  constructor(connection: Connection, octets: Buffer) {
    this.connection = connection;
    this.output = new Output(connection);
    this.#input.push(octets);
    connection.onClose(() => this.end());
    connection.onEnd(() => {
      this.#endOfInput = true;
      this.#waiting?.fail(new ClientGone());
    });
    connection.onData((chunk) => this.#received(chunk));
    if (connection.closed) this.#ended = true;
  }

  /** Nothing that is said reaches the client any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Somebody waits for the client. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  #received(chunk: Buffer): void {
    this.#input.push(chunk);
    if (this.#waiting) this.#waiting.wake();
    else if (this.#input.length > inputHighWater) {
      this.#paused = true;
      this.connection.pause();
    }
  }

  /** The next line without its end. @throws {ClientGone} @throws {TimedOut} */
  async line(timeoutMs: number): Promise<Line> {
    for (;;) {
      const line = this.#ended ? undefined : this.#input.line(lineOctets);
      if (line !== undefined) return line;
      await this.#more(timeoutMs);
    }
  }

  /** Some octets, at most `max`. @throws {ClientGone} @throws {TimedOut} */
  async octets(max: number, timeoutMs: number): Promise<Buffer> {
    for (;;) {
      const octets = this.#ended ? undefined : this.#input.take(max);
      if (octets !== undefined) return octets;
      await this.#more(timeoutMs);
    }
  }

  /** Takes back octets that were not used. */
  unread(octets: Buffer): void {
    if (octets.length > 0) this.#input.push(Buffer.concat([octets, this.#input.takeAll()]));
  }

  /** Everything received and not used. */
  takeAll(): Buffer {
    return this.#input.takeAll();
  }

  #more(timeoutMs: number): Promise<void> {
    if (this.#ended || this.#endOfInput) return Promise.reject(new ClientGone());
    const { length } = this.#input;
    this.output.flush();
    // A client in this process may have answered at once.
    if (this.#input.length > length) return Promise.resolve();
    if (this.#paused) {
      this.#paused = false;
      this.connection.resume();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#waiting?.fail(new TimedOut()), timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
      };
      this.#waiting = {
        wake: () => {
          settle();
          resolve();
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
    });
  }

  /** Whoever waits is told that the client has gone; the connection is not touched any more. */
  end(): void {
    this.#ended = true;
    this.#waiting?.fail(new ClientGone());
  }
}
