/**
 * A worker: accepts on the sockets the supervisor holds, speaks to strangers, and runs the sessions of its own
 * uid. Everything it knows arrives by message; a new configuration serves the connections accepted after it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { AccountRecord } from '../auth/account-record.ts';
import { createAuthClient } from '../auth/client.ts';
import type { Log } from '../base/log.ts';
import { startImapSession } from '../imap/session.ts';
import { type AccessRule, AccessTable } from '../login/access-rules.ts';
import { connectionLine } from '../login/log-lines.ts';
import { createLoginServices } from '../login/login-services.ts';
import { readPreface } from '../login/proxy-preface.ts';
import type { HandOver, LoginServices } from '../login/services.ts';
import { mappedAddress, plainAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';
import { StreamConnection, type TlsSide } from '../net/stream-connection.ts';
import { startPop3Session } from '../pop3/session.ts';
import { limitDescriptions } from '../store/describe.ts';
import { createTlsSide, type TlsMaterial } from '../tls/tls-side.ts';
import { Admission, type Admitted, type Refused } from './admission.ts';
import { imapServices, pop3Services } from './mail-services.ts';
import type { PlacePolicy, ToSupervisor, ToWorker } from './messages.ts';
import { moveSession } from './move-session.ts';
import { findUser } from './privileges.ts';
import type { ProcessLog } from './process-log.ts';
import type { ConnectionLimits, ServiceName, ServiceSettings, WorkerSettings } from './settings.ts';
import { SharedCounts } from './shared-counts.ts';

/** A session that can be told to stop. */
interface Session {
  stop(): void;
}

/** One of the four services, as configured now. */
interface Service {
  readonly settings: ServiceSettings;
  readonly log: Log;
  readonly access: AccessTable;
  /** Who may send a PROXY header. */
  readonly balancers: AccessTable;
  readonly tls: TlsSide | undefined;
  start(connection: Connection): Session;
}

