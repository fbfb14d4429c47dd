import { spawn } from 'node:child_process';
import type { Identity } from '../../src/access/acl.ts';
import { defaultMailboxesSettings, Mailboxes, type MailboxesSettings } from '../../src/access/mailboxes.ts';
import type { AccountRecord } from '../../src/auth/account-record.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { type ImapServices, startAuthenticatedImap, startImapSession } from '../../src/imap/session.ts';
import { defaultImapSettings, type ImapSessionSettings } from '../../src/imap/settings.ts';
import type { LoginServices } from '../../src/login/services.ts';
import { openAccount } from '../../src/store/account.ts';
import type { StoreSettings } from '../../src/store/settings.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { Client } from './transcript.ts';

/** How long a line may take before a test gives up. */
const patienceMs = 5000;

export const testAccount: AccountRecord = {
  address: 'ann@example.org',
  gid: 0,
  home: '/',
  options: new Map(),
};

/** Lines out of octets, for whoever waits for the next one. */
export class LineQueue {
  readonly #end: string;
  #text = '';
  #lines: string[] = [];
  #waiting: ((line: string) => void) | undefined;

  constructor(end = '\r\n') {
    this.#end = end;
  }

  push(octets: Buffer): void {
    this.#text += octets.toString('latin1');
    const lines = this.#text.split(this.#end);
    this.#text = lines.pop()!;
    this.#lines.push(...lines);
    const waiting = this.#waiting;
    if (waiting === undefined || this.#lines.length === 0) return;
    this.#waiting = undefined;
    waiting(this.#lines.shift()!);
  }

  line(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        reject(new Error(`no line within ${patienceMs} ms; there is "${this.#text}"`));
      }, patienceMs);
      this.#waiting = (came) => {
        clearTimeout(timer);
        resolve(came);
      };
    });
  }

  rest(): string[] {
    return [...this.#lines, ...(this.#text === '' ? [] : [this.#text])];
  }
}

export interface InProcessOptions {
  imap?: Partial<ImapSessionSettings>;
  mailboxes?: Partial<MailboxesSettings>;
  login?: LoginServices;
  log?: Log;
  /** Who has logged in; default: the owner of the maildir and nobody else. */
  identity?: Identity;
  /** False: the system does not tell of changes. */
  watch?: boolean;
  /** Keep index and cache in the folders; default: not. */
  index?: boolean;
}

/** A client of a server in this process. */
export class InProcessClient implements Client {
  readonly connection: MemoryConnection;
  readonly #lines = new LineQueue();

  constructor(directory: string, options: InProcessOptions = {}) {
    this.connection = new MemoryConnection((octets) => this.#lines.push(octets));
    const services = imapServices(directory, options);
    if (options.login !== undefined) startImapSession(this.connection, services);
    else
      startAuthenticatedImap(this.connection, testAccount, services, {
        leftover: Buffer.alloc(0),
        tag: undefined,
      });
  }

  send(octets: Buffer): void {
    this.connection.send(octets);
  }
  line(): Promise<string> {
    return this.#lines.line();
  }
  rest(): string[] {
    return this.#lines.rest();
  }
  close(): void {
    this.connection.destroy();
  }

  /** Sends a command and collects what comes, up to its tagged line. */
  async command(tag: string, text: string): Promise<string[]> {
    this.send(Buffer.from(`${tag} ${text}\r\n`, 'latin1'));
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      lines.push(line);
      if (line.startsWith(`${tag} `)) return lines;
    }
  }
}

export function imapServices(directory: string, options: InProcessOptions): ImapServices {
  const log = options.log ?? silentLog;
  const keywords = options.imap?.keywords === false ? 0 : 1;
  const store: StoreSettings = {
    durable: false,
    keywords,
    useLocks: true,
    hostname: 'test',
    log,
    watch: options.watch ?? true,
    keepsIndex: options.index ?? false,
  };
  return {
    settings: { ...defaultImapSettings, ...options.imap },
    log,
    ...(options.login && { login: options.login }),
    openMailboxes: () =>
      new Mailboxes(
        openAccount(directory, store),
        { ...defaultMailboxesSettings, ...options.mailboxes },
        options.identity,
      ),
  };
}

/** A client of a server that speaks on standard input and output: ours, or the one to compare with. */
export function spawnedClient(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Client {
  const child = spawn(command, args, { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = new LineQueue();
  child.stdout.on('data', (octets: Buffer) => lines.push(octets));
  return {
    send: (octets) => void child.stdin.write(octets),
    line: () => lines.line(),
    rest: () => lines.rest(),
    close: () => child.stdin.end(),
  };
}
