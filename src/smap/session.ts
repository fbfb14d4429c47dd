/** One SMAP1 connection, from the first `\SMAP1` of an IMAP connection on (smap §1, §2). */
import type { Mailboxes } from '../access/mailboxes.ts';
import type { OpenMailbox } from '../access/open-mailbox.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import type { Log } from '../base/log.ts';
import { MailError } from '../base/mail-error.ts';
import { forbiddenByOptions } from '../login/account-options.ts';
import {
  disconnectedBeforeLoginLine,
  loginLine,
  logoutBeforeLoginLine,
  type SessionEnd,
  sessionEndLine,
} from '../login/log-lines.ts';
import type { LoginServices } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import { nextTurn } from '../store/slices.ts';
import { LoginDialogue } from './before-login.ts';
import type { Draft } from './commands/add.ts';
import { findCommand } from './commands/index.ts';
import { refusalText } from './errors.ts';
import { splitWords } from './framing.ts';
import { ClientGone, Link, TimedOut } from './link.ts';
import { type Output, octetsOf } from './output.ts';
import { Refused } from './refused.ts';
import type { SmapSettings } from './settings.ts';
import type { SnapshotChain } from './snapshot-chain.ts';
import type { View } from './view.ts';

export interface SmapServices {
  readonly log: Log;
  readonly settings: SmapSettings;
  /** Absent in session hosts. */
  readonly login?: LoginServices;
  /** The capability list of the moment. */
  capabilityText(connection: Connection): string;
  openMailboxes(account: AccountRecord, connection: Connection): Mailboxes | Promise<Mailboxes>;
}

/** The folder a session has open. */
export interface OpenFolder {
  readonly mailbox: OpenMailbox;
  readonly view: View;
  /** SOPEN asked for snapshots. */
  readonly snapshots: SnapshotChain | undefined;
}

/** Commands of one client in one turn of the event loop. */
const commandsPerTurn = 200;
const inactive = '* BYE Disconnected for inactivity.\r\n';

export class SmapSession {
  readonly services: SmapServices;
  readonly link: Link;
  open: OpenFolder | undefined;
  /** What ADD has collected. */
  draft: Draft | undefined;
  readonly #startedMs = Date.now();
  readonly #gone = new AbortController();
  #user: { account: AccountRecord; mailboxes: Mailboxes } | undefined;
  #stopping = false;
  #over = false;

  /**
   * @param octets  what the client has sent and nobody has answered
   * @param account  who has logged in already
   */
  constructor(connection: Connection, services: SmapServices, octets: Buffer, account?: AccountRecord) {
    this.services = services;
    this.link = new Link(connection, octets);
    this.#serve(account).catch((error: unknown) => this.#failed(error));
  }

  get settings(): SmapSettings {
    return this.services.settings;
  }

  get output(): Output {
    return this.link.output;
  }

  get account(): AccountRecord {
    return this.#user!.account;
  }

  get mailboxes(): Mailboxes {
    return this.#user!.mailboxes;
  }

  /** True when nothing a command does can reach the client any more. */
  get ended(): boolean {
    return this.link.ended;
  }

  /** Aborted when the session is over. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** The open folder. @throws {Refused} there is none */
  get folder(): OpenFolder {
    if (!this.open) throw new Refused('Syntax error.');
    return this.open;
  }

  closeFolder(): void {
    this.open?.mailbox.close();
    this.open = undefined;
  }

  /** Ends the session as soon as no command runs. */
  stop(): void {
    this.#stopping = true;
    if (this.link.isWaiting) this.#shutDown();
  }