export class Worker {
  readonly #log: ProcessLog;
  readonly #send: (message: ToSupervisor, handle?: unknown) => void;
  readonly #services = new Map<ServiceName, Service>();
  readonly #listeners = new Map<number, Server>();
  readonly #sessions = new Map<Connection, Session | undefined>();
  readonly #counts: SharedCounts;
  readonly #admission: Admission;
  readonly #admitted = new Map<Connection, Admitted>();
  /** Sessions that run elsewhere, by the token of their hand-over. */
  readonly #moved = new Map<number, Admitted>();
  /** Of the access records that let connections in. */
  readonly #variables = new WeakMap<Connection, Readonly<Record<string, string>>>();
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
    this.#admission = new Admission(this.#counts, log);
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
        this.#moved.get(message.token)?.release();
        this.#moved.delete(message.token);
        break;
    }
  }

  #configure(settings: WorkerSettings, policy: PlacePolicy): void {
    const client = createAuthClient(settings.auth);
    this.#services.clear();
    const [any] = settings.services;
    if (any !== undefined) limitDescriptions(any.mail.messageCacheOctets);
    for (const service of settings.services) {
      const log = this.#log.named(service.logName);
      const tls = service.tls && createTlsSide(service.tls, () => this.#material, log);
      const place = (connection: Connection, account: AccountRecord, session: HandOver) =>
        this.#place(service, policy, connection, account, session);
      const login = createLoginServices(
        service.login,
        client,
        place,
        log,
        (connection) => this.#variables.get(connection) ?? {},
      );
      this.#services.set(service.name, {
        settings: service,
        access: new AccessTable(service.access.rules),
        log,
        balancers: new AccessTable(service.proxyHeaders.trusted),
        tls,
        start: sessionStarter(service, login, log),
      });
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
    const header = headerExpected(service.settings, socket);
    if (header === undefined) {
      this.#admit(service, new StreamConnection(socket, socket, service.tls));
      return;
    }
    if (service.balancers.find(socket.remoteAddress ?? '') === undefined) {
      service.log.warn(`haproxy: ${socket.remoteAddress} may not say whom it speaks for`);
      socket.destroy();
      return;
    }
    readPreface(socket, header.timeoutSeconds * 1000).then(
      (addresses) => this.#admit(service, new StreamConnection(socket, socket, service.tls, addresses)),
      (error: Error) => {
        service.log.error(error.message);
        socket.destroy();
      },
    );
  }

  #admit(service: Service, connection: StreamConnection): void {
    const { name } = service.settings;
    const rule = service.access.find(connection.remoteAddress);
    if (rule?.deny) {
      const { denyMessage } = service.settings.access;
      connection.end(denyMessage && `${denyMessage}\n`);
      return;
    }
    if (rule) this.#variables.set(connection, rule.variables);
    const limits = limitsFor(service.settings.limits, rule);
    const admission = this.#admission.admit(name, connection.remoteAddress, limits);
    if (admission instanceof Promise)
      void admission.then((result) => this.#enter(service, connection, result));
    else this.#enter(service, connection, admission);
  }

  #enter(service: Service, connection: StreamConnection, admission: Admitted | Refused): void {
    const { implicitTls, protocol } = service.settings;
    if (typeof admission === 'string') {
      connection.end(implicitTls ? undefined : tooMany[protocol][admission]);
      return;
    }
    if (connection.closed) {
      admission.release();
      return;
    }
    this.#admitted.set(connection, admission);
    this.#sessions.set(connection, undefined);
    connection.stream.once('close', () => this.#forget(connection));
    if (implicitTls) this.#startSecure(service, connection);
    else this.#start(service, connection);
  }

  #startSecure(service: Service, connection: StreamConnection): void {
    connection.startImplicitTls().then(
      () => this.#start(service, connection),
      (error: Error) => {
        service.log.info(`ip=[${mappedAddress(connection.remoteAddress)}], ${error.message.trim()}`);
        connection.destroy();
      },
    );
  }

  #start(service: Service, connection: StreamConnection): void {
    if (this.#stopping) {
      connection.destroy();
      return;
    }
    service.log.debug(connectionLine(connection));
    this.#sessions.set(connection, service.start(connection));
  }

  #place(
    service: ServiceSettings,
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
    const owner = { uid, gid: user?.gid ?? account.gid, username: account.username };
    const token = this.#nextId++;
    const admitted = this.#admitted.get(connection);
    if (admitted) this.#moved.set(token, admitted);
    this.#admitted.delete(connection);
    const moving = connection as StreamConnection;
    moveSession(moving, owner, account, service.name, session, token, this.#send).catch((error: unknown) => {
      this.#log.error(`hand-over failed: ${error instanceof Error ? error.message : String(error)}`);
      connection.destroy();
      this.#receiveCounts({ type: 'movedEnded', token });
    });
    return 'away';
  }

  #forget(connection: Connection): void {
    this.#sessions.delete(connection);
    this.#admitted.get(connection)?.release();
    this.#admitted.delete(connection);
    if (this.#stopping && this.#sessions.size === 0) this.#send({ type: 'stopped' });
  }

  /** No new connections; every session says BYE when its command is done. The supervisor sets the time limit. */
  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const server of this.#listeners.values()) server.close();
    for (const [connection, session] of this.#sessions) {
      if (session) session.stop();
      else connection.destroy();
    }
    if (this.#sessions.size === 0) this.#send({ type: 'stopped' });
  }
}

function sessionStarter(
  service: ServiceSettings,
  login: LoginServices,
  log: Log,
): (connection: Connection) => Session {
  if (service.protocol === 'imap') {
    const services = imapServices(service, log, login);
    return (connection) => startImapSession(connection, services);
  }
  const services = pop3Services(service, log, login);
  return (connection) => startPop3Session(connection, services);
}

const tooMany = {
  imap: {
    server: '* BYE [ALERT] Too many connections, try again later.\r\n',
    address: '* BYE [ALERT] Too many connections from your address.\r\n',
  },
  pop3: {
    server: '-ERR [SYS/TEMP] Too many connections, try again later.\r\n',
    address: '-ERR [SYS/TEMP] Too many connections from your address.\r\n',
  },
} as const;

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

/** MAXCPERIP of an access record takes the place of MAXPERIP. */
function limitsFor(limits: ConnectionLimits, rule: AccessRule | undefined): ConnectionLimits {
  const own = Number(rule?.variables['MAXCPERIP'] ?? 0);
  return own > 0 ? { ...limits, perAddress: own } : limits;
}
