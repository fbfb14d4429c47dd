/** What authmysql, authpgsql and authsqlite have in common (authlib §8): settings, statements, rows. */

import type { Log } from '../../base/log.ts';
import type { EnumeratedAccount } from '../account-record.ts';
import { AuthError, errorText } from '../auth-error.ts';
import type { RcValues } from '../rc-file.ts';
import { type AccountSource, type StoredAccount, storedModule } from '../stored-module.ts';
import type { AuthModule, ModuleContext, PasswordChange } from './module.ts';
import { readSqlCharset, type SqlCharset } from './sql-charset.ts';
import { parseSqlTemplate, type SqlDialect, type SqlStatement, type SqlValues } from './sql-template.ts';

/** A cell as text; NULL is null. */
export type SqlRow = readonly (string | null)[];

/** One database as its settings describe it; opened on first use. */
export interface SqlDatabase {
  /** @throws anything: the request fails temporarily */
  query(text: string, parameters: readonly string[]): Promise<readonly SqlRow[]>;
  /** @returns the number of rows that the statement found */
  update(text: string, parameters: readonly string[]): Promise<number>;
  rows(text: string, parameters: readonly string[]): AsyncIterable<SqlRow>;
  close(): Promise<void>;
}

/** The statements that a settings file asks for. */
export interface SqlStatements {
  readonly charset: SqlCharset;
  readonly defaultDomain: string;
  readonly select: SqlStatement;
  readonly enumerate: SqlStatement;
  readonly changePassword: SqlStatement | undefined;
}

export interface SqlKind {
  /** `authmysql` */
  readonly name: string;
  /** `MYSQL_` */
  readonly prefix: string;
  readonly dialect: SqlDialect;
  /** MySQL wants USER_TABLE and a password column even where three custom clauses make them useless. */
  readonly alwaysNeedsTable: boolean;
  /** PostgreSQL changes passwords only where WHERE_CLAUSE holds. */
  readonly changeWhere: boolean;
  /** SQLite refuses a login id that several rows have. */
  readonly oneRowOnly: boolean;
}

/** @throws {Error} a required setting is missing */
export function readSqlStatements(kind: SqlKind, values: RcValues): SqlStatements {
  const value = (name: string, absent: string) => values.get(kind.prefix + name) || absent;
  const clauses = [
    value('SELECT_CLAUSE', ''),
    value('ENUMERATE_CLAUSE', ''),
    value('CHPASS_CLAUSE', ''),
  ] as const;
  const [select, enumerate, change] = clauses;
  const needsTable = kind.alwaysNeedsTable || clauses.includes('');
  const table = value('USER_TABLE', '');
  const crypt = value('CRYPT_PWFIELD', '');
  const clear = value('CLEAR_PWFIELD', '');
  if (needsTable && table === '') throw new Error(`${kind.name}: cannot read ${kind.prefix}USER_TABLE`);
  if (needsTable && crypt === '' && clear === '') {
    throw new Error(
      `${kind.name}: ${kind.prefix}CRYPT_PWFIELD and ${kind.prefix}CLEAR_PWFIELD are both missing`,
    );
  }
  const login = value('LOGIN_FIELD', 'id');
  const where = value('WHERE_CLAUSE', '1=1');
  const [uid, gid, home] = [
    value('UID_FIELD', 'uid'),
    value('GID_FIELD', 'gid'),
    value('HOME_FIELD', 'home'),
  ];
  const [maildir, options] = [value('MAILDIR_FIELD', "''"), value('AUXOPTIONS_FIELD', "''")];
  const delivery = value('DEFAULTDELIVERY', value('DEFAULTDELIVERY_FIELD', ''));
  const mailbox =
    delivery === '' ? maildir : `CASE WHEN '$(service)' = 'courier' THEN ${delivery} ELSE ${maildir} END`;
  const columns = [login, crypt || "''", clear || "''", uid, gid, home, mailbox];
  columns.push(value('QUOTA_FIELD', "''"), value('NAME_FIELD', "''"), options);
  const set = [clear && `${clear} = '$(newpass)'`, crypt && `${crypt} = '$(newpass_crypt)'`].filter(Boolean);
  const parse = (sql: string) => parseSqlTemplate(sql, kind.dialect);
  return {
    charset: readSqlCharset(kind.prefix, values.get(`${kind.prefix}CHARACTER_SET`)),
    defaultDomain: values.get('DEFAULT_DOMAIN') ?? '',
    select: parse(
      select || `SELECT ${columns.join(', ')} FROM ${table} WHERE ${login} = '$(userid)' AND (${where})`,
    ),
    enumerate: parse(
      enumerate ||
        `SELECT ${[login, uid, gid, home, maildir, options].join(', ')} FROM ${table} WHERE ${where}`,
    ),
    changePassword: parse(
      change ||
        `UPDATE ${table} SET ${set.join(', ')} WHERE ${login} = '$(userid)'` +
          (kind.changeWhere ? ` AND (${where})` : ''),
    ),
  };
}

