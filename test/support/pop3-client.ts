import { defaultMailboxesSettings, Mailboxes } from '../../src/access/mailboxes.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import type { LoginServices } from '../../src/login/services.ts';
import type { Pop3Services } from '../../src/pop3/services.ts';
import { startAuthenticatedPop3, startPop3Session } from '../../src/pop3/session.ts';
import { defaultPop3Settings, type Pop3SessionSettings } from '../../src/pop3/settings.ts';
import { openAccount } from '../../src/store/account.ts';
import { LineQueue, testAccount } from './imap-client.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { Client } from './transcript.ts';

export interface Pop3ClientOptions {
  pop3?: Partial<Pop3SessionSettings>;
  login?: LoginServices;
  log?: Log;
  /** Default: no. */
  durable?: boolean;
}

/** A POP3 client of a server in this process. */
export class InProcessPop3Client implements Client {
  readonly connection: MemoryConnection;
  readonly #lines = new LineQueue();

  constructor(directory: string, options: Pop3ClientOptions = {}) {
    this.connection = new MemoryConnection((octets) => this.#lines.push(octets));
    const log = options.log ?? silentLog;
    const durable = options.durable ?? false;
    const store = { durable, keywords: 1, useLocks: true, hostname: 'test', log } as const;
    const services: Pop3Services = {
      settings: { ...defaultPop3Settings, ...options.pop3 },
      log,
      ...(options.login && { login: options.login }),
      openMailboxes: () => new Mailboxes(openAccount(directory, store), defaultMailboxesSettings),
    };
    if (options.login) startPop3Session(this.connection, services);
    else
      startAuthenticatedPop3(this.connection, testAccount, services, {
        leftover: Buffer.alloc(0),
        utf8: false,
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
}
