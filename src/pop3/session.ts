/**
 * POP3 (RFC 1939, 2449, 5034, 6856): commands are answered one after the other in the order they came; while one
 * runs the connection is not read, so a client that sends faster than it is served waits.
 */
import type { Mailboxes } from '../access/mailboxes.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import { MailError } from '../base/mail-error.ts';
import { forbiddenByOptions } from '../login/account-options.ts';
import {
  disconnectedBeforeLoginLine,
  lockedLine,
  loginLine,
  peer,
  type SessionEnd,
  sessionEndLine,
} from '../login/log-lines.ts';
import type { Connection } from '../net/connection.ts';
import { LineReader } from '../net/line-reader.ts';
import { LockedAccount } from '../store/login-checks.ts';
import type { Outcome } from './command.ts';
import { refusalText } from './errors.ts';
import { type LoginState, loginCommand, newLoginState } from './login-commands.ts';
import { openMaildrop } from './maildrop.ts';
import type { Pop3Services, Pop3Start } from './services.ts';
import { commandLineOctets } from './settings.ts';
import { type Transaction, transactionCommand } from './transaction-commands.ts';

type State =
  | { kind: 'login'; login: LoginState }
  | { kind: 'transaction'; account: AccountRecord; transaction: Transaction }
  | { kind: 'over' };

/** A running session, for whoever has to end it. */
export interface Pop3Session {
  /** The server stops: what is running is finished, nothing is deleted. */
  stop(): void;
}

/** Greets a new connection and serves it until it ends, login included. */
export function startPop3Session(connection: Connection, services: Pop3Services): Pop3Session {
  const session = new Session(connection, services);
  connection.write('+OK Hello there.\r\n');
  session.listen();
  return session;
}

/** Serves a connection whose user is known: `pop3d` on stdin, and session hosts. */
export function startAuthenticatedPop3(
  connection: Connection,
  account: AccountRecord,
  services: Pop3Services,
  start: Pop3Start,
): Pop3Session {
  const session = new Session(connection, services);
  session.begin(account, start);
  return session;
}

