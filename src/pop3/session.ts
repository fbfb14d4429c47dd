/**
 * POP3 (RFC 1939, 2449, 5034, 6856): commands are answered one after the other in the order they came; while one
 * runs the connection is not read, so a client that sends faster than it is served waits.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
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
import { Input } from '../net/input.ts';
import { LockedAccount } from '../store/login-checks.ts';
import { noteVisit } from '../store/pop3-visit.ts';
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

/** Input that may wait behind a running command before the connection is paused. */
const inputHighWater = 65_536;

/** Commands of one client in one turn of the event loop. */
const commandsPerTurn = 200;

const tooLong: Outcome = { kind: 'reply', text: '-ERR Invalid command: the line is too long.' };

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
  readonly #input = new Input();
  readonly #startedMs = Date.now();
  #busy = false;
  #paused = false;
  #inputEnded = false;
  #stopping = false;
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
      if (!this.#busy) this.#pump();
    });
    this.#connection.onData((chunk) => {
      this.#input.push(chunk);
      if (!this.#busy) this.#pump();
      else if (this.#input.length > inputHighWater) {
        this.#paused = true;
        this.#connection.pause();
      }
    });
  }

  begin(account: AccountRecord, start: Pop3Start): void {
    this.#input.push(start.leftover);
    this.listen();
    void this.#waitFor(this.#enter(account, start.utf8));
  }

  stop(): void {
    this.#stopping = true;
    // What is being sent is sent to its end.
    if (this.#busy && this.#state.kind === 'transaction') return;
    if (this.#state.kind !== 'over')
      this.#finish('shutdown', '-ERR [SYS/TEMP] The server is shutting down.\r\n');
  }

  /** Answers what has come, until there is something to wait for. */
  #pump(): void {
    for (let commands = 0; this.#state.kind !== 'over'; ) {
      const line = this.#input.line(commandLineOctets);
      if (line === undefined) break;
      const answered = line.kind === 'line' ? this.#answer(line.octets.toString('latin1')) : tooLong;
      const outcome =
        answered instanceof Promise ? answered : this.#apply(answered, ++commands >= commandsPerTurn);
      if (outcome !== undefined) {
        void this.#waitFor(outcome);
        return;
      }
    }
    if (this.#state.kind === 'over') return;
    if (this.#paused) this.#connection.resume();
    this.#paused = false;
    if (this.#inputEnded) this.#connection.end();
    else if (this.#stopping) this.stop();
  }

  async #waitFor(outcome: Promise<Outcome | undefined>): Promise<void> {
    this.#busy = true;
    try {
      const done = await outcome;
      if (done !== undefined) await this.#apply(done, false);
    } catch (error) {
      this.#broken(error);
    }
    this.#busy = false;
    this.#pump();
  }

  #broken(error: unknown): void {
    this.#services.log.error(`pop3: ${error instanceof Error ? error.stack : String(error)}`);
    if (this.#state.kind !== 'over') this.#finish('disconnected', '-ERR [SYS/TEMP] Internal error.\r\n');
  }

  /** @returns what to wait for before the next command: a client that reads, the turn of others */
  #apply(outcome: Outcome, otherTurn: boolean): Promise<undefined> | undefined {
    const connection = this.#connection;
    let canGoOn = true;
    if (outcome.kind === 'reply') canGoOn = connection.write(`${outcome.text}\r\n`);
    else if (outcome.kind === 'restart') this.#input.clear();
    else if (outcome.kind === 'end') this.#finish('logout', `${outcome.text}\r\n`);
    if (!canGoOn) return connection.drained().then(() => undefined);
    return otherTurn ? nextTurn(undefined) : undefined;
  }

  #answer(line: string): Outcome | Promise<Outcome> {
    const state = this.#state;
    try {
      if (state.kind === 'over') return { kind: 'sent' };
      if (state.kind === 'login') return this.#logIn(state.login, line).catch(refused);
      this.#timer?.refresh();
      const outcome = transactionCommand(state.transaction, line);
      return outcome instanceof Promise ? outcome.catch(refused) : outcome;
    } catch (error) {
      return refused(error);
    }
  }

  async #logIn(state: LoginState, line: string): Promise<Outcome> {
    const login = this.#services.login!;
    const connection = this.#connection;
    const outcome = await loginCommand({ connection, services: this.#services, login }, state, line);
    if (outcome.kind !== 'loggedIn') return outcome;
    const leftover = this.#input.takeAll();
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
    this.#input.push(leftover);
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
      mailboxes = await this.#services.openMailboxes(account, connection, utf8);
      if (!this.#mayEnter(mailboxes))
        return { kind: 'end', text: '-ERR [LOGIN-DELAY] The last login was not long enough ago.' };
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
    this.#timer = setTimeout(() => this.#inactive(), this.#services.settings.inactivityMs);
    if (connection.closed) this.#gone();
    return { kind: 'reply', text: '+OK logged in.' };
  }

  /** LOGIN-DELAY (RFC 2449 §8.1.1); a maildir that cannot be written is no reason to refuse. */
  #mayEnter({ account }: Mailboxes): boolean {
    const { loginDelaySeconds } = this.#services.settings;
    if (loginDelaySeconds === 0) return true;
    try {
      return noteVisit(account.maildir, loginDelaySeconds);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      this.#services.log.warn(`${account.maildir}: ${error.message}`);
      return true;
    }
  }

  #logRemoval(account: AccountRecord, fileName: string): void {
    const { log, settings } = this.#services;
    if (settings.logDeletions)
      log.info(`DELETED, user=${account.address}, ${peer(this.#connection)}, filename=cur/${fileName}`);
  }

  #inactive(): void {
    // A client that takes long to read a message is not inactive.
    if (this.#busy) this.#timer?.refresh();
    else this.#finish('timeout', '-ERR Disconnected for inactivity.\r\n');
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
    if (state.kind === 'transaction' && end === 'logout') this.#connection.endAtRequest();
    else this.#connection.end();
  }
}

/** What the client is told of an error. @throws what is none of his business */
function refused(error: unknown): Outcome {
  const text = refusalText(error);
  if (text === undefined) throw error;
  return { kind: 'reply', text: `-ERR ${text}` };
}
