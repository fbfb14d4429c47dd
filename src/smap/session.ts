/** One SMAP1 connection, from the first `\SMAP1` of an IMAP connection on (smap §1, §2). */
import type { Mailboxes } from '../access/mailboxes.ts';
import { type AccountRecord, optionIsSet } from '../auth/account-record.ts';
import type { Log } from '../base/log.ts';
import { MailError } from '../base/mail-error.ts';
import { loginLine, type SessionEnd, sessionEndLine } from '../login/log-lines.ts';
import { type LoginResult, type LoginServices, type SaslExchange, tooManySessions } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import { LineReader } from '../net/line-reader.ts';
import { closeFolder, failurePrefix, runCommand, type SmapState } from './commands.ts';
import { refusalText } from './errors.ts';
import { splitWords } from './framing.ts';

export interface SmapServices {
  readonly log: Log;
  readonly inactivityMs: number;
  /** Absent in session hosts. */
  readonly login?: LoginServices;
  /** The capability list of the moment. */
  capabilityText(connection: Connection): string;
  openMailboxes(account: AccountRecord, connection: Connection): Mailboxes | Promise<Mailboxes>;
  sessionEnded?(account: AccountRecord): void;
}

const lineOctets = 8191;
const loggedIn = '+OK SMAP1 LOGIN Ok.\n';

export class SmapSession {
  readonly #connection: Connection;
  readonly #services: SmapServices;
  readonly #reader = new LineReader(lineOctets);
  readonly #startedMs = Date.now();
  #held: Buffer[];
  #busy = false;
  #over = false;
  #refusals = 0;
  #exchange: SaslExchange | undefined;
  #account: AccountRecord | undefined;
  #state: SmapState | undefined;
  #timer: NodeJS.Timeout;

  /** @param octets  what the client has sent and nobody has answered */
  constructor(connection: Connection, services: SmapServices, octets: Buffer, account?: AccountRecord) {
    this.#connection = connection;
    this.#services = services;
    this.#held = [octets];
    this.#timer = setTimeout(() => this.#finish('timeout'), services.login?.loginTimeoutMs ?? 60_000);
    connection.onClose(() => this.#finish('disconnected'));
    connection.onEnd(() => this.#finish('disconnected'));
    connection.onData((chunk) => {
      this.#held.push(chunk);
      void this.#serve();
    });
    void this.#serve(account);
  }

  stop(): void {
    this.#finish('shutdown', '* BYE Courier-SMAP server shut down by signal.\r\n');
  }

  async #serve(account?: AccountRecord): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#connection.pause();
    try {
      if (account) await this.#enter(account);
      for (let chunk = this.#held.shift(); chunk && !this.#over; chunk = this.#held.shift()) {
        let line: string | undefined;
        const rest = this.#reader.feed(chunk, (text) => {
          line = text;
          return false;
        });
        if (rest.length > 0) this.#held.unshift(rest);
        if (line !== undefined) await this.#answer(line);
      }
    } catch (error) {
      this.#services.log.error(`smap: ${error instanceof Error ? error.stack : String(error)}`);
      this.#finish('disconnected', '* BYE Internal error.\r\n');
    }
    this.#busy = false;
    if (!this.#over) this.#connection.resume();
  }

