import type { Mailboxes } from '../access/mailboxes.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import type { Log } from '../base/log.ts';
import type { LoginServices } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import type { Pop3SessionSettings } from './settings.ts';

/** What a POP3 session may use of the process it runs in. */
export interface Pop3Services {
  readonly settings: Pop3SessionSettings;
  readonly log: Log;
  /** Absent where nobody can log in: on stdin and in session hosts. */
  readonly login?: LoginServices;
  /**
   * Opens what the account can reach; called once after login.
   * @param utf8  the client has said UTF8
   * @throws {MailError} whose message the client is told
   */
  openMailboxes(
    account: AccountRecord,
    connection: Connection,
    utf8: boolean,
  ): Mailboxes | Promise<Mailboxes>;
  /** Told once when a session that has logged in is over. */
  sessionEnded?(account: AccountRecord): void;
}

/** How a session that does not begin with a login begins. */
export interface Pop3Start {
  /** Octets the client has sent behind its login command. */
  readonly leftover: Buffer;
  /** The client has said UTF8 (RFC 6856). */
  readonly utf8: boolean;
}
