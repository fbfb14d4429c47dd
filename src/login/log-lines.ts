/**
 * The log lines that sites parse, one function each (imap-server §16, frontend-tls-ops §10). The level is the
 * caller's `Log` method; control octets are escaped by the log itself, so a name cannot forge a line.
 */
import { mappedAddress } from '../net/address.ts';
import type { Connection } from '../net/connection.ts';

/** Which protocol's spelling a line has: IMAP says `starttls=1`, POP3 `stls=1`. */
export type LoggedProtocol = 'IMAP' | 'POP3' | 'SMAP1';

/** What a session counted, for the line at its end. */
export interface SessionCounts {
  user: string;
  /** IMAP: octets of header fields and bodies fetched; POP3: octets sent by TOP and RETR. */
  headerOctets: number;
  bodyOctets: number;
  /** Seconds since the session began. */
  seconds: number;
}

/** `ip=[IP], port=[PORT]`, IPv4 in its mapped form. */
export function peer(connection: Connection): string {
  return `ip=[${mappedAddress(connection.remoteAddress)}], port=[${connection.remotePort}]`;
}

/** DEBUG, when a connection is accepted. */
export function connectionLine(connection: Connection): string {
  return `Connection, ${peer(connection)}`;
}

/** INFO, when the session begins. */
export function loginLine(connection: Connection, user: string, protocol: LoggedProtocol): string {
  const name = protocol === 'POP3' ? '' : `, protocol=${protocol}`;
  return `LOGIN, user=${user}, ${peer(connection)}${name}${tlsMark(connection, protocol)}`;
}

/** INFO, when a session begins at the server behind the proxy: Courier leaves POP3's name empty there. */
export function proxiedLoginLine(connection: Connection, user: string, protocol: LoggedProtocol): string {
  const name = protocol === 'POP3' ? '' : protocol;
  return `LOGIN, user=${user}, ${peer(connection)}, protocol=${name}${tlsMark(connection, protocol)}`;
}

/** INFO, when the password was right but an option of the account forbids the protocol. */
export function forbiddenLine(connection: Connection, user: string, reason: string): string {
  return `LOGIN REFUSED, user=${user}, ${peer(connection)}: ${reason}`;
}

/** INFO, when the home directory has the sticky bit. */
export function lockedLine(connection: Connection, user: string): string {
  return `LOCKED, user=${user}, ${peer(connection)}`;
}

/**
 * INFO, for a refused user name (LOGIN, USER) or SASL mechanism. A comma in the name is escaped: a name like
 * `x, ip=[192.0.2.1]` would have that address banned by filters that look for the first one.
 */
export function loginFailedLine(connection: Connection, what: { user: string } | { method: string }): string {
  const subject = 'user' in what ? `user=${what.user.replaceAll(',', '\\x2c')}` : `method=${what.method}`;
  return `LOGIN FAILED, ${subject}, ${peer(connection)}`;
}

/** WARN, when the password was right but the account has too many sessions; not to be taken for a failed login. */
export function sessionLimitLine(connection: Connection, user: string): string {
  return `Maximum session limit reached for user=${user}, ${peer(connection)}`;
}

/** INFO, when a client that has not logged in says LOGOUT or QUIT. */
export function logoutBeforeLoginLine(connection: Connection, protocol: LoggedProtocol): string {
  const counts =
    protocol === 'POP3' ? '' : `, rcvd=${connection.octetsRead}, sent=${connection.octetsWritten}`;
  return `LOGOUT, ${peer(connection)}${counts}`;
}

/** DEBUG, when a client goes away, or is sent away, before it has logged in. */
export function disconnectedBeforeLoginLine(
  connection: Connection,
  protocol: LoggedProtocol,
  seconds: number,
): string {
  const time = protocol === 'POP3' ? '' : `, time=${Math.round(seconds)}`;
  return `Disconnected, ${peer(connection)}${time}${tlsMark(connection, protocol)}`;
}

/** How a session ended. `shutdown`: the server was told to stop; log it with `warn`. */
export type SessionEnd = 'logout' | 'disconnected' | 'timeout' | 'shutdown';

const endWord: Record<SessionEnd, string> = {
  logout: 'LOGOUT',
  disconnected: 'DISCONNECTED',
  timeout: 'TIMEOUT',
  shutdown: 'Disconnected during shutdown by signal',
};

/** INFO, at the end of a session. */
export function sessionEndLine(
  connection: Connection,
  protocol: LoggedProtocol,
  end: SessionEnd,
  counts: SessionCounts,
): string {
  const [header, body] = protocol === 'POP3' ? ['top', 'retr'] : ['headers', 'body'];
  return (
    `${endWord[end]}, user=${counts.user}, ${peer(connection)}, ${header}=${counts.headerOctets}, ` +
    `${body}=${counts.bodyOctets}, rcvd=${connection.octetsRead}, sent=${connection.octetsWritten}, ` +
    `time=${Math.round(counts.seconds)}${tlsMark(connection, protocol)}`
  );
}

/** ERR, when the authentication daemon cannot be asked. */
export function authenticationErrorLine(reason: string): string {
  return `authentication error: ${reason}`;
}

function tlsMark(connection: Connection, protocol: LoggedProtocol): string {
  if (!connection.secure) return '';
  return protocol === 'POP3' ? ', stls=1' : ', starttls=1';
}
