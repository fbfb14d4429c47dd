/** One of the four services as a worker has it: settings turned into what answers connections. */
import type { AccountRecord } from '../auth/account-record.ts';
import type { AuthClient } from '../auth/client.ts';
import type { Log } from '../base/log.ts';
import { startImapSession } from '../imap/session.ts';
import { AccessTable } from '../login/access-rules.ts';
import { type Claim, createLoginServices } from '../login/login-services.ts';
import { createLoginProxy } from '../login/proxy/proxy.ts';
import type { HandOver, LoginServices } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import type { Endpoint } from '../net/listen-handle.ts';
import type { TlsSide } from '../net/stream-connection.ts';
import { startPop3Session } from '../pop3/session.ts';
import { createTlsSide, type TlsMaterial } from '../tls/tls-side.ts';
import { imapServices, pop3Services } from './mail-services.ts';
import type { ServiceLog } from './process-log.ts';
import { type ConnectionLimits, type ServiceSettings, variantKey } from './settings.ts';
import type { ServiceCounts } from './worker-counts.ts';

/** A session that can be told to stop. */
export interface Session {
  stop(): void;
}

export interface Service {
  readonly settings: ServiceSettings;
  /** The access variables it is for, as `variantKey`; undefined: none. */
  readonly variant: string | undefined;
  readonly log: ServiceLog;
  readonly counts: ServiceCounts;
  readonly access: AccessTable;
  /** Who may send a PROXY header. */
  readonly balancers: AccessTable;
  readonly tls: TlsSide | undefined;
  /** @param log  the session's own, or the service's */
  start(connection: Connection, log: Log): Session;
  /** The service for connections with these access variables. */
  with(variables: Readonly<Record<string, string>>): Service;
}

/** What of the worker its services use. */
export interface ServiceParts {
  readonly client: AuthClient;
  readonly log: ServiceLog;
  readonly counts: ServiceCounts;
  claim(limits: ConnectionLimits, connection: Connection, account: AccountRecord): boolean | Promise<boolean>;
  /** Where the server listens, all services together. */
  readonly ownEndpoints: readonly Endpoint[];
  material(): TlsMaterial;
  place(service: Service, connection: Connection, account: AccountRecord, session: HandOver): 'here' | 'away';
  /** The connection's session runs behind the proxy from now on. */
  relayed(connection: Connection, session: Session): void;
}

export function createService(settings: ServiceSettings, parts: ServiceParts, variant?: string): Service {
  const { log, client, counts } = parts;
  const variants = new Map<string, Service>();
  const place = (connection: Connection, account: AccountRecord, session: HandOver) =>
    parts.place(service, connection, account, session);
  const claim: Claim = (connection, account) => parts.claim(settings.limits, connection, account);
  const starter = (ownLog: Log) => {
    const { relayed, ownEndpoints } = parts;
    const proxy = settings.proxy && createLoginProxy(settings.proxy, ownEndpoints, relayed, ownLog);
    const login = createLoginServices(settings.login, client, place, claim, proxy, counts.logins, ownLog);
    return sessionStarter(settings, login, ownLog);
  };
  const start = starter(log);
  const service: Service = {
    settings,
    variant,
    log,
    counts,
    access: new AccessTable(settings.access.rules),
    balancers: new AccessTable(settings.proxyHeaders.trusted),
    tls: settings.tls && createTlsSide(settings.tls, parts.material, log),
    start: (connection, ownLog) => (ownLog === log ? start : starter(ownLog))(connection),
    with(variables) {
      const key = variantKey(variables);
      const own = settings.access.variants[key];
      if (own === undefined) return service;
      const present = variants.get(key) ?? createService(own, parts, key);
      variants.set(key, present);
      return present;
    },
  };
  return service;
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
