/** Serves an account whose mail is on another machine: logs in there, then passes octets both ways. */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import type { AccountRecord } from '../../auth/account-record.ts';
import type { Log } from '../../base/log.ts';
import { plainAddress } from '../../net/address.ts';
import type { Connection } from '../../net/connection.ts';
import type { Endpoint } from '../../net/listen-handle.ts';
import type { StreamConnection } from '../../net/stream-connection.ts';
import { proxiedLoginLine, sessionEndLine } from '../log-lines.ts';
import type { HandOver, LoginTerms } from '../services.ts';
import { Backend, type BackendPlace, type BackendSettings, OwnAddress } from './backend.ts';
import {
  BackendProblem,
  BackendRefusal,
  type Dialogue,
  imapDialogue,
  type ProxyLogin,
  pop3Dialogue,
  smapDialogue,
} from './dialogue.ts';
import { startRelay } from './relay.ts';
import { type ProxyHost, proxyTarget } from './target.ts';

/** What the administrator decides about one service's proxy. */
export interface ProxySettings {
  /** PROXY_HOSTNAME and the machine's host name: the `mailhost` values that mean this machine. */
  readonly ownNames: readonly string[];
  /** IMAP_PROXY_FOREIGN. */
  readonly foreign: boolean;
  readonly backend: BackendSettings;
}

/** A session that runs behind the proxy. */
export interface ProxiedSession {
  stop(): void;
}

/** A client that is logged in at its back end; exactly one of the two must be called. */
export interface ProxiedLogin {
  /** Answers the client, passes on what it has sent behind its login command, and everything from then on. */
  start(session: HandOver): ProxiedSession;
  abandon(): void;
}

export type ProxyResult =
  /** The account's mail is on this machine. */
  | { readonly kind: 'local' }
  | { readonly kind: 'away'; readonly login: ProxiedLogin }
  /** The back end, or one of several, does not take the password. The reasons have been logged. */
  | { readonly kind: 'rejected' }
  /** No back end can be reached. */
  | { readonly kind: 'temporary' };

/** Logs accounts in at the servers that have their mail. */
export interface LoginProxy {
  logIn(connection: Connection, account: AccountRecord, terms: LoginTerms): Promise<ProxyResult>;
  /** Begins the session of a client that has been logged in there. */
  start(connection: Connection, login: ProxiedLogin, session: HandOver): void;
}

/**
 * The proxy of one service.
 * @param ownEndpoints  where this server listens
 * @param relayed       told of each session that runs behind the proxy from now on
 */
export function createLoginProxy(
  settings: ProxySettings,
  ownEndpoints: readonly Endpoint[],
  relayed: (connection: Connection, session: ProxiedSession) => void,
  log: Log,
): LoginProxy {
  return {
    logIn: (connection, account, terms) =>
      logInBehind(connection as StreamConnection, account, terms, settings, ownEndpoints, log),
    start: (connection, login, session) => relayed(connection, login.start(session)),
  };
}

type Protocol = LoginTerms['protocol'];

const protocols: Readonly<
  Record<Protocol, { dialogue: Dialogue; port: number; tlsPort: number; service: string }>
> = {
  imap: { dialogue: imapDialogue, port: 143, tlsPort: 993, service: 'IMAP' },
  pop3: { dialogue: pop3Dialogue, port: 110, tlsPort: 995, service: 'POP3' },
  smap: { dialogue: smapDialogue, port: 143, tlsPort: 993, service: 'SMAP1' },
};

/** Logins that this process has under way at back ends, to notice when one comes back to it. */
const underWay = new Map<string, Set<Promise<void>>>();

/** Finds out where an accepted account's mail is, and logs the client in there. */
async function logInBehind(
  connection: StreamConnection,
  account: AccountRecord,
  terms: LoginTerms,
  settings: ProxySettings,
  ownEndpoints: readonly Endpoint[],
  log: Log,
): Promise<ProxyResult> {
  const target = proxyTarget(account, settings.ownNames);
  if (target.kind === 'local') {
    if (target.warning !== undefined) log.warn(target.warning);
    return target;
  }
  if (target.kind === 'refused') {
    log.warn(target.reason);
    return { kind: 'rejected' };
  }
  const { user, password } = target;
  const login = { user, password, utf8: terms.utf8 === true, foreign: settings.foreign };
  const gone = new AbortController();
  const abort = () => gone.abort();
  connection.stream.once('close', abort);
  let isRejected = false;
  try {
    for await (const place of places(target.hosts, terms.protocol, settings, ownEndpoints, log)) {
      const attempt = await tryPlace(place, connection, terms.protocol, login, settings, gone.signal, log);
      if (attempt.kind === 'local') return attempt;
      if (attempt.kind === 'away') {
        log.debug(`${account.address} is served by ${place.name} [${place.address}]:${place.port}`);
        return { kind: 'away', login: proxiedLogin(connection, account, attempt, log) };
      }
      isRejected ||= attempt.kind === 'rejected';
      if (connection.closed) break;
    }
  } finally {
    connection.stream.off('close', abort);
  }
  return { kind: isRejected ? 'rejected' : 'temporary' };
}

