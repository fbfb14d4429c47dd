import type { Mailboxes } from '../access/mailboxes.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import type { Log } from '../base/log.ts';
import { MailError } from '../base/mail-error.ts';
import type { LoginServices } from '../login/services.ts';
import type { Connection } from '../net/connection.ts';
import { turnAway } from './log-in.ts';
import { ImapSession } from './session-loop.ts';
import type { ImapSessionSettings } from './settings.ts';

/** What an IMAP session may use of the process it runs in. */
export interface ImapServices {
  readonly settings: ImapSessionSettings;
  readonly log: Log;
  /** Absent where nobody can log in: on stdin and in session hosts. */
  readonly login?: LoginServices;
  /**
   * Opens what the account can reach; called once after login, before the OK.
   * @param tag  of the login command
   * @throws {MailError} whose message the client is told with BYE
   */
  openMailboxes(
    account: AccountRecord,
    connection: Connection,
    tag: string | undefined,
  ): Mailboxes | Promise<Mailboxes>;
  /**
   * Takes over a connection that speaks SMAP1.
   * @param octets  what the client has sent, from its first `\\SMAP1` on
   */
  startSmap?(connection: Connection, octets: Buffer, capabilityText: () => string): ImapSessionHandle;
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

/** A running session, for the process that may have to end it. */
export interface ImapSessionHandle {
  /** Says BYE as soon as the running command is done (SIGTERM). */
  stop(): void;
}

/** Greets a new connection and serves it until it ends, login included. */
export function startImapSession(connection: Connection, services: ImapServices): ImapSessionHandle {
  const session = new ImapSession(connection, services);
  session.writer.line(
    `* OK [CAPABILITY ${session.capabilityText()}] Courier-IMAP ready. Copyright 1998-2022 Double Precision, Inc.  ` +
      'See COPYING for distribution information.',
  );
  session.begin(Buffer.alloc(0));
  return session;
}

/** Serves a connection whose user is known: `imapd` on stdin, and session hosts. */
export function startAuthenticatedImap(
  connection: Connection,
  account: AccountRecord,
  services: ImapServices,
  start: ImapStart,
): ImapSessionHandle {
  const session = new ImapSession(connection, services);
  if (start.tag !== undefined) session.tag = start.tag;
  session.enter(account).then(
    () => {
      session.writer.line(start.tag === undefined ? '* PREAUTH Ready.' : `${start.tag} OK LOGIN Ok.`);
      session.begin(start.leftover);
    },
    (error: unknown) => {
      if (!(error instanceof MailError))
        services.log.error(error instanceof Error ? `${error.stack}` : String(error));
      const [text, code] =
        error instanceof MailError
          ? ([error.message, 'UNAVAILABLE'] as const)
          : (['Internal error.', 'SERVERBUG'] as const);
      if (start.tag === undefined) session.bye(text, 'disconnected');
      else turnAway(session, text, code);
    },
  );
  return session;
}
