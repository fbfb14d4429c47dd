/**
 * A worker: accepts on the sockets the supervisor holds, speaks to strangers, and runs the sessions of its own
 * uid. Everything it knows arrives by message; a new configuration serves the connections accepted after it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { AccountRecord } from '../auth/account-record.ts';
import { createAuthClient } from '../auth/client.ts';
import type { Log } from '../base/log.ts';
import { connectionLine } from '../login/log-lines.ts';
import type { HandOver } from '../login/services.ts';
import { mappedAddress, plainAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';
import type { StreamConnection } from '../net/stream-connection.ts';
import { limitDescriptions } from '../store/describe.ts';
import type { TlsMaterial } from '../tls/tls-side.ts';
import type { Admitted } from './admission.ts';
import { FrontDoor } from './front-door.ts';
import type { PlacePolicy, ToSupervisor, ToWorker } from './messages.ts';
import { moveSession } from './move-session.ts';
import { findUser } from './privileges.ts';
import type { ProcessLog } from './process-log.ts';
import { SeldomLines } from './seldom.ts';
import type { ConnectionLimits, ServiceName, WorkerSettings } from './settings.ts';
import { SharedCounts } from './shared-counts.ts';
import { noCounts, type ServiceCounts } from './worker-counts.ts';
import { createService, type Service, type Session } from './worker-service.ts';

/** A connection that has been let in. */
interface Served {
  readonly service: Service;
  /** Names the session in the structured log, here and in the process it may go to. */
  readonly id: string;
  readonly log: Log;
  readonly admitted: Admitted;
  session: Session | undefined;
  /** Its session runs elsewhere, and is counted there. */
  moved: boolean;
}

export class Worker {
  readonly #name = Date.now().toString(36) + process.pid.toString(36);
  readonly #log: ProcessLog;
  readonly #send: (message: ToSupervisor, handle?: unknown) => void;
  readonly #services = new Map<ServiceName, Service>();
  readonly #listeners = new Map<number, Server>();
  readonly #served = new Map<Connection, Served>();
  readonly #counts: SharedCounts;
  readonly #seldom: SeldomLines;
  readonly #door: FrontDoor<Served>;
  /** Sessions that run elsewhere, by the token of their hand-over. */
  readonly #moved = new Map<number, Served>();
  /** They outlive a change of configuration. */
  readonly #serviceCounts = new Map<ServiceName, ServiceCounts>();
  readonly #borrowing = new Map<number, (lender: number | undefined) => void>();
  #nextId = 1;
  #material: TlsMaterial = { files: new Map(), ticketKeys: new Uint8Array(48) };
  #stopping = false;