/** Every address of every host, in order. */
async function* places(
  hosts: readonly ProxyHost[],
  protocol: Protocol,
  { backend }: ProxySettings,
  ownEndpoints: readonly Endpoint[],
  log: Log,
): AsyncGenerator<BackendPlace> {
  const { port: plain, tlsPort } = protocols[protocol];
  for (const { host: name, port = backend.tls === 'implicit' ? tlsPort : plain } of hosts) {
    let addresses = [name];
    try {
      if (isIP(name) === 0) addresses = (await lookup(name, { all: true })).map(({ address }) => address);
    } catch (error) {
      log.warn(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    for (const address of addresses) {
      const isOwnPort = ownEndpoints.some(
        (own) => own.port === port && (own.address === undefined || own.address === address),
      );
      yield { name, address, port, isOwnPort };
    }
  }
}

type Attempt =
  | { readonly kind: 'local' }
  | { readonly kind: 'rejected' | 'failed' }
  | { readonly kind: 'away'; readonly backend: Backend; readonly untagged: string };

async function tryPlace(
  place: BackendPlace,
  connection: StreamConnection,
  protocol: Protocol,
  login: ProxyLogin,
  settings: ProxySettings,
  signal: AbortSignal,
  log: Log,
): Promise<Attempt> {
  const key = `${protocol} ${place.address} ${place.port} ${login.user}`;
  const caller = plainAddress((connection.stream as Socket).remoteAddress ?? '');
  if (caller === plainAddress(place.address) && !(await othersEnd(key, settings.backend.timeoutMs / 2))) {
    log.error(`a loop: ${place.name} sends ${login.user} back here; do both servers know their own names?`);
    return { kind: 'failed' };
  }
  const ended = Promise.withResolvers<void>();
  const others = underWay.get(key) ?? new Set();
  underWay.set(key, others.add(ended.promise));
  let backend: Backend | undefined;
  try {
    backend = await Backend.connect(place, settings.backend, connection, signal);
    return { kind: 'away', backend, untagged: await protocols[protocol].dialogue(backend, login) };
  } catch (error) {
    backend?.destroy();
    if (error instanceof OwnAddress) {
      log.warn(`${error.message}: PROXY_HOSTNAME should say so`);
      return { kind: 'local' };
    }
    const text = error instanceof Error ? error.message : String(error);
    log.warn(
      error instanceof BackendProblem ? text : `${place.name} [${place.address}]:${place.port}: ${text}`,
    );
    return { kind: error instanceof BackendRefusal ? 'rejected' : 'failed' };
  } finally {
    ended.resolve();
    others.delete(ended.promise);
    if (others.size === 0) underWay.delete(key);
  }
}

/**
 * Waits for the logins of the same account at the same place. One that has come back to us waits here for itself;
 * all others are over soon.
 * @returns whether they have ended in time
 */
async function othersEnd(key: string, timeoutMs: number): Promise<boolean> {
  const others = underWay.get(key);
  if (others === undefined) return true;
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const inTime = await Promise.race([Promise.all(others).then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

const positive = {
  imap: (tag: string) => `${tag} OK connected to proxy server.\r\n`,
  pop3: () => '+OK Connected to proxy server.\r\n',
  smap: () => '+OK connected to proxy server.\n',
} as const;

function proxiedLogin(
  connection: StreamConnection,
  { address: user }: AccountRecord,
  { backend, untagged }: { readonly backend: Backend; readonly untagged: string },
  log: Log,
): ProxiedLogin {
  return {
    abandon: () => backend.destroy(),
    start({ protocol, tag, leftover }) {
      const { socket, intake, received } = backend.release();
      const { service } = protocols[protocol];
      const name = service as 'IMAP';
      const startedMs = Date.now();
      let isStopped = false;
      const client = connection.stream;
      log.info(proxiedLoginLine(connection, user, name));
      const held = connection.detach();
      const count = (read: number, written: number) => connection.countRelayed(read, written);
      const relay = startRelay(client, socket, intake, count, () => {
        const seconds = (Date.now() - startedMs) / 1000;
        const counts = { user, headerOctets: 0, bodyOctets: 0, seconds };
        log.info(sessionEndLine(connection, name, isStopped ? 'shutdown' : 'disconnected', counts));
      });
      const answer = Buffer.from(untagged + positive[protocol](tag), 'latin1');
      relay.toClient(Buffer.concat([answer, received]));
      relay.toBackend(Buffer.concat([leftover, held]));
      return {
        stop() {
          isStopped = true;
          relay.destroy();
        },
      };
    },
  };
}
