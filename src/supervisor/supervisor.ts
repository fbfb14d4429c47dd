/**
 * The process that holds everything together: binds the ports, starts and restarts the others, and says when to
 * reread and when to stop. It reads nothing that a stranger sends.
 */

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect, type Server } from 'node:net';
import type { AccountRecord } from '../auth/account-record.ts';
import { createTicketChecker, ticketKeyOctets } from '../auth/login-ticket.ts';
import type { Log } from '../base/log.ts';
import { exposition } from '../metrics/exposition.ts';
import type { ConnectionHandle } from '../net/hand-over.ts';
import { adoptDescriptor } from '../net/listen-handle.ts';
import { Certificates } from './certificates.ts';
import { Child, type ChildOutput, forkModule, logMode, siblingModule, spawnProgram } from './child.ts';
import { type BoundEndpoint, Endpoints } from './endpoints.ts';
import { Lending } from './lending.ts';
import type { Owner, PlacePolicy, ToSupervisor, ToWorker } from './messages.ts';
import { serveMetrics } from './metrics-endpoint.ts';
import { removePidFile, writePidFile } from './pid-file.ts';
import { findUser, isRoot } from './privileges.ts';
import { seldomKeeper } from './seldom.ts';
import { ServerMetrics } from './server-metrics.ts';
import { SessionHosts } from './session-hosts.ts';
import type { ServerSettings, ServiceSettings, WorkerSettings } from './settings.ts';

export class Supervisor {
  #settings: ServerSettings;
  readonly #log: Log;
  readonly #output: ChildOutput;
  readonly #inherited: readonly number[];
  readonly #endpoints = new Endpoints();
  readonly #hosts: SessionHosts;
  readonly #workers: Child[] = [];
  readonly #lending = new Lending(() => this.#workers.map(({ process }) => process));
  #auth: Child | undefined;
  readonly #certificates: Certificates;
  readonly #metrics = new ServerMetrics();
  readonly #mayWrite = seldomKeeper();
  #metricsServer: Server | undefined;
  /** Shared with our own authentication daemon and nobody else. */
  readonly #ticketKey = randomBytes(ticketKeyOctets);
  readonly #tickets = createTicketChecker(this.#ticketKey);
  #policy: PlacePolicy = { uid: process.getuid!(), hosts: false };
  #workerGid = process.getgid!();
  #stopping: Promise<void> | undefined;
  #listening = new Set<number>();
  #started: { resolve(): void; reject(error: Error): void } | undefined;

  /** @param inherited  descriptors of listening sockets that were passed on to this process */
  constructor(settings: ServerSettings, log: Log, output: ChildOutput, inherited: readonly number[] = []) {
    this.#settings = settings;
    this.#inherited = inherited;
    this.#log = log;
    this.#output = output;
    this.#certificates = new Certificates(
      () => this.#tlsSettings(),
      (material) => {
        for (const worker of this.#running()) tell(worker, { type: 'certificates', material });
      },
      log,
    );
    this.#hosts = new SessionHosts(log, output, (owner, { account }) => this.#refusal(owner, account));
  }

