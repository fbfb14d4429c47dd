/**
 * The life of one session: octets in, commands one after the other, tagged lines out. A command that answers
 * at once costs no promise; while one waits, what the client sends behind it waits too, bounded by pausing the
 * connection. Nothing but the connection, the state and a timer is held while the client is idle.
 */
import type { Mailboxes } from '../access/mailboxes.ts';
import { AccessDenied } from '../access/rights.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import { MailError } from '../base/mail-error.ts';
import { forbiddenByOptions } from '../login/account-options.ts';
import {
  disconnectedBeforeLoginLine,
  loginLine,
  logoutBeforeLoginLine,
  type SessionEnd,
  sessionEndLine,
} from '../login/log-lines.ts';
import type { Connection } from '../net/connection.ts';
import { type DebugFile, openDebugFile } from '../store/debug-file.ts';
import { nextTurn } from '../store/slices.ts';
import { capabilities } from './capability.ts';
import { ClientGone } from './client-gone.ts';
import { type Command, isAllowed } from './command.ts';
import { findCommand } from './commands/index.ts';
import { mailErrorTexts } from './errors.ts';
import { folderGone } from './folder-gone.ts';
import { ArgumentReader } from './parser/arguments.ts';
import { readHead, wantsStream } from './parser/command-head.ts';
import { CommandReader, type Incoming } from './parser/command-reader.ts';
import { SyntaxRefusal } from './parser/syntax-refusal.ts';
import { Refused } from './refused.ts';
import { no, type Reply, syntaxError } from './reply.ts';
import type { ImapServices, ImapSessionHandle } from './session.ts';
import type { SessionState } from './state.ts';
import { tellChanges } from './updates.ts';
import { Writer } from './writer.ts';

/** Input that may wait behind a running command before the connection is paused. */
const inputHighWater = 65_536;
/** Commands of one client in one turn of the event loop. */
const commandsPerTurn = 200;

export class ImapSession {
  readonly connection: Connection;
  readonly services: ImapServices;
  readonly settings: ImapServices['settings'];
  readonly writer: Writer;
  readonly reader: CommandReader;
  state: SessionState = { kind: 'notAuthenticated' };
  /** ENABLE UTF8=ACCEPT was given. */
  utf8 = false;
  /** The tag of the command that runs. */
  tag = '*';
  #gone: AbortController | undefined;
  readonly #startedMs = Date.now();
  #busy = false;
  #ended = false;
  #endOfInput = false;
  #stopping = false;
  #paused = false;
  #wake: (() => void) | undefined;
  #interrupt: ((error: Error) => void) | undefined;
  #timer: NodeJS.Timeout;
  #timeoutIsLogin = true;
  #refusals = 0;
  /** The SMAP1 session that has taken over. */
  #smap: ImapSessionHandle | undefined;
  /** Where the conversation is written down (IMAPDEBUGFILE). */
  #debug: DebugFile | undefined;
  #commandsThisTurn = 0;
  #rateCount = 0;
  #rateSinceMs = Date.now();

  constructor(connection: Connection, services: ImapServices) {
    this.connection = connection;
    this.services = services;
    this.settings = services.settings;
    this.writer = new Writer(connection);
    this.reader = new CommandReader(services.settings.limits.lineOctets);
    this.#timer = this.#startTimer(services.login?.loginTimeoutMs ?? this.settings.limits.inactivityMs);
  }

