/** `authpgsql` (authlib §8) over pg; settings in `authpgsqlrc`. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg, { type PoolConfig } from 'pg';
import { createOutage } from '../outage.ts';
import { openRcFile, requiredValue } from '../rc-file.ts';
import type { AuthModule, ModuleContext } from './module.ts';
import {
  createSqlModule,
  followSettings,
  readSqlStatements,
  type SqlDatabase,
  type SqlKind,
  type SqlRow,
} from './sql.ts';

const kind: SqlKind = {
  name: 'authpgsql',
  prefix: 'PGSQL_',
  dialect: { placeholder: (index) => `$${index}`, backslashes: false, doubleQuotedStrings: false },
  alwaysNeedsTable: false,
  changeWhere: true,
  oneRowOnly: false,
};

const connections = 10;
const timeoutMs = 10_000;
const rowsPerFetch = 1000;

/** libpq's `name=value name='va\'lue'`. */
export function parseConnection(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const item = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))/gsy;
  for (let match = item.exec(text); match; match = item.exec(text)) {
    values.set(match[1]!, (match[2] ?? match[3]!).replace(/\\(.)/gs, '$1'));
  }
  return values;
}

function poolConfig(connection: string): PoolConfig {
  const values = parseConnection(connection);
  const text = (name: string) => values.get(name) || undefined;
  const [user, password] = [text('user'), text('password')];
  const ssl = tlsConfig(values);
  return {
    host: text('hostaddr') ?? text('host') ?? '/var/run/postgresql',
    port: Number(text('port') ?? 5432),
    database: text('dbname') ?? user ?? 'postgres',
    ...(user && { user }),
    ...(password && { password }),
    ...(ssl && { ssl }),
    application_name: text('application_name') ?? 'postrider',
    max: connections,
    connectionTimeoutMillis: Number(text('connect_timeout') ?? 0) * 1000 || timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    // Columns of every type as the server writes them.
    types: { getTypeParser: () => (value: string) => value },
  };
}

/** sslmode as libpq reads it; `prefer` and `allow` do without TLS, which they allow. */
function tlsConfig(values: ReadonlyMap<string, string>): PoolConfig['ssl'] {
  const mode = values.get('sslmode') ?? 'prefer';
  if (!/^(?:require|verify-ca|verify-full)$/.test(mode)) return undefined;
  const file = (name: string) => {
    const path = values.get(name);
    return path ? readFileSync(path, 'utf8') : undefined;
  };
  const [ca, cert, key] = [file('sslrootcert'), file('sslcert'), file('sslkey')];
  return {
    // libpq: `require` with a root certificate verifies as `verify-ca` does.
    rejectUnauthorized: mode !== 'require' || ca !== undefined,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  };
}

/** No SQL state, or one of class 08 (connection) or 57P (shutdown, starting up). */
function isOutage(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === undefined || /^(?:08...|57P0[1-5]|E[A-Z]{3,})$/.test(code);
}

function openDatabase(config: PoolConfig): SqlDatabase {
  const outage = createOutage(isOutage);
  const pool = new pg.Pool(config);
  // An idle connection that the server closes is dropped by the pool; the next request opens another.
  pool.on('error', () => {});
  const names = new Map<string, string>();
  const nameOf = (text: string) => {
    const known = names.get(text) ?? hash('sha1', text, 'base64url');
    names.set(text, known);
    return known;
  };
  const run = (text: string, parameters: readonly string[]) =>
    outage.guard(() =>
      pool.query<(string | null)[]>({ name: nameOf(text), text, values: [...parameters], rowMode: 'array' }),
    );
  return {
    query: async (text, parameters) => (await run(text, parameters)).rows,
    update: async (text, parameters) => (await run(text, parameters)).rowCount ?? 0,
    async *rows(text, parameters): AsyncGenerator<SqlRow> {
      const client = await outage.guard(() => pool.connect());
      let failed = true;
      try {
        await client.query('BEGIN READ ONLY');
        await client.query({ text: `DECLARE accounts CURSOR FOR ${text}`, values: [...parameters] });
        for (;;) {
          const fetch = { text: `FETCH ${rowsPerFetch} FROM accounts`, rowMode: 'array' as const };
          const { rows } = await client.query<(string | null)[]>(fetch);
          if (rows.length === 0) break;
          yield* rows;
        }
        await client.query('COMMIT');
        failed = false;
      } finally {
        client.release(failed);
      }
    },
    close: () => pool.end(),
  };
}

/** @param path  `<config dir>/authpgsqlrc` */
export function createPgsqlModule(path: string, context: ModuleContext): AuthModule {
  const file = openRcFile(
    path,
    (values) => ({
      connection: poolConfig(requiredValue(values, 'PGSQL_CONNECTION', kind.name)),
      statements: readSqlStatements(kind, values),
    }),
    context.log,
  );
  const { current, close } = followSettings(file.current, ({ connection, statements }) => ({
    statements,
    database: openDatabase(connection),
  }));
  return createSqlModule(kind, current, close, context);
}