  /** Resolves when connections are accepted on every port. @throws {Error} why the server cannot start */
  async start(): Promise<void> {
    const { pidFiles, workers } = this.#settings;
    this.#choosePolicy();
    this.#endpoints.inherit(this.#inherited.map(adoptDescriptor));
    this.#endpoints.update(this.#settings.services);
    for (const { address = '*', port } of this.#endpoints.disinherit())
      this.#log.warn(`the socket at ${address}.${port} that was passed on is none of ours`);
    for (const pidFile of pidFiles) writePidFile(pidFile);
    this.#certificates.start();
    const { metricsAddress } = this.#settings;
    if (metricsAddress)
      this.#metricsServer = await serveMetrics(metricsAddress, () => this.#metricsPage(), this.#log);
    await this.#startAuth();
    const listening = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    for (let i = 0; i < workers; i++) {
      const child = new Child(`worker ${i + 1}`, this.#log, this.#settings.restartLimitMs, () =>
        this.#forkWorker(i),
      );
      this.#workers.push(child);
    }
    for (const child of this.#workers) child.start();
    await listening;
  }

  /**
   * Serves connections from now on with other settings; the ones there are keep theirs.
   * @throws {Error} a port cannot be bound; the old settings stay in force
   */
  reload(settings: ServerSettings): void {
    const { added, removed } = this.#endpoints.update(settings.services);
    this.#settings = settings;
    this.#certificates.read();
    for (const [number, { process: worker }] of this.#workers.entries()) {
      if (!worker?.connected) continue;
      this.#configure(worker, number);
      for (const { id } of removed) tell(worker, { type: 'unlisten', id });
      for (const bound of added) this.#listen(worker, bound);
    }
    for (const { handle } of removed) handle.close();
  }

  /** Has the authentication daemon read its settings again. */
  reloadAuth(): void {
    this.#auth?.process?.kill('SIGHUP');
  }

  /** Stops accepting, lets sessions say goodbye, ends everything within the configured time. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const { stopTimeoutMs, pidFiles } = this.#settings;
    this.#certificates.stop();
    this.#endpoints.close();
    this.#metricsServer?.close();
    const workers = this.#workers.map(async (child) => {
      child.expectExit();
      if (child.process) tell(child.process, { type: 'stop' });
      await exited(child.process, stopTimeoutMs);
    });
    await Promise.all([...workers, this.#hosts.stop(stopTimeoutMs)]);
    await this.#auth?.kill('SIGTERM', stopTimeoutMs);
    for (const pidFile of pidFiles) removePidFile(pidFile);
  }

  #choosePolicy(): void {
    if (!isRoot()) {
      this.#policy = { uid: process.getuid!(), hosts: false };
      return;
    }
    const user = findUser(this.#settings.workerUser);
    if (!user) throw new Error(`WORKER_USER: there is no user ${this.#settings.workerUser}`);
    if (user.uid === 0) throw new Error('WORKER_USER: workers do not run as root');
    this.#policy = { uid: user.uid, hosts: true };
    this.#workerGid = user.gid;
  }

  async #startAuth(): Promise<void> {
    const { authCommand, auth } = this.#settings;
    if (!authCommand) return;
    this.#auth = new Child('authdaemond', this.#log, this.#settings.restartLimitMs, () =>
      spawnProgram([...authCommand, logMode(this.#output)], this.#output, this.#ticketKey),
    );
    this.#auth.start();
    await answering(auth.socketPath, 10_000);
  }

  #forkWorker(number: number): ChildProcess {
    const user = isRoot() ? [String(this.#policy.uid), String(this.#workerGid)] : [];
    const args = [logMode(this.#output), ...user];
    const worker = forkModule(siblingModule('worker-main'), args, this.#output);
    worker.on('message', (message: ToSupervisor, handle: unknown) => this.#receive(worker, message, handle));
    worker.once('exit', () => {
      this.#metrics.workerEnded(worker);
      this.#started?.reject(new Error('a worker ended before it could serve'));
      for (const other of this.#running()) tell(other, { type: 'forgetLoans' });
    });
    tell(worker, { type: 'certificates', material: this.#certificates.material });
    this.#configure(worker, number);
    for (const bound of this.#endpoints.bound) this.#listen(worker, bound);
    return worker;
  }

  #configure(worker: ChildProcess, number: number): void {
    const { services, auth } = this.#settings;
    const settings: WorkerSettings = { services, auth: { ...auth, tickets: this.#auth !== undefined } };
    const { length: workers } = this.#workers;
    tell(worker, { type: 'configure', settings, place: this.#policy, worker: number, workers });
  }

  #listen(worker: ChildProcess, { id, service, handle }: BoundEndpoint): void {
    tell(worker, { type: 'listen', id, service }, handle);
  }

  #receive(worker: ChildProcess, message: ToSupervisor, handle: unknown): void {
    switch (message.type) {
      case 'listening':
        this.#listening.add(message.id);
        if (this.#endpoints.bound.every(({ id }) => this.#listening.has(id))) this.#started?.resolve();
        break;
      case 'listenFailed':
        this.#log.error(`listen: ${message.reason}`);
        this.#started?.reject(new Error(`listen: ${message.reason}`));
        break;
      case 'handOver':
        this.#hosts.place(
          message.owner,
          message.session,
          handle as ConnectionHandle | undefined,
          this.#settings.services,
          (received = 0, sent = 0) => {
            this.#metrics.sessionEnded(message.session.service, received, sent);
            tell(worker, { type: 'movedEnded', token: message.token });
          },
        );
        break;
      case 'borrow':
        void this.#lend(worker, message);
        break;
      case 'lent':
        this.#lending.answered(message.id, message.lent);
        break;
      case 'giveBack':
        this.#lending.giveBack(message.lender, message.key);
        break;
      case 'mayWrite':
        tell(worker, { type: 'written', kind: message.kind, allowed: this.#mayWrite(message.kind) });
        break;
      case 'counted':
        this.#metrics.counted(message.id, message.counts);
        break;
      case 'ready':
      case 'stopped':
      case 'taken':
      case 'ended':
        break;
    }
  }

  /** Courier's daemon signs nothing: beside it a worker's word has to do. */
  #refusal(owner: Owner, account: AccountRecord): string | undefined {
    if (!this.#auth) return undefined;
    const lookups = withVariants(this.#settings.services).some(
      ({ tls }) => tls !== undefined && tls.external !== '',
    );
    return this.#tickets.refusal(account, owner, lookups);
  }

  async #lend(
    worker: ChildProcess,
    { id, key, limit }: Extract<ToSupervisor, { type: 'borrow' }>,
  ): Promise<void> {
    const lender = await this.#lending.borrow(worker, key, limit);
    tell(worker, { type: 'borrowed', id, lender });
  }

  async #metricsPage(): Promise<string> {
    const children = this.#auth ? [...this.#workers, this.#auth] : this.#workers;
    const processes = children.map(({ name, process: child, restarts }) => ({
      name,
      pid: child?.pid,
      restarts,
    }));
    const metrics = await this.#metrics.collect({
      workers: this.#running(),
      processes: [{ name: 'supervisor', pid: process.pid, restarts: 0 }, ...processes],
      hosts: { processes: this.#hosts.size, sessions: this.#hosts.sessions },
      certificates: this.#certificates.files,
      isServerCertificate: (path) => this.#certificates.isServerFile(path),
    });
    return exposition(metrics);
  }

  #tlsSettings() {
    return withVariants(this.#settings.services).flatMap(({ tls }) => (tls ? [tls] : []));
  }

  #running(): ChildProcess[] {
    return this.#workers.flatMap(({ process }) => (process?.connected ? [process] : []));
  }
}

/** The services as they are for everybody, and as access records have them. */
function withVariants(services: readonly ServiceSettings[]): readonly ServiceSettings[] {
  return services.flatMap((service) => [service, ...Object.values(service.access.variants)]);
}

function tell(worker: ChildProcess, message: ToWorker, handle?: object): void {
  // A worker that has just died is started again and told everything anew.
  if (worker.connected) worker.send(message, handle as never, {}, () => {});
}

/** Resolves when a process has ended; it is killed after `limitMs`. */
function exited(process: ChildProcess | undefined, limitMs: number): Promise<void> {
  if (!process || process.exitCode !== null || process.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => process.kill('SIGKILL'), limitMs);
    process.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
  });
}

/** Resolves when somebody accepts connections at a socket. @throws {Error} nobody did in time */
async function answering(path: string, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(path, () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.end());
    });
    if (connected) return;
    if (Date.now() > deadline) throw new Error(`the authentication daemon does not answer at ${path}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
