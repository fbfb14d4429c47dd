/**
 * Every setting of every file: names, defaults, allowed values and meanings come from here alone. The typed
 * objects are inferred from the rows, and docs/settings.md is written from them (scripts/settings-reference.ts).
 * To add a setting, add a row to the table of its subject in settings/.
 */
import { authRows } from './settings/auth.ts';
import { imapRows } from './settings/imap.ts';
import { listenerRows } from './settings/listener.ts';
import { pop3Rows } from './settings/pop3.ts';
import type { Row, Scope, SettingsFile, Values } from './settings/row.ts';
import { serverRows } from './settings/server.ts';
import { sessionRows } from './settings/session.ts';
import { tlsRows } from './settings/tls.ts';

export type { Row, Scope, SettingsFile } from './settings/row.ts';

export const rows: readonly Row[] = [
  ...listenerRows,
  ...tlsRows,
  ...imapRows,
  ...pop3Rows,
  ...sessionRows,
  ...authRows,
  ...serverRows,
];

/** Rows that apply to both protocols, or to one of them. */
type For<R extends Row, S extends Scope> = R extends { scopes: readonly (infer Each)[] }
  ? S extends Each
    ? R
    : never
  : never;

type ListenerRow = (typeof listenerRows)[number];
type TlsRow = (typeof tlsRows)[number];
type SessionRow = (typeof sessionRows)[number];

/** Where a service listens and its limits before login. */
export type ListenerSettings = Values<ListenerRow>;
/** The TLS settings of a service; `tlsProtocol` is the one that counts for it (STARTTLS or not). */
export type TlsSettings = Values<TlsRow>;
/** All of IMAP, on port 143 or 993. */
export type ImapSettings = ListenerSettings &
  TlsSettings &
  Values<(typeof imapRows)[number]> &
  Values<For<SessionRow, 'imap'>>;
/** All of POP3, on port 110 or 995. */
export type Pop3Settings = ListenerSettings &
  TlsSettings &
  Values<(typeof pop3Rows)[number]> &
  Values<For<SessionRow, 'pop3'>>;
/** The authentication daemon. */
export type AuthSettings = Values<(typeof authRows)[number]>;
/** The server as a whole. */
export type ServerSettings = Values<(typeof serverRows)[number]>;

/** The typed settings by what they are for. */
export interface SettingsOf {
  imap: ImapSettings;
  imaps: ImapSettings;
  pop3: Pop3Settings;
  pop3s: Pop3Settings;
  auth: AuthSettings;
  server: ServerSettings;
}

/** The files a scope's settings are read from, in the order they are read: the last assignment counts. */
export const filesOf: Readonly<Record<Scope, readonly SettingsFile[]>> = {
  imap: ['postrider', 'imapd-ssl', 'imapd'],
  imaps: ['postrider', 'imapd', 'imapd-ssl'],
  pop3: ['postrider', 'pop3d-ssl', 'pop3d'],
  pop3s: ['postrider', 'pop3d', 'pop3d-ssl'],
  auth: ['postrider', 'authdaemonrc'],
  server: ['postrider'],
};

/** The rows of one scope. */
export function rowsOf(scope: Scope): readonly Row[] {
  return rows.filter((row) => row.scopes.includes(scope));
}