  /** Begins to read; call once, when the greeting is written. */
  begin(leftover: Buffer): void {
    this.writer.send();
    this.connection.onClose(() => this.#closed());
    this.connection.onEnd(() => {
      this.#endOfInput = true;
      if (this.#wake === undefined && !this.#busy) this.#pump();
      this.#interrupt?.(new ClientGone());
    });
    if (leftover.length > 0) {
      this.#debug?.note('READ', leftover);
      this.reader.push(leftover);
    }
    this.connection.onData((chunk) => this.#received(chunk));
    if (leftover.length > 0) this.#pump();
    if (this.connection.closed) this.#closed();
  }

  /** True when nothing the command does can reach the client any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The client has closed the connection, or at least its side of it. */
  get mayBeGone(): boolean {
    return this.#ended || this.#endOfInput;
  }

  /** Aborted when the client has gone. */
  get signal(): AbortSignal {
    this.#gone ??= new AbortController();
    return this.#gone.signal;
  }

  /** The capabilities of the moment. */
  capabilityText(): string {
    const { connection, services } = this;
    const login = this.state.kind === 'notAuthenticated' ? services.login : undefined;
    return capabilities(this.settings, {
      secure: connection.secure,
      canStartTls: login?.canStartTls(connection) ?? false,
      needsTls: login?.needsTls(connection) ?? false,
      external: login !== undefined && connection.certificateName !== undefined,
      loggedIn: this.state.kind !== 'notAuthenticated',
      compressed: connection.compressed,
    });
  }

  #received(chunk: Buffer): void {
    if (this.#ended) return;
    this.#debug?.note('READ', chunk);
    this.reader.push(chunk);
    if (this.#wake !== undefined) {
      const wake = this.#wake;
      this.#wake = undefined;
      wake();
    } else if (!this.#busy) this.#pump();
    if (this.#busy && this.#wake === undefined && this.reader.input.length > inputHighWater) {
      this.#paused = true;
      this.connection.pause();
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.connection.resume();
  }

  #pump(): void {
    this.#commandsThisTurn = 0;
    while (!this.#ended) {
      const incoming = this.reader.next();
      if (incoming === undefined) break;
      const running = this.#handle(incoming) ?? this.#pacing();
      if (running === undefined) continue;
      this.#busy = true;
      this.writer.flush();
      running.then(
        () => this.#continue(),
        (error: unknown) => this.#broken(error),
      );
      return;
    }
    this.writer.send();
    if (this.#ended) return;
    this.#resume();
    if (this.#endOfInput) this.end('disconnected');
    else if (this.#stopping) this.stop();
  }

  #continue(): void {
    this.#busy = false;
    if (this.#ended) this.writer.flush();
    else this.#pump();
  }

  /** Undefined if the next command may start now. */
  #pacing(): Promise<void> | undefined {
    if (!this.#timeoutIsLogin) this.#timer.refresh();
    if (this.writer.full) return this.writer.drained();
    const allowed = this.settings.limits.commandsPerSecond * 10;
    if (++this.#rateCount >= allowed) {
      const nowMs = Date.now();
      const restMs = this.#rateSinceMs + 10_000 - nowMs;
      this.#rateCount = 0;
      this.#rateSinceMs = nowMs + Math.max(0, restMs);
      if (restMs > 0) return new Promise((resolve) => setTimeout(resolve, restMs));
    }
    if (++this.#commandsThisTurn < commandsPerTurn) return undefined;
    return nextTurn();
  }

  #handle(incoming: Incoming): Promise<void> | undefined {
    if (this.#takesOver(incoming)) return undefined;
    const head = readHead(incoming.octets);
    this.tag = head?.tag ?? '*';
    if (incoming.kind === 'tooLong') return this.#refuse(syntaxError('line too long'));
    const found = head === undefined ? undefined : findCommand(head.name);
    if (head === undefined || found === undefined || !isAllowed(found, this.state.kind)) {
      if (incoming.kind === 'literal') this.reader.refuse();
      const reason = found === undefined ? 'unknown command' : 'not in this state';
      return this.#refuse(syntaxError(head === undefined ? 'no command' : reason));
    }
    const args = new ArgumentReader(incoming.octets, head.argumentsAt, this.settings.limits.depth);
    if (incoming.kind === 'literal') {
      const { literal } = incoming;
      const asking = found.streams && wantsStream(args);
      if (!asking) {
        const total = literal.size + incoming.octets.length;
        if (
          total > this.settings.limits.literalOctets + this.settings.limits.lineOctets ||
          literal.size > this.settings.limits.literalOctets
        ) {
          this.reader.refuse();
          return this.#refuse(syntaxError('literal too large'));
        }
        this.reader.collect();
        if (literal.waits) this.writer.line('+ OK');
        return undefined;
      }
    }
    return this.#start(found, head.name.startsWith('UID ') ? 'uid' : 'sequence', args);
  }

  /** Gives the connection to SMAP1 where a command's tag asks for it (smap §1). */
  #takesOver({ octets, kind }: Incoming): boolean {
    const { settings, services, connection } = this;
    if (settings.smapCapability === '' || kind === 'tooLong' || this.state.kind !== 'notAuthenticated')
      return false;
    if (!services.startSmap || octets.toString('latin1', 0, 7) !== '\\SMAP1 ') return false;
    this.writer.flush();
    this.forget();
    const sent = Buffer.concat([octets, Buffer.from('\n'), this.reader.input.takeAll()]);
    this.#smap = services.startSmap(connection, sent, () => this.capabilityText());
    return true;
  }

  #start(found: Command, by: 'sequence' | 'uid', args: ArgumentReader): Promise<void> | undefined {
    try {
      const reply = found.start(this, args, by);
      if (reply instanceof Promise) {
        return reply.then(
          (later) => this.#finish(found, later),
          (error: unknown) => this.#fail(found, error),
        );
      }
      return this.#finish(found, reply);
    } catch (error) {
      return this.#fail(found, error);
    }
  }

  #finish(found: Command, reply: Reply | undefined): Promise<void> | undefined {
    if (this.reader.asking) this.reader.refuse();
    if (reply === undefined) return undefined;
    if (reply.status === 'BAD') return this.#refuse(reply);
    this.#refusals = 0;
    if (found.changes === 'send' && this.state.kind === 'selected') {
      const telling = tellChanges(this, this.state);
      if (telling !== undefined) {
        return telling.then(
          () => this.writeReply(reply),
          (error: unknown) => {
            const isGone = error instanceof MailError && error.kind === 'notFound';
            return isGone ? folderGone(this) : this.#fail(found, error);
          },
        );
      }
    }
    this.writeReply(reply);
    return undefined;
  }

  /** Maps what a command threw to its tagged line. */
  #fail(found: Command, error: unknown): Promise<void> | undefined {
    if (this.reader.asking) this.reader.refuse();
    if (error instanceof ClientGone) return undefined;
    if (error instanceof SyntaxRefusal) return this.#refuse(syntaxError(error.message));
    if (error instanceof Refused) return this.#finish(found, error.reply);
    if (error instanceof AccessDenied) {
      const { mailbox, right } = error;
      return this.#finish(
        found,
        no(`[NOPERM] Access denied for ${found.label} on ${mailbox} (ACL "${right}" required)`),
      );
    }
    if (error instanceof MailError) {
      this.#refusals = 0;
      if (this.state.kind === 'selected' && this.state.mailbox.isGone) return folderGone(this);
      // One reply has one code: what programs look for is in the tagged one, what people are to see in front of it.
      if (error.kind === 'overQuota') this.writer.line('* NO [ALERT] You exceeded your mail quota.');
      this.writeReply(no(found.refuse[error.kind] ?? mailErrorTexts[error.kind]));
      return undefined;
    }
    this.services.log.error(
      `imap ${found.names[0]}: ${error instanceof Error ? error.stack : String(error)}`,
    );
    this.writeReply(no('[SERVERBUG] Internal error.'));
    return undefined;
  }

  #refuse(reply: Reply): undefined {
    if (++this.#refusals < this.settings.limits.refusals) {
      this.writeReply(reply);
      return;
    }
    this.bye('[ALERT] Fatal error: TOO MANY CONSECUTIVE PROTOCOL VIOLATIONS: ', 'disconnected');
  }

  writeReply(reply: Reply): void {
    this.writer.text(this.tag).text(' ').text(reply.status).text(' ').line(reply.text);
  }

  #broken(error: unknown): void {
    this.services.log.error(`imap: ${error instanceof Error ? error.stack : String(error)}`);
    this.bye('[SERVERBUG] Internal error.', 'disconnected');
  }

  // What a command that talks with the client in the middle uses: AUTHENTICATE, IDLE, APPEND.

  /** The next line, without its end. @throws {ClientGone} */
  async nextLine(timeoutMs: number): Promise<Buffer> {
    for (;;) {
      const line = this.reader.input.line(this.settings.limits.lineOctets);
      if (line?.kind === 'line') return line.octets;
      if (line?.kind === 'tooLong') throw new SyntaxRefusal('line too long', 0);
      await this.#moreInput(timeoutMs);
    }
  }

  /** Some octets, at most `max`. @throws {ClientGone} */
  async nextOctets(max: number, timeoutMs: number): Promise<Buffer> {
    for (;;) {
      const octets = this.reader.input.take(max);
      if (octets !== undefined) return octets;
      await this.#moreInput(timeoutMs);
    }
  }

  #moreInput(timeoutMs: number): Promise<void> {
    if (this.#ended || this.#endOfInput) return Promise.reject(new ClientGone());
    this.writer.send();
    this.#resume();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.bye('Disconnected for inactivity.', 'timeout');
      }, timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#interrupt = undefined;
      };
      this.#wake = () => {
        settle();
        resolve();
      };
      this.#interrupt = (error) => {
        settle();
        reject(error);
      };
    });
  }

  // Beginning and end.

  /** The client has logged in: opens its mailboxes and enters the authenticated state. @throws {MailError} */
  async enter(account: AccountRecord): Promise<void> {
    const forbidden = forbiddenByOptions(account, 'imap', this.connection.secure);
    if (forbidden) throw new MailError('cannot', forbidden.reason);
    const mailboxes = await this.services.openMailboxes(
      account,
      this.connection,
      this.tag === '*' ? undefined : this.tag,
    );
    await mailboxes.repair();
    await mailboxes.emptyTrash(this.settings.emptyTrash);
    this.state = { kind: 'authenticated', account, mailboxes };
    if (this.settings.debugFile !== undefined) this.#writeDown(this.settings.debugFile, mailboxes);
    clearTimeout(this.#timer);
    this.#timeoutIsLogin = false;
    this.#timer = this.#startTimer(this.settings.limits.inactivityMs);
    this.services.log.info(loginLine(this.connection, account.address, 'IMAP'));
  }

  /** From here on: nothing that has a password in it. */
  #writeDown(name: string, { account }: Mailboxes): void {
    const { connection, reader, writer, services } = this;
    const label = `[${connection.remotePort}]`;
    const debug = openDebugFile(account.maildir, name, label, services.log);
    if (debug === undefined) return;
    this.#debug = debug;
    writer.tap = (octets) => debug.note('WRITE', octets);
    const waiting = reader.input.takeAll();
    debug.note('READ', waiting);
    reader.push(waiting);
  }

  #startTimer(timeoutMs: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      if (this.#busy && !this.#timeoutIsLogin) timer.refresh();
      else this.bye('Disconnected for inactivity.', 'timeout');
    }, timeoutMs);
    return timer;
  }

  /** Leaves the selected mailbox, if there is one. */
  unselect(): void {
    const { state } = this;
    if (state.kind !== 'selected') return;
    this.state = { kind: 'authenticated', account: state.account, mailboxes: state.mailboxes };
    state.mailbox.close();
  }

  /** Says BYE and ends the session. @param reply  to the command that is the reason */
  bye(text: string, how: SessionEnd, reply?: Reply): void {
    if (this.#ended) return;
    this.writer.line(`* BYE ${text}`);
    if (reply) this.writeReply(reply);
    this.end(how);
  }

  /** Ends the session after what has been written. */
  end(how: SessionEnd): void {
    if (this.#ended) return;
    this.#over(how);
    this.writer.flush();
    if (how === 'logout') this.connection.endAtRequest();
    else this.connection.end();
  }

  /** The connection is another process's now. */
  forget(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  /** Says BYE as soon as no command runs. */
  stop(): void {
    this.#stopping = true;
    this.#smap?.stop();
    if (this.#busy && this.#wake === undefined) return;
    this.bye('Courier-IMAP server shut down by signal.', 'shutdown');
  }

  #closed(): void {
    this.#over('disconnected');
  }

  #over(how: SessionEnd): void {
    if (this.#ended) return;
    const { state, connection, services } = this;
    this.unselect();
    this.#ended = true;
    this.state = { kind: 'logout' };
    clearTimeout(this.#timer);
    this.writer.flush();
    this.writer.tap = undefined;
    this.#debug?.close();
    const seconds = (Date.now() - this.#startedMs) / 1000;
    if (state.kind === 'authenticated' || state.kind === 'selected') {
      const { headerOctets, bodyOctets } = this.writer;
      const counts = { user: state.account.address, headerOctets, bodyOctets, seconds };
      const line = sessionEndLine(connection, 'IMAP', how, counts);
      if (how === 'shutdown') services.log.warn(line);
      else services.log.info(line);
      services.sessionEnded?.(state.account);
    } else if (how === 'logout') services.log.info(logoutBeforeLoginLine(connection, 'IMAP'));
    else services.log.debug(disconnectedBeforeLoginLine(connection, 'IMAP', seconds));
    this.#gone?.abort(new ClientGone());
    this.#interrupt?.(new ClientGone());
  }
}
