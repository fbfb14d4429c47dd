import { connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/** What a server answered to one command. */
export interface Reply {
  /** The tagged line without tag and line end: `OK …`. */
  readonly status: string;
  /** Untagged lines and literals as they came, if they were asked for. */
  readonly text: string;
}

interface Waiting {
  readonly tag: string;
  readonly keep: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * An IMAP client that costs little itself: answers are scanned for their ends only. One command at a time.
 */
export class ImapClient {
  readonly #input: Readable;
  readonly #output: Writable;
  #pending = Buffer.alloc(0);
  /** Octets of a literal still to be passed over. */
  #skip = 0;
  #kept: Buffer[] = [];
  #waiting: Waiting | undefined;
  #continued: (() => void) | undefined;
  #untagged: ((line: string) => void) | undefined;
  #count = 0;
  #ended: Error | undefined;

  /** Connects and reads the greeting. */
  static async connect(port: number): Promise<ImapClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    return ImapClient.over(socket, socket);
  }

  /** Reads the greeting of a server on the other side of streams. */
  static async over(input: Readable, output: Writable): Promise<ImapClient> {
    const client = new ImapClient(input, output);
    await client.#wait('*', false);
    return client;
  }

  private constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    input.on('data', (chunk: Buffer) => this.#take(chunk));
    const end = (error: Error) => {
      this.#ended = error;
      this.#waiting?.reject(error);
    };
    input.on('error', end);
    output.on('error', end);
    input.on('close', () => end(new Error('The server closed the connection.')));
  }

  /** Sends a command; `keep` collects the answer's text. @throws if the answer is not OK */
  async run(command: string, keep = false): Promise<Reply> {
    const tag = `a${++this.#count}`;
    const reply = this.#wait(tag, keep);
    this.#output.write(`${tag} ${command}\r\n`);
    return accepted(command, await reply);
  }

  /** Sends a command that ends with a literal. */
  async runWithLiteral(command: string, literal: Uint8Array): Promise<Reply> {
    const tag = `a${++this.#count}`;
    const reply = this.#wait(tag, false);
    const go = new Promise<void>((resolve) => {
      this.#continued = resolve;
    });
    this.#output.write(`${tag} ${command} {${literal.length}}\r\n`);
    await Promise.race([go, reply]);
    this.#output.write(literal);
    this.#output.write('\r\n');
    return accepted(command, await reply);
  }

  /** Enters IDLE; `untagged` is told every line until {@link done}. */
  async idle(untagged: (line: string) => void): Promise<void> {
    const tag = `a${++this.#count}`;
    this.#wait(tag, false).catch(() => {});
    const go = new Promise<void>((resolve) => {
      this.#continued = resolve;
    });
    this.#untagged = untagged;
    this.#output.write(`${tag} IDLE\r\n`);
    await go;
  }

  /** Ends IDLE. */
  async done(): Promise<void> {
    const { tag } = this.#waiting!;
    const reply = this.#wait(tag, false);
    this.#output.write('DONE\r\n');
    await reply;
    this.#untagged = undefined;
  }

  close(): void {
    this.#waiting = undefined;
    this.#input.destroy();
    this.#output.destroy();
  }

  #wait(tag: string, keep: boolean): Promise<Reply> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#kept = [];
    return new Promise((resolve, reject) => {
      this.#waiting = { tag, keep, resolve, reject };
    });
  }

  #take(chunk: Buffer): void {
    if (this.#waiting?.keep) this.#kept.push(chunk);
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, data.length);
        this.#skip -= skipped;
        data = data.subarray(skipped);
        if (this.#skip > 0) break;
      }
      const end = data.indexOf(10);
      if (end < 0) break;
      this.#line(data, end);
      data = data.subarray(end + 1);
    }
    this.#pending = Buffer.from(data);
  }

  /** One line of `data`, its LF at `end`; only lines that may mean something become strings. */
  #line(data: Buffer, end: number): void {
    if (data[end - 2] === 0x7d) {
      const open = data.lastIndexOf(0x7b, end);
      this.#skip = Number(data.toString('latin1', open + 1, end - 2));
      return;
    }
    if (data[0] === 0x2b) {
      this.#continued?.();
      this.#continued = undefined;
      return;
    }
    const waiting = this.#waiting;
    if (data[0] === 0x2a && waiting?.tag !== '*') {
      this.#untagged?.(data.toString('latin1', 0, end - 1));
      return;
    }
    const line = data.toString('latin1', 0, end - 1);
    if (waiting === undefined || !line.startsWith(`${waiting.tag} `)) return;
    this.#waiting = undefined;
    const text = waiting.keep ? Buffer.concat(this.#kept).toString('latin1') : '';
    waiting.resolve({ status: line.slice(waiting.tag.length + 1), text });
  }
}

function accepted(command: string, reply: Reply): Reply {
  if (!reply.status.startsWith('OK')) throw new Error(`${command.slice(0, 100)}: ${reply.status}`);
  return reply;
}
