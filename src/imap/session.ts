import type { Mailboxes } from '../access/mailboxes.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import type { Log } from '../base/log.ts';
import type { LoginServices } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import type { ImapSessionSettings } from './settings.ts';

/** What an IMAP session may use of the process it runs in. */
export interface ImapServices {
  readonly settings: ImapSessionSettings;
  readonly log: Log;
  /** Absent where nobody can log in: on stdin and in session hosts. */
  readonly login?: LoginServices;
  /**
   * Opens what the account can reach; called once after login, before the OK.
   * @throws {MailError} whose message the client is told with BYE
   */
  openMailboxes(account: AccountRecord): Mailboxes | Promise<Mailboxes>;
  /** Told once when a session that has logged in is over, so that the process can count it. */
  sessionEnded?(account: AccountRecord): void;
}

/** How a session that does not begin with a login begins. */
export interface ImapStart {
  /** The octets the client has sent behind its login command. */
  readonly leftover: Buffer;
  /** The tag of the login command to answer; undefined: greet with PREAUTH. */
  readonly tag: string | undefined;
}

/** Greets a new connection and serves it until it ends, login included. */
export function startImapSession(connection: Connection, services: ImapServices): void {
  throw new Error(`${connection.remoteAddress} ${services.settings.capability}`);
}

/** Serves a connection whose user is known: `imapd` on stdin, and session hosts. */
export function startAuthenticatedImap(
  connection: Connection,
  account: AccountRecord,
  services: ImapServices,
  start: ImapStart,
): void {
  throw new Error(`${connection.remoteAddress} ${account.address} ${services.settings.capability} ${start.tag}`);
}
