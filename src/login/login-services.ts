import type { AccountRecord } from '../auth/account-record.ts';
import type { AuthClient, AuthResult, LoginPeer } from '../auth/client.ts';
import { startSasl } from '../auth/sasl.ts';
import type { Log } from '../base/log.ts';
import { plainAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';
import { authenticationErrorLine, loginFailedLine, sessionLimitLine } from './log-lines.ts';
import type { HandOver, LoginResult, LoginServices, SaslExchange, SaslStep } from './services.ts';

/** What the administrator decides about logging in through one listener. */
export interface LoginSettings {
  /** The authentication service where no `serviceByPort` applies: `imap` or `pop3`. */
  readonly service: 'imap' | 'pop3';
  /** DEFDOMAIN of this service; '' is none. */
  readonly defaultDomain: string;
  /** AUTHSERVICE<port>, by local port. */
  readonly serviceByPort: Readonly<Record<string, string>>;
  readonly startTls: boolean;
  /** IMAP_TLS_REQUIRED, POP3_TLS_REQUIRED: fails closed. */
  readonly tlsRequired: boolean;
  readonly loginTimeoutMs: number;
  readonly failureDelayMs: number;
  readonly hostname: string;
}

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
  counts: LoginCounts,
  log: Log,
): LoginServices {
  const peerOf = (connection: Connection): LoginPeer => ({
    remoteIp: plainAddress(connection.remoteAddress),
    defaultDomain: settings.defaultDomain,
  });
  const service = (connection: Connection) =>
    settings.serviceByPort[connection.localPort] ?? settings.service;

  /** Logs a refusal and delays it; the wait holds a timer and the connection, nothing else. */
  const settle = async (
    connection: Connection,
    result: AuthResult,
    what: { user: string } | { method: string },
  ): Promise<LoginResult> => {
    if (result.kind === 'accepted') {
      const claimed = await claim(connection, result.account);
      counts[claimed ? 'accepted' : 'limited']++;
      if (claimed) return result;
      log.warn(sessionLimitLine(connection, result.account.address));
      return { kind: 'limited' };
    }
    counts[result.kind]++;
    if (result.kind === 'temporary') {
      log.error(authenticationErrorLine(result.reason));
      return { kind: 'temporary' };
    }
    log.info(loginFailedLine(connection, what));
    await new Promise<void>((resolve) => setTimeout(resolve, settings.failureDelayMs).unref());
    return { kind: 'rejected' };
  };

  return {
    loginTimeoutMs: settings.loginTimeoutMs,
    canStartTls: (connection) => settings.startTls && !connection.secure,
    needsTls: (connection) => !connection.secure && settings.tlsRequired,
    async authenticate(connection, { user, password }) {
      const result = await client.login(service(connection), user, password, peerOf(connection));
      return settle(connection, result, { user });
    },
    sasl(connection, mechanism) {
      const exchange = startSasl(mechanism, {
        client,
        service: service(connection),
        peer: peerOf(connection),
        hostname: settings.hostname,
        externalIdentity: connection.certificateName,
      });
      if (!exchange) return undefined;
      return {
        async step(line): Promise<SaslStep> {
          const step = await exchange.step(line);
          if (step.kind === 'challenge') return step;
          const result: AuthResult = step.kind === 'done' ? step.result : { kind: 'rejected' };
          return { kind: 'done', result: await settle(connection, result, { method: mechanism }) };
        },
        close: () => exchange.close(),
      } satisfies SaslExchange;
    },
    refuse: (connection, what) => settle(connection, { kind: 'rejected' }, what),
    handOver: place,
  };
}
