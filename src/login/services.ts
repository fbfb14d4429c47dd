import type { AccountRecord } from '../auth/account-record.ts';
import type { Connection } from '../net/connection.ts';
import type { Forbidden } from './account-options.ts';

/** A login name and password, as the LOGIN or USER and PASS commands gave them. */
export interface PasswordLogin {
  user: string;
  password: string;
}

/** How the session that follows is to be, wherever it runs. */
export interface LoginTerms {
  protocol: 'imap' | 'pop3' | 'smap';
  /** POP3: the client has said UTF8. */
  utf8?: boolean;
}

/**
 * The answer to a login attempt. A refusal arrives only after the failure delay, and has been logged.
 * `temporary`: the authentication daemon, or the server behind the proxy, could not say; the connection should be
 * closed.
 */
export type LoginResult =
  | { kind: 'accepted'; account: AccountRecord }
  | { kind: 'rejected' }
  /** The password was right, but the account has as many sessions from this address as it may have. */
  | { kind: 'limited' }
  /** The password was right, but the account's options forbid the protocol; the connection should be closed. */
  | ({ kind: 'forbidden' } & Forbidden)
  | { kind: 'temporary' };

/** What a client is told whose account has too many sessions. */
export const tooManySessions = 'Too many sessions of this account from your address.';

/** One AUTHENTICATE or AUTH exchange. */
export interface SaslExchange {
  /**
   * Takes the initial response as the client wrote it (base64, `=` for an empty one; undefined: there was none),
   * then each line of the client (base64, or `*`), without its line end.
   */
  step(line: string | undefined): Promise<SaslStep>;
  /** The client went away in the middle. */
  close(): void;
}

/** `base64` is what follows `+ ` on the wire. A cancelled or garbled exchange is done, and rejected. */
export type SaslStep = { kind: 'challenge'; base64: string } | { kind: 'done'; result: LoginResult };

/** What the session that follows needs to know beside the account. */
export interface HandOver {
  protocol: 'imap' | 'pop3' | 'smap';
  /** The tag of the command that logged in; it is answered by the session. */
  tag: string;
  /** Octets received behind the login command. */
  leftover: Buffer;
}

/** What a session before login may ask; one object serves one listener's connections. */
export interface LoginServices {
  /** How long a connection may live without logging in; the protocol sets the timer and says BYE. */
  readonly loginTimeoutMs: number;
  /** True where STARTTLS can be offered on this connection. */
  canStartTls(connection: Connection): boolean;
  /** True where a password may not be sent on this connection (IMAP_TLS_REQUIRED and no TLS). */
  needsTls(connection: Connection): boolean;
  authenticate(connection: Connection, login: PasswordLogin, terms: LoginTerms): Promise<LoginResult>;
  /** @param mechanism upper case; undefined: there is no such mechanism (then call `refuse`) */
  sasl(connection: Connection, mechanism: string, terms: LoginTerms): SaslExchange | undefined;
  /** A refusal without asking anybody: logged, after the delay. `what`: `user=U` or `method=M` of the log line. */
  refuse(connection: Connection, what: { user: string } | { method: string }): Promise<LoginResult>;
  /**
   * Decides where the account's session runs.
   * `here`: the caller starts it. `away`: the connection belongs to another process or to the proxy now, or is about
   * to be closed with a BYE; the caller forgets it and calls nothing on it again.
   */
  handOver(connection: Connection, account: AccountRecord, session: HandOver): 'here' | 'away';
}
