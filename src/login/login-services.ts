import type { AccountRecord } from '../auth/account-record.ts';
import type { AuthClient, AuthResult, LoginPeer } from '../auth/client.ts';
import { startSasl } from '../auth/sasl.ts';
import type { Log } from '../base/log.ts';
import { plainAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';
import { forbiddenByOptions } from './account-options.ts';
import { authenticationErrorLine, forbiddenLine, loginFailedLine, sessionLimitLine } from './log-lines.ts';
import type { LoginProxy, ProxiedLogin, ProxyResult } from './proxy/proxy.ts';
import type { HandOver, LoginResult, LoginServices, LoginTerms, SaslExchange, SaslStep } from './services.ts';

/** What the administrator decides about logging in through one listener. */
export interface LoginSettings {
  /** The authentication service where no `serviceByPort` applies: `imap` or `pop3`. */
  readonly service: 'imap' | 'pop3';
  /** DEFDOMAIN of this service; '' is none. */
  readonly defaultDomain: string;
  /** DOMAINSEP; '' is its first character. */
  readonly domainSeparators: string;
  /** AUTHSERVICE<port>, by local port. */
  readonly serviceByPort: Readonly<Record<string, string>>;
  readonly startTls: boolean;
  /** IMAP_TLS_REQUIRED, POP3_TLS_REQUIRED: fails closed. */
  readonly tlsRequired: boolean;
  readonly loginTimeoutMs: number;
  readonly failureDelayMs: number;
  readonly hostname: string;
  /** Clients are told, once there is TLS, that they may use SCRAM-SHA-256-PLUS. */
  readonly offersBinding: boolean;
}

type LoginSubject = { user: string } | { method: string };

/** Counts a session of the account against its limit; false: it has as many as it may have. */
export type Claim = (connection: Connection, account: AccountRecord) => boolean | Promise<boolean>;

/** How logins went, for the metrics. */
export interface LoginCounts {
  accepted: number;
  rejected: number;
  limited: number;
  temporary: number;
}

/** Where a session of an account runs; see `LoginServices.handOver`. */
export type Place = (connection: Connection, account: AccountRecord, session: HandOver) => 'here' | 'away';

/**
 * The login stage of one listener: asks the daemon, delays refusals, logs and counts them.
 */
export function createLoginServices(
  settings: LoginSettings,
  client: AuthClient,
  place: Place,
  claim: Claim,
  proxy: LoginProxy | undefined,
  counts: LoginCounts,
  log: Log,
): LoginServices {
  const proxied = new WeakMap<Connection, ProxiedLogin>();
  const peerOf = (connection: Connection): LoginPeer => ({
    remoteIp: plainAddress(connection.remoteAddress),
    defaultDomain: settings.defaultDomain,
    domainSeparators: settings.domainSeparators,
  });
  const service = (connection: Connection) =>
    settings.serviceByPort[connection.localPort] ?? settings.service;

  /** Logs a refusal and delays it; the wait holds a timer and the connection, nothing else. */
  const reject = async (connection: Connection, what: LoginSubject): Promise<LoginResult> => {
    counts.rejected++;
    log.info(loginFailedLine(connection, what));
    await new Promise<void>((resolve) => setTimeout(resolve, settings.failureDelayMs).unref());
    return { kind: 'rejected' };
  };

  /** The password was right: asks the account's options, the server that has its mail, and the limits. */
  const admit = async (
    connection: Connection,
    account: AccountRecord,
    what: LoginSubject,
    terms: LoginTerms,
  ): Promise<LoginResult> => {
    const forbidden = forbiddenByOptions(account, settings.service, connection.secure);
    if (forbidden) {
      counts.rejected++;
      log.info(forbiddenLine(connection, account.address, forbidden.reason));
      return { kind: 'forbidden', ...forbidden };
    }
    const behind: ProxyResult = (await proxy?.logIn(connection, account, terms)) ?? { kind: 'local' };
    if (behind.kind === 'rejected') return reject(connection, what);
    if (behind.kind === 'temporary') {
      counts.temporary++;
      return { kind: 'temporary' };
    }
    const claimed = await claim(connection, account);
    counts[claimed ? 'accepted' : 'limited']++;
    if (behind.kind === 'away') {
      if (!claimed || connection.closed) behind.login.abandon();
      // Nobody is there to be told; but the account must not be served here in place of there.
      if (connection.closed) return { kind: 'temporary' };
      if (claimed) proxied.set(connection, behind.login);
    }
    if (claimed) return { kind: 'accepted', account };
    log.warn(sessionLimitLine(connection, account.address));
    return { kind: 'limited' };
  };

  const settle = async (
    connection: Connection,
    result: AuthResult,
    what: LoginSubject,
    terms: LoginTerms,
  ): Promise<LoginResult> => {
    if (result.kind === 'accepted') return admit(connection, result.account, what, terms);
    if (result.kind === 'rejected') return reject(connection, what);
    counts.temporary++;
    log.error(authenticationErrorLine(result.reason));
    return { kind: 'temporary' };
  };

  return {
    loginTimeoutMs: settings.loginTimeoutMs,
    canStartTls: (connection) => settings.startTls && !connection.secure,
    needsTls: (connection) => !connection.secure && settings.tlsRequired,
    async authenticate(connection, { user, password }, terms) {
      const result = await client.login(service(connection), user, password, peerOf(connection));
      return settle(connection, result, { user }, terms);
    },
    sasl(connection, mechanism, terms) {
      const exchange = startSasl(mechanism, {
        client,
        service: service(connection),
        peer: peerOf(connection),
        hostname: settings.hostname,
        externalIdentity: connection.certificateName,
        channelBinding: connection.secure ? (name) => connection.channelBinding?.(name) : undefined,
        offersBinding: connection.secure && settings.offersBinding,
      });
      if (!exchange) return undefined;
      return {
        async step(line): Promise<SaslStep> {
          const step = await exchange.step(line);
          if (step.kind === 'challenge') return step;
          const result: AuthResult = step.kind === 'done' ? step.result : { kind: 'rejected' };
          return { kind: 'done', result: await settle(connection, result, { method: mechanism }, terms) };
        },
        close: () => exchange.close(),
      } satisfies SaslExchange;
    },
    refuse: reject,
    handOver(connection, account, session) {
      const login = proxied.get(connection);
      if (login === undefined) return place(connection, account, session);
      proxied.delete(connection);
      proxy!.start(connection, login, session);
      return 'away';
    },
  };
}