  async #answer(octets: string): Promise<void> {
    const line = Buffer.from(octets, 'latin1').toString();
    if (!this.#state) return this.#beforeLogin(line);
    this.#timer.refresh();
    const verb = (splitWords(line)[0] ?? '').toUpperCase();
    if (verb === 'LOGOUT') {
      const bye = '* BYE Courier-SMAP server shutting down\n+OK LOGOUT completed\n';
      return this.#finish('logout', bye);
    }
    const say = (text: string): void => void this.#connection.write(Buffer.from(`${text}\n`));
    const isText = line.length < lineOctets && !/[\x00-\x08\x0e-\x1f\x7f\ufffd]/.test(line);
    try {
      say(isText ? await runCommand(this.#state, line, say) : '-ERR Syntax error.');
    } catch (error) {
      const text = refusalText(error, failurePrefix[verb] ?? '');
      if (text === undefined) throw error;
      say(`-ERR ${text}`);
    }
    await this.#connection.drained();
  }

  async #beforeLogin(line: string): Promise<void> {
    const { login } = this.#services;
    const connection = this.#connection;
    const say = (text: string): void => void connection.write(`${text}\r\n`);
    if (this.#exchange) return this.#step(this.#exchange, line.replace(/\r$/, ''));
    const [, verb = '', ...words] = splitWords(line);
    const command = verb.toUpperCase();
    if (command === 'CAPABILITY') {
      say(`* CAPABILITY ${this.#services.capabilityText(connection)}`);
      return say('+OK CAPABILITY completed');
    }
    if (command === 'NOOP') return say('+OK NOOP completed');
    if (command === 'LOGOUT') {
      say('* BYE Courier-IMAP server shutting down');
      return this.#finish('logout', '+OK LOGOUT completed\r\n');
    }
    if (command === 'STARTTLS' && login?.canStartTls(connection)) {
      say('+OK Begin SSL/TLS negotiation now.');
      this.#held = [];
      return connection.startTls();
    }
    if (login && ['LOGIN', 'AUTHENTICATE'].includes(command) && words.length > 0) {
      if (login.needsTls(connection)) return say('-ERR STARTTLS required');
      const [user = '', password] = words;
      if (command === 'LOGIN' && password !== undefined)
        return this.#conclude(await login.authenticate(connection, { user, password }));
      if (command === 'AUTHENTICATE') {
        const method = user.toUpperCase();
        this.#exchange = login.sasl(connection, method);
        if (this.#exchange) return this.#step(this.#exchange, password);
        return this.#conclude(await login.refuse(connection, { method }));
      }
    }
    if (++this.#refusals >= 10)
      return this.#finish('disconnected', '* BYE [ALERT] Fatal error: too many errors.\r\n');
    say('-ERR Error in IMAP command received by server.');
  }

  async #step(exchange: SaslExchange, line: string | undefined): Promise<void> {
    const step = await exchange.step(line);
    if (step.kind === 'challenge') {
      this.#connection.write(`> ${step.base64}\r\n`);
      return;
    }
    exchange.close();
    this.#exchange = undefined;
    await this.#conclude(step.result);
  }

  async #conclude(result: LoginResult): Promise<void> {
    if (result.kind === 'temporary')
      return this.#finish('disconnected', '* BYE Temporary problem, please try again later\r\n');
    if (result.kind !== 'accepted') {
      this.#connection.write(
        `-ERR ${result.kind === 'limited' ? tooManySessions : 'Login failed.'}\r\n`,
      );
      return;
    }
    const leftover = Buffer.concat(this.#held);
    const session = { protocol: 'smap', tag: '', leftover } as const;
    if (this.#services.login?.handOver(this.#connection, result.account, session) === 'away') {
      clearTimeout(this.#timer);
      this.#over = true;
    } else await this.#enter(result.account);
  }

  async #enter(account: AccountRecord): Promise<void> {
    const { options } = account;
    const { log, openMailboxes, inactivityMs } = this.#services;
    const isBarred =
      optionIsSet(options, 'disableimap') ||
      (optionIsSet(options, 'disableinsecureimap') && !this.#connection.secure);
    if (isBarred) return this.#finish('disconnected', '-ERR IMAP access disabled for this account.\n');
    try {
      this.#state = { mailboxes: await openMailboxes(account, this.#connection), open: undefined };
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return this.#finish('disconnected', `-ERR ${error.message}\n`);
    }
    this.#account = account;
    clearTimeout(this.#timer);
    const bye = '* BYE Disconnected for inactivity.\r\n';
    this.#timer = setTimeout(() => this.#finish('timeout', bye), inactivityMs);
    log.info(loginLine(this.#connection, account.address, 'SMAP1'));
    this.#connection.write(loggedIn);
  }

  #finish(end: SessionEnd, last?: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#exchange?.close();
    if (this.#state) closeFolder(this.#state);
    if (this.#account) {
      const seconds = (Date.now() - this.#startedMs) / 1000;
      const counts = { user: this.#account.address, headerOctets: 0, bodyOctets: 0, seconds };
      this.#services.log.info(sessionEndLine(this.#connection, 'SMAP1', end, counts));
      this.#services.sessionEnded?.(this.#account);
    }
    this.#connection.end(last);
  }
}