  constructor(log: ProcessLog, send: (message: ToSupervisor, handle?: unknown) => void) {
    this.#log = log;
    this.#send = send;
    this.#counts = new SharedCounts(
      (key, limit) => {
        const id = this.#nextId++;
        send({ type: 'borrow', id, key, limit });
        return new Promise((resolve) => this.#borrowing.set(id, resolve));
      },
      (key, lender) => send({ type: 'giveBack', key, lender }),
    );
    this.#seldom = new SeldomLines((kind) => send({ type: 'mayWrite', kind }));
    this.#door = new FrontDoor(this.#counts, this.#seldom.write, {
      enter: (service, connection, admitted) => this.#enter(service, connection, admitted),
      begin: (served, connection) => this.#begin(served, connection),
    });
  }

  receive(message: ToWorker, handle: unknown): void {
    switch (message.type) {
      case 'configure':
        this.#counts.configure(message.worker, message.workers);
        this.#configure(message.settings, message.place);
        break;
      case 'certificates':
        this.#material = message.material;
        break;
      case 'listen':
        this.#listen(message.id, message.service, handle as object);
        break;
      case 'unlisten':
        this.#listeners.get(message.id)?.close();
        this.#listeners.delete(message.id);
        break;
      case 'stop':
        this.#stop();
        break;
      case 'count':
        this.#send({ type: 'counted', id: message.id, counts: this.#counted() });
        break;
      default:
        this.#receiveCounts(message);
    }
  }

  #receiveCounts(message: ToWorker): void {
    switch (message.type) {
      case 'lend':
        this.#send({ type: 'lent', id: message.id, lent: this.#counts.lend(message.key, message.limit) });
        break;
      case 'borrowed':
        this.#borrowing.get(message.id)?.(message.lender);
        this.#borrowing.delete(message.id);
        break;
      case 'returned':
        this.#counts.returned(message.key);
        break;
      case 'forgetLoans':
        this.#counts.forgetLoans();
        break;
      case 'written':
        this.#seldom.answered(message.kind, message.allowed);
        break;
      case 'movedEnded':
        this.#movedEnded(message.token);
        break;
    }
  }

  #configure(settings: WorkerSettings, policy: PlacePolicy): void {
    const own = policy.uid === 0 ? {} : { ownUid: policy.uid };
    const client = createAuthClient({ ...settings.auth, ...own });
    this.#services.clear();
    const [any] = settings.services;
    if (any !== undefined) limitDescriptions(any.mail.messageCacheOctets);
    const ownEndpoints = settings.services.flatMap(({ endpoints }) => endpoints);
    for (const service of settings.services) {
      const counts = this.#serviceCounts.get(service.name) ?? noCounts();
      this.#serviceCounts.set(service.name, counts);
      const made = createService(service, {
        client,
        counts,
        log: this.#log.named(service.logName),
        claim: (limits, connection, account) => this.#claim(limits, connection, account),
        ownEndpoints,
        material: () => this.#material,
        place: (own, connection, account, session) => this.#place(own, policy, connection, account, session),
        relayed: (connection, session) => this.#relayed(connection, session),
      });
      this.#services.set(service.name, made);
    }
    this.#send({ type: 'ready' });
  }

  #listen(id: number, name: ServiceName, handle: object): void {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      this.#accept(name, socket),
    );
    server.on('error', (error) => this.#send({ type: 'listenFailed', id, reason: error.message }));
    server.on('listening', () => this.#send({ type: 'listening', id }));
    server.listen(handle, 511);
    this.#listeners.set(id, server);
  }

  #accept(name: ServiceName, socket: Socket): void {
    const service = this.#services.get(name);
    if (!service || this.#stopping) {
      socket.destroy();
      return;
    }
    this.#door.receive(service, socket);
  }

  #enter(service: Service, connection: StreamConnection, admitted: Admitted): Served {
    const id = `${this.#name}-${(this.#nextId++).toString(36)}`;
    const log = service.log.session(id);
    const served: Served = { service, id, log, admitted, session: undefined, moved: false };
    this.#served.set(connection, served);
    service.counts.open++;
    connection.stream.once('close', () => this.#closed(connection, served));
    return served;
  }

  #begin(served: Served, connection: StreamConnection): void {
    const { service, log } = served;
    if (!service.settings.implicitTls) {
      this.#start(served, connection);
      return;
    }
    connection.startImplicitTls().then(
      () => this.#start(served, connection),
      (error: Error) => {
        service.counts.refused.tls++;
        log.info(`ip=[${mappedAddress(connection.remoteAddress)}], ${error.message.trim()}`);
        connection.destroy();
      },
    );
  }

  #claim(
    { perAccount }: ConnectionLimits,
    connection: Connection,
    { address }: AccountRecord,
  ): boolean | Promise<boolean> {
    if (perAccount === undefined) return true;
    const key = `account ${plainAddress(connection.remoteAddress)} ${address}`;
    return this.#served.get(connection)?.admitted.claim(key, perAccount) ?? false;
  }

  #start(served: Served, connection: StreamConnection): void {
    if (this.#stopping) {
      connection.destroy();
      return;
    }
    served.log.debug(connectionLine(connection));
    served.session = served.service.start(connection, served.log);
  }

  #place(
    { settings: service, variant }: Service,
    policy: PlacePolicy,
    connection: Connection,
    account: AccountRecord,
    session: HandOver,
  ): 'here' | 'away' {
    const user = account.uid === undefined ? findUser(account.username ?? '') : undefined;
    const uid = account.uid ?? user?.uid;
    if (uid === policy.uid && uid !== 0) return 'here';
    if (uid === undefined || uid === 0 || !policy.hosts) {
      this.#log.error(
        `${account.address}: an account of uid ${uid} cannot be served by a server of uid ${policy.uid}`,
      );
      connection.end(cannotServe[service.protocol]);
      return 'away';
    }
    const owner = { uid, gid: account.gid, username: account.username };
    const served = this.#served.get(connection);
    if (served === undefined) return 'away'; // it has closed
    const token = this.#nextId++;
    served.moved = true;
    this.#moved.set(token, served);
    const from = { service: service.name, variant, id: served.id };
    const moving = connection as StreamConnection;
    moveSession(moving, owner, account, from, session, token, this.#send).catch((error: unknown) => {
      served.log.error(`hand-over failed: ${error instanceof Error ? error.message : String(error)}`);
      connection.destroy();
      this.#movedEnded(token);
    });
    return 'away';
  }

  #relayed(connection: Connection, session: Session): void {
    const served = this.#served.get(connection);
    if (served && !this.#stopping) served.session = session;
    else session.stop();
  }

  #movedEnded(token: number): void {
    const served = this.#moved.get(token);
    if (served === undefined) return;
    this.#moved.delete(token);
    this.#release(served);
  }

  #closed(connection: Connection, served: Served): void {
    this.#served.delete(connection);
    if (!served.moved) {
      served.service.counts.receivedOctets += connection.octetsRead;
      served.service.counts.sentOctets += connection.octetsWritten;
      this.#release(served);
    }
    if (this.#stopping && this.#served.size === 0) this.#send({ type: 'stopped' });
  }

  #release({ service, admitted }: Served): void {
    service.counts.open--;
    admitted.release();
  }

  /** What has been counted, with the octets of the connections that are open. */
  #counted(): Record<string, ServiceCounts> {
    const counted = new Map(
      [...this.#serviceCounts].map(([name, counts]) => [name, structuredClone(counts)]),
    );
    for (const [connection, { service, moved }] of this.#served) {
      const counts = counted.get(service.settings.name);
      if (counts === undefined || moved) continue;
      counts.receivedOctets += connection.octetsRead;
      counts.sentOctets += connection.octetsWritten;
    }
    return Object.fromEntries(counted);
  }

  /** No new connections; every session says BYE when its command is done. The supervisor sets the time limit. */
  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const server of this.#listeners.values()) server.close();
    for (const [connection, { session }] of this.#served) {
      if (session) session.stop();
      else connection.destroy();
    }
    if (this.#served.size === 0) this.#send({ type: 'stopped' });
  }
}

const cannotServe = {
  imap: '* BYE [UNAVAILABLE] This account cannot be served here.\r\n',
  pop3: '-ERR [SYS/PERM] This account cannot be served here.\r\n',
} as const;