/** The values of `$(…)`; undefined when the id is not text in the charset, which no row can have. */
function valuesOf(
  userId: string,
  service: string,
  { charset, defaultDomain }: SqlStatements,
): SqlValues | undefined {
  const text = charset.decode(userId);
  if (text === undefined) return undefined;
  const at = text.indexOf('@');
  const [local, domain] = at < 0 ? [text, defaultDomain] : [text.slice(0, at), text.slice(at + 1)];
  const userid = at < 0 && defaultDomain !== '' ? `${text}@${defaultDomain}` : text;
  return { local_part: local, domain, service, userid };
}

/** An id as the modules' columns hold it. @throws {AuthError} temporary: not a number */
function id(cell: string | null | undefined, what: string, userId: string): number {
  if (cell !== null && cell !== undefined && /^\d+$/.test(cell)) return Number(cell);
  throw new AuthError('temporary', `${what} of ${userId} is not a number`);
}

/** Reads a cell as an octet string. */
const cellReader = (charset: SqlCharset) => (value: string | null | undefined) =>
  value === null || value === undefined || value === '' ? undefined : charset.encode(value);

function readRow(row: SqlRow, userId: string, charset: SqlCharset): StoredAccount {
  const cell = cellReader(charset);
  if (row.length < 6)
    throw new AuthError('temporary', `the query for ${userId} returns fewer than 6 columns`);
  const [address, crypt, clear, uid, gid, home, maildir, quota, fullName, options] = row;
  return {
    account: {
      address: cell(address) ?? '',
      uid: id(uid, 'the uid', userId),
      gid: id(gid, 'the gid', userId),
      home: cell(home) ?? '',
      maildir: cell(maildir),
      quota: cell(quota),
      fullName: cell(fullName),
      options: cell(options),
    },
    crypt: cell(crypt),
    clear: cell(clear),
  };
}

/** A database's own words may have a piece of the password in them: only its code is passed on. */
function storeFailure(userId: string, cause: unknown): unknown {
  const { cause: reason } = cause as { cause?: unknown };
  const { code } = (reason ?? {}) as { code?: unknown };
  return typeof code === 'string'
    ? new AuthError('temporary', `the new password of ${userId} cannot be stored: ${code}`)
    : cause;
}

/** What a settings file currently leads to. */
export interface SqlBackEnd {
  readonly statements: SqlStatements;
  readonly database: SqlDatabase;
}

/** @param current  the back end in force; another one when the settings changed */
export function createSqlModule(
  kind: SqlKind,
  current: () => SqlBackEnd,
  close: () => Promise<void>,
  context: ModuleContext,
): AuthModule {
  const bind = ({ parameters }: SqlStatement, values: SqlValues) => parameters.map((value) => value(values));

  async function find(userId: string, service: string): Promise<StoredAccount | undefined> {
    const { statements, database } = current();
    const values = valuesOf(userId, service, statements);
    if (!values) return undefined;
    context.trace(`SQL query: ${statements.select.text}`);
    const parameters = bind(statements.select, values);
    context.detail(`SQL parameters: ${JSON.stringify(parameters)}`);
    const rows = await database.query(statements.select.text, parameters);
    if (kind.oneRowOnly && rows.length > 1) throw new AuthError('temporary', `several rows for ${userId}`);
    return rows[0] && readRow(rows[0], userId, statements.charset);
  }

  async function store(request: PasswordChange, stored: StoredAccount): Promise<boolean> {
    const { statements, database } = current();
    const values = valuesOf(request.userId, request.service, statements);
    const newpass = statements.charset.decode(request.newPassword);
    if (!values || newpass === undefined || !statements.changePassword) return false;
    const newpass_crypt = await context.passwords.hash(request.newPassword, stored.crypt ?? '');
    const parameters = bind(statements.changePassword, { ...values, newpass, newpass_crypt });
    context.detail(`SQL statement: ${statements.changePassword.text}`);
    try {
      return (await database.update(statements.changePassword.text, parameters)) > 0;
    } catch (cause) {
      throw storeFailure(request.userId, cause);
    }
  }

  async function* enumerate(): AsyncGenerator<EnumeratedAccount> {
    const { statements, database } = current();
    const values = { local_part: '*', domain: statements.defaultDomain, service: 'enumerate' };
    const parameters = bind(statements.enumerate, values);
    const cell = cellReader(statements.charset);
    for await (const row of database.rows(statements.enumerate.text, parameters)) {
      const [address, uid, gid, home, maildir, options] = row;
      yield {
        address: cell(address) ?? '',
        uid: id(uid, 'the uid', address ?? ''),
        gid: id(gid, 'the gid', address ?? ''),
        home: cell(home) ?? '',
        maildir: cell(maildir),
        options: cell(options),
      };
    }
  }

  const source: AccountSource = { name: kind.name, find, store, enumerate, close };
  return storedModule(source, context);
}

/** Keeps one back end for the settings in force, and closes the one before when they change. */
export function followSettings<Settings>(
  settings: () => Settings,
  open: (settings: Settings) => SqlBackEnd,
  log: Log,
): { current(): SqlBackEnd; close(): Promise<void> } {
  let opened: { settings: Settings; backEnd: SqlBackEnd } | undefined;
  return {
    current() {
      const now = settings();
      if (opened?.settings !== now) {
        opened?.backEnd.database.close().catch((error: unknown) => log.warn(errorText(error)));
        opened = { settings: now, backEnd: open(now) };
      }
      return opened.backEnd;
    },
    async close() {
      await opened?.backEnd.database.close();
    },
  };
}
