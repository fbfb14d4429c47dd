/** An SMAP1 client (smap §2): reads both multi-line forms, and sends uploads in either. */
import { defaultMailboxesSettings, Mailboxes, type MailboxesSettings } from '../../src/access/mailboxes.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { startImapSession } from '../../src/imap/session.ts';
import { defaultImapSettings, type ImapSessionSettings } from '../../src/imap/settings.ts';
import type { LoginServices } from '../../src/login/services.ts';
import type { Connection } from '../../src/net/connection.ts';
import { type SmapServices, SmapSession } from '../../src/smap/session.ts';
import { openAccount } from '../../src/store/account.ts';
import type { StoreSettings } from '../../src/store/settings.ts';
import { LineQueue, testAccount } from './imap-client.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { Client } from './transcript.ts';

/** Multi-line data: what stood behind the `{…}`, and the octets without framing. */
export interface SmapData {
  readonly head: string;
  readonly octets: Buffer;
}

export interface SmapReply {
  /** `+OK …` or `-ERR …` */
  readonly status: string;
  readonly lines: readonly string[];
  readonly data: readonly SmapData[];
}

const lf = 10;

/** Multi-line data that has begun; what comes next: so many octets, a line, or the length of a piece. */
interface OpenData {
  readonly head: string;
  readonly pieces: Buffer[];
  left: number | 'lines' | 'length';
}

/** Takes replies out of octets that come in any segments. */
export class SmapReplyReader {
  readonly #onReply: (reply: SmapReply) => void;
  readonly #onGoAhead: () => void;
  #octets: Buffer = Buffer.alloc(0);
  #lines: string[] = [];
  #data: SmapData[] = [];
  #open: OpenData | undefined;

  constructor(onReply: (reply: SmapReply) => void, onGoAhead: () => void = () => {}) {
    this.#onReply = onReply;
    this.#onGoAhead = onGoAhead;
  }

  push(chunk: Buffer): void {
    this.#octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
    let at = 0;
    for (let used = this.#take(0); used > 0; used = this.#take(at)) at += used;
    this.#octets = this.#octets.subarray(at);
  }

  /** @returns how many octets from there on were used; 0: more must come */
  #take(at: number): number {
    const open = this.#open;
    if (typeof open?.left === 'number') {
      const piece = this.#octets.subarray(at, at + open.left);
      open.pieces.push(Buffer.from(piece));
      open.left -= piece.length;
      if (open.left === 0) open.left = 'length';
      return piece.length;
    }
    const end = this.#octets.indexOf(lf, at);
    if (end < 0) return 0;
    const line = this.#octets.subarray(at, end);
    if (open) this.#takeOfData(open, line);
    else this.#takeLine(line.toString('latin1').replace(/\r$/, ''));
    return end + 1 - at;
  }

  #takeOfData(open: OpenData, line: Buffer): void {
    const isDots = open.left === 'lines';
    const text = line.toString('latin1');
    if (isDots && text !== '.') {
      open.pieces.push(Buffer.from(text.startsWith('.') ? text.slice(1) : text, 'latin1'), Buffer.of(lf));
    } else if (!isDots && text !== '') open.left = Number(text);
    else {
      this.#data.push({ head: open.head, octets: Buffer.concat(open.pieces) });
      this.#open = undefined;
    }
  }

  #takeLine(line: string): void {
    const [, dots, first, head = ''] = /^\{(?:(\.)\d*|(\d+)\/\d+)\} (.*)$/.exec(line) ?? [];
    if (dots !== undefined) this.#open = { head, pieces: [], left: 'lines' };
    else if (first !== undefined) this.#open = { head, pieces: [], left: Number(first) };
    else if (line.startsWith('> ')) this.#onGoAhead();
    else if (/^(?:\+OK|-ERR)/.test(line)) {
      this.#onReply({ status: line, lines: this.#lines, data: this.#data });
      this.#lines = [];
      this.#data = [];
    } else this.#lines.push(line);
  }
}

/** One connection: commands one after the other. */
export class SmapClient {
  readonly #write: (octets: Buffer) => void;
  readonly #reader: SmapReplyReader;
  readonly #waiting: ((reply: SmapReply) => void)[] = [];
  #upload: (() => void) | undefined;