class Session implements Pop3Session {
  readonly #connection: Connection;
  readonly #services: Pop3Services;
  readonly #reader = new LineReader(commandLineOctets);
  readonly #startedMs = Date.now();
  #held: Buffer[] = [];
  #busy = false;
  #inputEnded = false;
  #state: State = { kind: 'login', login: newLoginState() };
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, services: Pop3Services) {
    this.#connection = connection;
    this.#services = services;
  }

  listen(): void {
    const { login } = this.#services;
    if (login && this.#state.kind === 'login')
      this.#timer = setTimeout(() => this.#loginTimeout(), login.loginTimeoutMs);
    this.#connection.onClose(() => this.#gone());
    this.#connection.onEnd(() => {
      this.#inputEnded = true;
      if (!this.#busy) this.#connection.end();
    });
    this.#connection.onData((chunk) => {
      this.#held.push(chunk);
      if (!this.#busy) void this.#run(() => this.#serveLines());
    });
  }

  begin(account: AccountRecord, start: Pop3Start): void {
    this.#held.push(start.leftover);
    this.listen();
    void this.#run(async () => {
      this.#apply(await this.#enter(account, start.utf8));
      await this.#serveLines();
    });
  }

  stop(): void {
    if (this.#state.kind === 'over') return;
    this.#finish('shutdown', '-ERR [SYS/TEMP] The server is shutting down.\r\n');
  }

  async #run(task: () => Promise<void>): Promise<void> {
    this.#busy = true;
    this.#connection.pause();
    try {
      await task();
      // Octets that came while the last line was answered.
      while (this.#held.length > 0 && this.#state.kind !== 'over') await this.#serveLines();
    } catch (error) {
      this.#services.log.error(`pop3: ${error instanceof Error ? error.stack : String(error)}`);
      if (this.#state.kind !== 'over') this.#finish('disconnected', '-ERR [SYS/TEMP] Internal error.\r\n');
      return;
    }
    this.#busy = false;
    if (this.#inputEnded) this.#connection.end();
    else if (this.#state.kind !== 'over') this.#connection.resume();
  }

  async #serveLines(): Promise<void> {
    for (;;) {
      const chunk = this.#held.shift();
      if (chunk === undefined || this.#state.kind === 'over') return;
      let line: string | undefined;
      const rest = this.#reader.feed(chunk, (text) => {
        line = text;
        return false;
      });
      if (rest.length > 0) this.#held.unshift(rest);
      if (line !== undefined) this.#apply(await this.#answer(line));
    }
  }

  #apply(outcome: Outcome): void {
    if (outcome.kind === 'reply') this.#connection.write(`${outcome.text}\r\n`);
    else if (outcome.kind === 'restart') this.#held = [];
    else if (outcome.kind === 'end') this.#finish('logout', `${outcome.text}\r\n`);
  }

  async #answer(line: string): Promise<Outcome> {
    const state = this.#state;
    try {
      if (state.kind === 'transaction') {
        this.#timer?.refresh();
        return await transactionCommand(state.transaction, line);
      }
      if (state.kind === 'login') return await this.#logIn(state.login, line);
      return { kind: 'sent' };
    } catch (error) {
      const text = refusalText(error);
      if (text === undefined) throw error;
      return { kind: 'reply', text: `-ERR ${text}` };
    }
  }

  async #logIn(state: LoginState, line: string): Promise<Outcome> {
    const login = this.#services.login!;
    const connection = this.#connection;
    const outcome = await loginCommand({ connection, services: this.#services, login }, state, line);
    if (outcome.kind !== 'loggedIn') return outcome;
    const leftover = Buffer.concat(this.#held);
    const place = login.handOver(connection, outcome.account, {
      protocol: 'pop3',
      tag: state.utf8 ? 'UTF8' : '',
      leftover,
    });
    if (place === 'away') {
      clearTimeout(this.#timer);
      this.#state = { kind: 'over' };
      return { kind: 'sent' };
    }
    return this.#enter(outcome.account, state.utf8);
  }

  /** Opens the mailbox of a user who has logged in (pop3-proxy-options §1). */
  async #enter(account: AccountRecord, utf8: boolean): Promise<Outcome> {
    clearTimeout(this.#timer);
    const connection = this.#connection;
    const forbidden = forbiddenByOptions(account, 'pop3', connection.secure);
    if (forbidden) return { kind: 'end', text: `-ERR [SYS/PERM] ${forbidden.reason}` };
    let mailboxes: Mailboxes;
    try {
      mailboxes = await this.#services.openMailboxes(account, connection);
      const maildrop = await openMaildrop(mailboxes);
      const onRemoved = (fileName: string) => this.#logRemoval(account, fileName);
      const transaction = {
        connection,
        services: this.#services,
        maildrop,
        utf8,
        topOctets: 0,
        retrOctets: 0,
        onRemoved,
      };
      if (maildrop.incomplete)
        this.#services.log.error(`Error while saving courierpop3dsizelist, user=${account.address}`);
      this.#state = { kind: 'transaction', account, transaction };
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      if (error instanceof LockedAccount) {
        this.#services.log.info(lockedLine(connection, account.address));
        return { kind: 'end', text: `-ERR [SYS/TEMP] ${error.message}` };
      }
      this.#services.log.error(`pop3: ${account.address}: ${error.message}`);
      return { kind: 'end', text: `-ERR ${refusalText(error)}` };
    }
    this.#services.log.info(loginLine(connection, account.address, 'POP3'));
    this.#timer = setTimeout(
      () => this.#finish('timeout', '-ERR Disconnected for inactivity.\r\n'),
      this.#services.settings.inactivityMs,
    );
    if (connection.closed) this.#gone();
    return { kind: 'reply', text: '+OK logged in.' };
  }

  #logRemoval(account: AccountRecord, fileName: string): void {
    const { log, settings } = this.#services;
    if (settings.logDeletions)
      log.info(`DELETED, user=${account.address}, ${peer(this.#connection)}, filename=cur/${fileName}`);
  }

  #loginTimeout(): void {
    this.#finish('timeout', '-ERR Disconnected: it took too long to log in.\r\n');
  }

  #gone(): void {
    if (this.#state.kind !== 'over') this.#finish('disconnected');
  }

  #finish(end: SessionEnd, last?: string): void {
    clearTimeout(this.#timer);
    const state = this.#state;
    this.#state = { kind: 'over' };
    const { log } = this.#services;
    if (last !== undefined) this.#connection.write(last);
    const seconds = (Date.now() - this.#startedMs) / 1000;
    if (state.kind === 'transaction') {
      const { account, transaction } = state;
      const counts = {
        user: account.address,
        headerOctets: transaction.topOctets,
        bodyOctets: transaction.retrOctets,
        seconds,
      };
      log.info(sessionEndLine(this.#connection, 'POP3', end, counts));
      transaction.maildrop.mailbox.close();
      this.#services.sessionEnded?.(account);
    } else if (state.kind === 'login') {
      state.login.exchange?.close();
      log.debug(disconnectedBeforeLoginLine(this.#connection, 'POP3', seconds));
    }
    this.#connection.end();
  }
}
