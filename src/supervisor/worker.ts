/**
 * A worker: accepts on the sockets the supervisor holds, speaks to strangers, and runs the sessions of its own
 * uid. Everything it knows arrives by message; a new configuration serves the connections accepted after it.
 */
import { Resolver } from 'node:dns/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { AccountRecord } from '../auth/account-record.ts';
import { createAuthClient } from '../auth/client.ts';
import type { Log } from '../base/log.ts';
import { askDnsLists } from '../login/dns-lists.ts';
import { connectionLine } from '../login/log-lines.ts';
import { readPreface } from '../login/proxy-preface.ts';
import type { HandOver } from '../login/services.ts';
import { mappedAddress, plainAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';
import { type Addresses, StreamConnection } from '../net/stream-connection.ts';
import { limitDescriptions } from '../store/describe.ts';
import type { TlsMaterial } from '../tls/tls-side.ts';
import { Admission, type Admitted, type Refused } from './admission.ts';
import type { PlacePolicy, ToSupervisor, ToWorker } from './messages.ts';
import { moveSession } from './move-session.ts';
import { findUser } from './privileges.ts';
import type { ProcessLog } from './process-log.ts';
import { Refusals, refusalLine } from './refusal.ts';
import type { ConnectionLimits, ServiceName, ServiceSettings, WorkerSettings } from './settings.ts';
import { SharedCounts } from './shared-counts.ts';
import { noCounts, type RefusalReason, type ServiceCounts } from './worker-counts.ts';
import { createService, type Service, type Session } from './worker-service.ts';

const dnsQuery = { timeout: 2_000, tries: 2 } as const;

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
  readonly #admission: Admission;
  /** Sessions that run elsewhere, by the token of their hand-over. */
  readonly #moved = new Map<number, Served>();
  readonly #refusals = new Refusals();
  /** They outlive a change of configuration. */
  readonly #serviceCounts = new Map<ServiceName, ServiceCounts>();
  readonly #resolver = new Resolver(dnsQuery);
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
    this.#admission = new Admission(this.#counts);
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
      case 'movedEnded':
        this.#movedEnded(message.token);
        break;
    }
  }

  #configure(settings: WorkerSettings, policy: PlacePolicy): void {
    const client = createAuthClient(settings.auth);
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
        claim: (connection, account) => this.#claim(service.limits, connection, account),
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
    service.counts.accepted++;
    const header = headerExpected(service.settings, socket);
    if (header === undefined) {
      this.#admit(service, socket);
      return;
    }
    if (service.balancers.find(socket.remoteAddress ?? '') === undefined) {
      service.counts.refused.proxy++;
      service.log.warn(`haproxy: ${socket.remoteAddress} may not say whom it speaks for`);
      socket.destroy();
      return;
    }
    readPreface(socket, header.timeoutSeconds * 1000).then(
      (addresses) => this.#admit(service, socket, addresses),
      (error: Error) => {
        service.counts.refused.proxy++;
        service.log.error(error.message);
        socket.destroy();
      },
    );
  }

  /** @param addresses  what a load balancer says; the local address that access records may name is the real one */
  #admit(any: Service, socket: Socket, addresses?: Addresses): void {
    const remote = addresses?.remoteAddress ?? socket.remoteAddress ?? '';
    const { local, dnsLists } = any.settings.access;
    const rule = any.access.find(remote);
    const localRule = local ? any.access.find(socket.localAddress ?? '', socket.localPort ?? 0) : undefined;
    const variables = { ...localRule?.variables, ...rule?.variables };
    const service = any.with(variables);
    const connection = new StreamConnection(socket, socket, service.tls, addresses);
    if (rule?.deny || localRule?.deny) {
      this.#refuse(service, connection, 'access');
      return;
    }
    const enter = (admission: Admitted | Refused) => {
      const served = this.#enter(service, connection, admission);
      if (served === undefined) return;
      if (dnsLists.drop.length > 0) void this.#askLists(served, connection, variables);
      else this.#begin(served, connection);
    };
    const limits = limitsFor(service.settings.limits, variables);
    const admission = this.#admission.admit(service.settings.name, remote, limits, service.log);
    if (admission instanceof Promise) void admission.then(enter);
    else enter(admission);
  }

  /** undefined: the connection is not served. */
  #enter(service: Service, connection: StreamConnection, admission: Admitted | Refused): Served | undefined {
    if (typeof admission === 'string') {
      this.#refuse(service, connection, admission);
      return undefined;
    }
    if (connection.closed) {
      admission.release();
      return undefined;
    }
    const id = `${this.#name}-${(this.#nextId++).toString(36)}`;
    const log = service.log.session(id);
    const served: Served = { service, id, log, admitted: admission, session: undefined, moved: false };
    this.#served.set(connection, served);
    service.counts.open++;
    connection.stream.once('close', () => this.#closed(connection, served));
    return served;
  }

  async #askLists(
    served: Served,
    connection: StreamConnection,
    variables: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { service, log } = served;
    const { dnsLists } = service.settings.access;
    const { remoteAddress } = connection;
    const { refusal, failures } = await askDnsLists(dnsLists, remoteAddress, variables, this.#resolver);
    for (const failure of failures) log.warn(`DNS list ${failure}`);
    if (connection.closed) return;
    if (refusal === undefined) {
      this.#begin(served, connection);
      return;
    }
    log.warn(`dropped blocked connection from ${mappedAddress(remoteAddress)}`);
    this.#refuse(service, connection, 'dns', refusal);
  }

  /** Says why, as -denymsg wants it where the administrator refuses, and closes the connection. */
  #refuse(
    service: Service,
    connection: StreamConnection,
    reason: Exclude<RefusalReason, 'proxy' | 'tls'>,
    why?: string,
  ): void {
    service.counts.refused[reason]++;
    const { access, protocol, implicitTls } = service.settings;
    const own = (reason === 'access' || reason === 'dns') && access.denyMessage;
    const line = own ? `${own}\n` : refusalLine(protocol, reason, why);
    this.#refusals.refuse(connection, implicitTls, line);
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

/** What is said about a PROXY header on the endpoint a connection has come to. */
function headerExpected({ proxyHeaders }: ServiceSettings, socket: Socket) {
  if (proxyHeaders.endpoints.length === 0) return undefined;
  const local = plainAddress(socket.localAddress ?? '');
  return proxyHeaders.endpoints.find(
    ({ address, port }) =>
      (port === undefined || port === socket.localPort) && (address === undefined || address === local),
  );
}

/** MAXCPERIP of access records takes the place of MAXPERIP. */
function limitsFor(limits: ConnectionLimits, variables: Readonly<Record<string, string>>): ConnectionLimits {
  const own = Number(variables['MAXCPERIP'] ?? 0);
  return own > 0 ? { ...limits, perAddress: own } : limits;
}