  /** @param write  sends octets to the server; what it answers goes to `receive` */
  constructor(write: (octets: Buffer) => void) {
    this.#write = write;
    this.#reader = new SmapReplyReader(
      (reply) => this.#waiting.shift()?.(reply),
      () => this.#upload?.(),
    );
  }

  receive(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** The next status line; the greeting is one. */
  reply(): Promise<SmapReply> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  run(command: string): Promise<SmapReply> {
    const reply = this.reply();
    this.#write(Buffer.from(`${command}\n`));
    return reply;
  }

  /** `ADD … {n/n}` and the message; in pieces of so many octets. */
  add(words: string, message: Buffer, pieceOctets = message.length): Promise<SmapReply> {
    this.#upload = () => {
      for (let at = 0; at < message.length; at += pieceOctets) {
        const piece = message.subarray(at, at + pieceOctets);
        this.#write(at === 0 ? piece : Buffer.concat([Buffer.from(`${piece.length}\n`), piece]));
      }
      this.#write(Buffer.from('\n'));
      this.#upload = undefined;
    };
    return this.run(`ADD ${words} {${Math.min(pieceOctets, message.length)}/${message.length}}`);
  }
}

export interface InProcessSmapOptions {
  imap?: Partial<ImapSessionSettings>;
  mailboxes?: Partial<MailboxesSettings>;
  /** The connection begins as IMAP, before login. */
  login?: LoginServices;
  log?: Log;
  /** Who has logged in. */
  makeMailboxes?: (store: StoreSettings) => Mailboxes;
}

/** The parts of a server in this process that SMAP sessions get. */
export function smapServices(directory: string, options: InProcessSmapOptions = {}): SmapServices {
  const log = options.log ?? silentLog;
  const keywords = options.imap?.keywords === false ? 0 : 1;
  const store: StoreSettings = { durable: false, keywords, useLocks: true, hostname: 'test', log };
  const mailboxes = { ...defaultMailboxesSettings, ...options.mailboxes };
  return {
    log,
    settings: { ...defaultImapSettings, ...options.imap },
    capabilityText: () => 'IMAP4rev1 SMAP1 KEYWORDS',
    openMailboxes: () =>
      options.makeMailboxes?.(store) ?? new Mailboxes(openAccount(directory, store), mailboxes),
  };
}

/** A client of a server in this process, for transcripts: it sends no CR, and reads lines of either end. */
export class InProcessSmapClient implements Client {
  readonly connection: MemoryConnection;
  readonly #lines = new LineQueue('\n');

  constructor(directory: string, options: InProcessSmapOptions = {}) {
    this.connection = new MemoryConnection((octets) => this.#lines.push(octets));
    const services = smapServices(directory, options);
    if (options.login) startBeforeLogin(this.connection, services, options);
    else new SmapSession(this.connection, services, Buffer.alloc(0), testAccount);
  }

  send(octets: Buffer): void {
    const sent = Buffer.from(octets.filter((octet) => octet !== 13));
    if (sent.length > 0) this.connection.send(sent);
  }
  async line(): Promise<string> {
    return (await this.#lines.line()).replace(/\r$/, '');
  }
  rest(): string[] {
    return this.#lines.rest();
  }
  close(): void {
    this.connection.destroy();
  }

  /** Sends a command and collects the lines up to its status. */
  async command(text: string): Promise<string[]> {
    this.send(Buffer.from(`${text}\n`));
    const lines: string[] = [];
    for (let line = ''; !/^(?:\+OK|-ERR)/.test(line); ) {
      line = await this.line();
      lines.push(line);
    }
    return lines;
  }
}

function startBeforeLogin(
  connection: Connection,
  services: SmapServices,
  { login, imap }: InProcessSmapOptions,
): void {
  startImapSession(connection, {
    settings: { ...defaultImapSettings, smapCapability: 'SMAP1', ...imap },
    log: services.log,
    login: login!,
    openMailboxes: services.openMailboxes,
    startSmap: (taken, octets, capabilityText) =>
      new SmapSession(taken, { ...services, login: login!, capabilityText }, octets),
  });
}
