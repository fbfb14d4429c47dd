import type { Connection } from '../net/connection.ts';

const gatheredOctets = 16_384;

/** What a session says. Text is octets, one character each; see {@link octetsOf}. */
export class Output {
  /** Octets of header fields and bodies sent, for the log. */
  headerOctets = 0;
  bodyOctets = 0;
  /** The client is slow: wait for `drained`. */
  full = false;
  readonly #connection: Connection;
  #text = '';

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A line, without its end. */
  line(text: string): void {
    this.text(`${text}\n`);
  }

  text(text: string): void {
    this.#text += text;
    if (this.#text.length > gatheredOctets) this.flush();
  }

  /** Octets that stay as they are until they are written. */
  octets(octets: Uint8Array): void {
    this.flush();
    if (!this.#connection.write(octets)) this.full = true;
  }

  flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    if (!this.#connection.write(text)) this.full = true;
  }

  async drained(): Promise<void> {
    this.flush();
    await this.#connection.drained();
    this.full = false;
  }
}

/** Text in UTF-8 as octets, one character each. */
export function octetsOf(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}
