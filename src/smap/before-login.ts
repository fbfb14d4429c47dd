/** What an SMAP1 connection says before it has logged in (smap §1). Lines of the server end in CRLF. */
import type { AccountRecord } from '../auth/account-record.ts';
import {
  type LoginResult,
  type LoginServices,
  type SaslExchange,
  tooManySessions,
} from '../login/services.ts';
import { splitWords } from './framing.ts';
import { ClientGone, TimedOut } from './link.ts';
import { octetsOf } from './output.ts';
import type { SmapServices, SmapSession } from './session.ts';

/** Octets of one literal: a name or a password. */
const literalOctets = 4096;
const mostRefusals = 10;
const protocol = { protocol: 'smap' } as const;

/** The client is refused with the text. */
class LoginRefused extends Error {}

export class LoginDialogue {
  readonly #session: SmapSession;
  readonly #services: SmapServices;
  readonly #endsMs: number;
  #exchange: SaslExchange | undefined;
  #refusals = 0;
  #account: AccountRecord | undefined;

  constructor(session: SmapSession, services: SmapServices) {
    this.#session = session;
    this.#services = services;
    this.#endsMs = Date.now() + (services.login?.loginTimeoutMs ?? 0);
  }

  /** @returns who has logged in; undefined: the connection is over, or another process has it */
  async run(): Promise<AccountRecord | undefined> {
    const { login } = this.#services;
    if (login === undefined) return undefined;
    try {
      while (this.#account === undefined) {
        const text = await this.#line();
        if (this.#session.ended) return undefined;
        const isOver = await this.#answer(login, splitWords(text));
        if (isOver) return undefined;
      }
      return this.#account;
    } catch (error) {
      if (!(error instanceof TimedOut)) throw error;
      this.#session.finish('timeout', '* BYE Disconnected for inactivity.\r\n');
      return undefined;
    } finally {
      this.#exchange?.close();
    }
  }

  /** The next line as text; octets that are none become replacement characters. */
  async #line(): Promise<string> {
    const line = await this.#session.link.line(Math.max(1, this.#endsMs - Date.now()));
    return line.kind === 'tooLong' ? '' : line.octets.toString();
  }

  /** @returns whether the dialogue is over */
  async #answer(login: LoginServices, [, verb = '', ...words]: string[]): Promise<boolean> {
    const { connection } = this.#session.link;
    try {
      switch (verb.toUpperCase()) {
        case 'CAPABILITY':
          this.#refusals = 0;
          this.#say(`* CAPABILITY ${this.#services.capabilityText(connection)}`);
          this.#say('+OK CAPABILITY completed');
          return false;
        case 'NOOP':
          this.#refusals = 0;
          this.#say('+OK NOOP completed');
          return false;
        case 'LOGOUT':
          this.#say('* BYE Courier-IMAP server shutting down');
          this.#session.finish('logout', '+OK LOGOUT completed\r\n');
          return true;
        case 'STARTTLS':
          return await this.#startTls(login);
        case 'LOGIN':
          return await this.#logIn(login, words);
        case 'AUTHENTICATE':
          return await this.#authenticate(login, words);
        default:
          return this.#refuse();
      }
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error;
      this.#say(`-ERR ${error.message}`);
      return false;
    }
  }

  async #startTls(login: LoginServices): Promise<boolean> {
    const { connection } = this.#session.link;
    if (!login.canStartTls(connection)) return this.#refuse();
    this.#say('+OK Begin SSL/TLS negotiation now.');
    this.#session.output.flush();
    // Nothing sent in clear counts behind the handshake.
    this.#session.link.takeAll();
    try {
      await connection.startTls();
    } catch {
      throw new ClientGone();
    }
    return false;
  }

  /** Words as SMAP writes them; the last of a line may be a literal of IMAP. */
  async #logIn(login: LoginServices, words: string[]): Promise<boolean> {
    const [user, password, ...more] = await this.#withLiterals(words);
    if (user === undefined || password === undefined || more.length > 0) return this.#refuse();
    const { connection } = this.#session.link;
    if (login.needsTls(connection)) throw new LoginRefused('STARTTLS required');
    return this.#conclude(login, await login.authenticate(connection, { user, password }, protocol));
  }

  async #withLiterals(words: string[]): Promise<string[]> {
    const all = words;
    for (;;) {
      const [, size, isWaiting] = /^\{(\d{1,9})(\+?)\}$/.exec(all.at(-1) ?? '') ?? [];
      if (size === undefined) return all;
      if (Number(size) > literalOctets || all.length > 2) return [];
      if (isWaiting === '') this.#say('+ OK');
      all[all.length - 1] = await this.#literal(Number(size));
      all.push(...splitWords(await this.#line()));
    }
  }

  async #literal(size: number): Promise<string> {
    const pieces: Buffer[] = [];
    for (let left = size; left > 0; left -= pieces.at(-1)!.length)
      pieces.push(await this.#session.link.octets(left, Math.max(1, this.#endsMs - Date.now())));
    return Buffer.concat(pieces).toString();
  }

  async #authenticate(login: LoginServices, [word, initial]: string[]): Promise<boolean> {
    if (word === undefined) return this.#refuse();
    const { connection } = this.#session.link;
    if (login.needsTls(connection)) throw new LoginRefused('STARTTLS required');
    const method = word.toUpperCase();
    const exchange = login.sasl(connection, method, protocol);
    if (exchange === undefined) return this.#conclude(login, await login.refuse(connection, { method }));
    this.#exchange = exchange;
    let step = await exchange.step(initial);
    while (step.kind === 'challenge') {
      this.#say(`> ${step.base64}`);
      step = await exchange.step(await this.#line());
    }
    exchange.close();
    this.#exchange = undefined;
    return this.#conclude(login, step.result);
  }

  #conclude(login: LoginServices, result: LoginResult): boolean {
    const session = this.#session;
    switch (result.kind) {
      case 'rejected':
        throw new LoginRefused('Login failed.');
      case 'limited':
        throw new LoginRefused(tooManySessions);
      case 'forbidden':
        session.finish('disconnected', `-ERR ${octetsOf(result.reason)}\r\n`);
        return true;
      case 'temporary':
        session.finish('disconnected', '* BYE Temporary problem, please try again later\r\n');
        return true;
      case 'accepted': {
        session.output.flush();
        const leftover = session.link.takeAll();
        const place = login.handOver(session.link.connection, result.account, {
          protocol: 'smap',
          tag: '',
          leftover,
        });
        if (place === 'away') {
          session.forget();
          return true;
        }
        session.link.unread(leftover);
        this.#account = result.account;
        return false;
      }
    }
  }

  #refuse(): boolean {
    if (++this.#refusals < mostRefusals) {
      this.#say('-ERR Error in IMAP command received by server.');
      return false;
    }
    this.#session.finish('disconnected', '* BYE [ALERT] Fatal error: too many errors.\r\n');
    return true;
  }

  #say(text: string): void {
    this.#session.output.text(`${text}\r\n`);
  }
}