  #shutDown(): void {
    this.finish('shutdown', '* BYE Courier-SMAP server shut down by signal.\r\n');
  }

  async #serve(known: AccountRecord | undefined): Promise<void> {
    const account = known ?? (await new LoginDialogue(this, this.services).run());
    if (account === undefined || !(await this.#enter(account))) return;
    const { log } = this.services;
    log.info(loginLine(this.link.connection, account.address, 'SMAP1'));
    this.output.line('+OK SMAP1 LOGIN Ok.');
    for (let commands = 1; !this.#over; commands++) {
      if (this.#stopping) return this.#shutDown();
      if (commands % commandsPerTurn === 0) await nextTurn();
      const line = await this.link.line(this.settings.limits.inactivityMs);
      if (line.kind === 'tooLong') this.output.line('-ERR Line too long.');
      else await this.#answer(textOf(line.octets));
      if (this.output.full) await this.output.drained();
    }
  }

  /** @returns false: the account may not be served, and has been told */
  async #enter(account: AccountRecord): Promise<boolean> {
    const { openMailboxes } = this.services;
    try {
      const forbidden = forbiddenByOptions(account, 'imap', this.link.connection.secure);
      if (forbidden) throw new MailError('cannot', forbidden.reason);
      const mailboxes = await openMailboxes(account, this.link.connection);
      await mailboxes.repair();
      await mailboxes.emptyTrash(this.settings.emptyTrash);
      this.#user = { account, mailboxes };
      return true;
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      this.finish('disconnected', `-ERR ${octetsOf(error.message)}\n`);
      return false;
    }
  }

  /** @param line  undefined: it is no text */
  async #answer(line: string | undefined): Promise<void> {
    if (line === undefined) return this.output.line('-ERR Syntax error.');
    const [verb = '', ...words] = splitWords(line);
    const name = verb.toUpperCase();
    if (name === 'LOGOUT') return this.#logOut();
    const run = findCommand(name);
    if (name !== 'ADD') this.draft = undefined;
    try {
      this.output.line(`+OK ${run ? await run(this, words) : refuse()}`);
    } catch (error) {
      if (error instanceof ClientGone || error instanceof TimedOut) throw error;
      const text = error instanceof Refused ? error.message : refusalText(error, name);
      if (text === undefined) this.#logBug(error);
      this.output.line(`-ERR ${octetsOf(text ?? 'Internal error.')}`);
    }
  }

  async #logOut(): Promise<void> {
    this.closeFolder();
    await this.mailboxes.emptyTrash(this.settings.emptyTrash);
    this.finish('logout', '* BYE Courier-SMAP server shutting down\n+OK LOGOUT completed\n');
  }

  #failed(error: unknown): void {
    if (error instanceof ClientGone) this.finish('disconnected');
    else if (error instanceof TimedOut) this.finish('timeout', inactive);
    else {
      this.#logBug(error);
      this.finish('disconnected', '* BYE Internal error.\r\n');
    }
  }

  #logBug(error: unknown): void {
    this.services.log.error(`smap: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** Another process has the connection now. */
  forget(): void {
    this.#over = true;
    this.link.end();
  }

  /** Ends the session, after what has been said and `last`. */
  finish(how: SessionEnd, last = ''): void {
    if (this.#over) return;
    this.#over = true;
    this.closeFolder();
    this.output.text(last);
    this.output.flush();
    const { connection } = this.link;
    this.link.end();
    this.#gone.abort(new ClientGone());
    this.#logEnd(how);
    if (how === 'logout') connection.endAtRequest();
    else connection.end();
  }

  #logEnd(how: SessionEnd): void {
    const { log } = this.services;
    const { connection } = this.link;
    const { headerOctets, bodyOctets } = this.output;
    const seconds = (Date.now() - this.#startedMs) / 1000;
    if (this.#user) {
      const counts = { user: this.account.address, headerOctets, bodyOctets, seconds };
      log[how === 'shutdown' ? 'warn' : 'info'](sessionEndLine(connection, 'SMAP1', how, counts));
    } else if (how === 'logout') log.info(logoutBeforeLoginLine(connection, 'SMAP1'));
    else log.debug(disconnectedBeforeLoginLine(connection, 'SMAP1', seconds));
  }
}

function refuse(): never {
  throw new Refused('Syntax error.');
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A line as text; undefined if it is not UTF-8 or has control characters that are no white space. */
function textOf(octets: Buffer): string | undefined {
  try {
    const text = strictUtf8.decode(octets);
    return /[\x00-\x08\x0e-\x1f\x7f-\x9f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
