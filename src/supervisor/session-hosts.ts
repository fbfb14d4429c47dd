/**
 * The supervisor's half of moving sessions: one host process per uid, started when first needed and gone when it
 * has been idle. The handle is kept here until the host says that it has it, which it does before it says anything
 * to the client: a session whose host dies in between goes to another one, once.
 */
import type { ChildProcess } from 'node:child_process';
import type { Log } from '../base/log.ts';
import type { ConnectionHandle } from '../net/hand-over.ts';
import { type ChildOutput, forkModule, logMode, siblingModule } from './child.ts';
import type { MovedSession, Owner, ToHost, ToSupervisor } from './messages.ts';
import type { ServiceSettings } from './settings.ts';

const confirmMs = 10_000;

/** Told once for each session, with what its client sent and was sent as far as that is known. */
export type SessionEnded = (receivedOctets?: number, sentOctets?: number) => void;

/** A session on its way to a host. */
interface Placing {
  readonly owner: Owner;
  readonly session: MovedSession;
  readonly handle: ConnectionHandle;
  readonly services: readonly ServiceSettings[];
  readonly ended: SessionEnded;
  /** A host has ended before it took it. */
  readonly isSecond: boolean;
}

interface Waiting {
  readonly handle: ConnectionHandle;
  readonly timer: NodeJS.Timeout;
  hostGone(): void;
}

interface Host {
  readonly process: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  /** What to do when a session is over, by its number. */
  readonly sessions: Map<number, SessionEnded>;
  /** It was started for these settings. */
  readonly services: readonly ServiceSettings[];
}

/** Why a session may not be started for an owner; undefined: it may. */
export type Refusal = (owner: Owner, session: MovedSession) => string | undefined;

export class SessionHosts {
  readonly #log: Log;
  readonly #refusal: Refusal;
  readonly #output: ChildOutput;
  readonly #hosts = new Map<string, Host>();
  readonly #all = new Set<ChildProcess>();
  #nextId = 1;
  #stopping = false;

  /** @param refusal  asked once for each session, before anything is started for it */
  constructor(log: Log, output: ChildOutput, refusal: Refusal) {
    this.#log = log;
    this.#refusal = refusal;
    this.#output = output;
  }

  get size(): number {
    return this.#all.size;
  }

  get sessions(): number {
    return [...this.#hosts.values()].reduce((sum, { sessions }) => sum + sessions.size, 0);
  }

  /** Gives a session to the host of its owner. @param handle  undefined: the client went away on the way */
  place(
    owner: Owner,
    session: MovedSession,
    handle: ConnectionHandle | undefined,
    services: readonly ServiceSettings[],
    ended: SessionEnded,
  ): void {
    const refusal = this.#refusalOf(owner, session);
    if (handle === undefined || refusal !== undefined) {
      if (refusal !== undefined) {
        const { address } = session.account;
        this.#log.error(`${address}: no session as uid ${owner.uid}, gid ${owner.gid}: ${refusal}`);
      }
      handle?.close();
      ended();
      return;
    }
    this.#send({ owner, session, handle, services, ended, isSecond: false });
  }

  #send(placing: Placing): void {
    const { owner, session, handle, services, ended } = placing;
    const host = this.#hostOf(owner, services);
    const id = this.#nextId++;
    const failed = (why: string) => {
      if (!host.waiting.delete(id)) return;
      clearTimeout(timer);
      host.sessions.delete(id);
      handle.close();
      ended();
      this.#log.error(`hand-over to the host of uid ${owner.uid} failed: ${why}`);
    };
    const hostGone = () => {
      if (placing.isSecond || this.#stopping) return failed('it has ended');
      clearTimeout(timer);
      host.waiting.delete(id);
      host.sessions.delete(id);
      this.#send({ ...placing, isSecond: true });
    };
    const timer = setTimeout(() => failed('no confirmation'), confirmMs);
    host.waiting.set(id, { handle, timer, hostGone });
    host.sessions.set(id, ended);
    const message: ToHost = { type: 'session', id, session };
    host.process.send(message, handle as never, {}, (error) => {
      // Of one that is ending we are told in a moment.
      if (error && host.process.connected && (error as NodeJS.ErrnoException).code !== 'EPIPE')
        failed(error.message);
    });
  }

  #refusalOf(owner: Owner, session: MovedSession): string | undefined {
    if (this.#stopping) return 'the server is stopping';
    if (!(owner.uid > 0 && owner.gid > 0)) return 'never as root';
    return this.#refusal(owner, session);
  }

  /** Tells every host to finish; resolves when all are gone. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping = true;
    const ends = [...this.#all].map(
      (process) =>
        new Promise<void>((resolve) => {
          process.once('exit', () => resolve());
          if (process.connected) process.send({ type: 'stop' } satisfies ToHost);
        }),
    );
    const force = setTimeout(() => {
      for (const process of this.#all) process.kill('SIGKILL');
    }, limitMs);
    await Promise.all(ends);
    clearTimeout(force);
  }

  /** The running host of this uid and group; one started with older settings finishes what it has. */
  #hostOf(owner: Owner, services: readonly ServiceSettings[]): Host {
    const key = `${owner.uid} ${owner.gid} ${owner.username ?? ''}`;
    const present = this.#hosts.get(key);
    if (present?.services === services && present.process.connected) return present;
    const process = forkModule(siblingModule('session-host'), [logMode(this.#output)], this.#output);
    const host: Host = { process, waiting: new Map(), sessions: new Map(), services };
    this.#hosts.set(key, host);
    this.#all.add(process);
    process.send({ type: 'start', owner, services } satisfies ToHost);
    process.on('message', (message: ToSupervisor) => {
      if (message.type === 'taken') this.#confirmed(host, message.id);
      else if (message.type === 'ended') {
        host.sessions.get(message.id)?.(message.receivedOctets, message.sentOctets);
        host.sessions.delete(message.id);
      } else if (message.type === 'stopped' && this.#hosts.get(key) === host && host.sessions.size === 0) {
        this.#hosts.delete(key);
        process.send({ type: 'stop' } satisfies ToHost);
      }
    });
    process.on('error', (error) => this.#log.error(`host of uid ${owner.uid}: ${error.message}`));
    // What it has said comes before the end of the channel.
    let hasExited = false;
    const gone = () => {
      if (process.connected || !hasExited) return;
      if (this.#hosts.get(key) === host) this.#hosts.delete(key);
      for (const { hostGone } of [...host.waiting.values()]) hostGone();
      for (const ended of host.sessions.values()) ended();
      host.sessions.clear();
    };
    process.once('disconnect', gone);
    process.once('exit', () => {
      hasExited = true;
      this.#all.delete(process);
      gone();
    });
    return host;
  }

  #confirmed(host: Host, id: number): void {
    const waiting = host.waiting.get(id);
    if (!waiting) return;
    host.waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.handle.close();
  }
}
