/** `authpgsql` (authlib §8) over pg; settings in `authpgsqlrc`. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import pg, { type PoolConfig } from 'pg';
import { createOutage } from '../outage.ts';
import { openRcFile, requiredValue } from '../rc-file.ts';
import { usualAuthorities } from './authorities.ts';
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

/** Ways to connect, in the order in which libpq tries them; each has its TLS settings, or false. */
function poolConfigs(connection: string): PoolConfig[] {
  const values = parseConnection(connection);
  const text = (name: string) => values.get(name) || undefined;
  const [user, password, options] = [text('user'), text('password'), text('options')];
  const host = text('hostaddr') ?? text('host') ?? '/var/run/postgresql';
  const config: PoolConfig = {
    host,
    port: Number(text('port') ?? 5432),
    database: text('dbname') ?? user ?? 'postgres',
    ...(user && { user }),
    ...(password && { password }),
    ...(options && { options }),
    application_name: text('application_name') ?? 'postrider',
    max: connections,
    connectionTimeoutMillis: Number(text('connect_timeout') ?? 0) * 1000 || timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    // Columns of every type as the server writes them.
    types: { getTypeParser: () => (value: string) => value },
  };
  // Like libpq, never TLS over a socket of this machine.
  if (host.startsWith('/')) return [config];
  return tlsWays(values).map((ssl) => ({ ...config, ssl }));
}

type Tls = NonNullable<PoolConfig['ssl']>;

/** @throws {Error} an sslmode or certificate that cannot be used */
function tlsWays(values: ReadonlyMap<string, string>): Tls[] {
  const mode = values.get('sslmode') || 'prefer';
  const refuse = (what: string) => new Error(`authpgsql: PGSQL_CONNECTION: ${what}`);
  if (values.get('sslcrl')) throw refuse('sslcrl is not supported');
  const file = (name: string) => {
    const path = values.get(name);
    return path ? readFileSync(path, 'utf8') : undefined;
  };
  const [cert, key] = [file('sslcert'), file('sslkey')];
  const client = { ...(cert && { cert }), ...(key && { key }) };
  const anyName = { checkServerIdentity: () => undefined };
  const unverified: Tls = { ...client, ...anyName, rejectUnauthorized: false };
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, unverified];
    case 'prefer':
      return [unverified, false];
    case 'require':
    case 'verify-ca':
    case 'verify-full': {
      const root = rootCertificate(values.get('sslrootcert') ?? '');
      // libpq: `require` with a root certificate verifies as `verify-ca` does.
      if (mode === 'require' && root === undefined) return [unverified];
      if (root === undefined) throw refuse(`sslmode ${mode} needs sslrootcert`);
      const name = mode === 'verify-full' ? {} : anyName;
      return [{ ...client, ...root, ...name, rejectUnauthorized: true }];
    }
    default:
      throw refuse(`there is no sslmode ${mode}`);
  }
}

/** `system`: the authorities of the system and the runtime. Without a file libpq's own place counts, if there is one. */
function rootCertificate(path: string): { readonly ca: string | string[] } | undefined {
  if (path === 'system') return { ca: usualAuthorities() };
  const usual = join(homedir(), '.postgresql/root.crt');
  if (path === '' && !existsSync(usual)) return undefined;
  return { ca: readFileSync(path || usual, 'utf8') };
}

/** No SQL state, or one of class 08 (connection) or 57P (shutdown, starting up). */
function isOutage(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === undefined || /^(?:08...|57P0[1-5]|E[A-Z]{3,})$/.test(code);
}

/** The server does not want a connection of this kind, with TLS or without. */
function isOtherWayWanted(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === '28000' || /does not support SSL/.test(message ?? '');
}

/** A pool that connects in the first way that the server takes; asked again when the server has changed its mind. */
function openPool(configs: readonly PoolConfig[]) {
  let way = 0;
  const open = () => {
    const pool = new pg.Pool(configs[way]!);
    // An idle connection that the server closes is dropped by the pool; the next request opens another.
    pool.on('error', () => {});
    return pool;
  };
  let pool = open();
  return {
    async use<Result>(work: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
      const used = pool;
      try {
        return await work(used);
      } catch (error) {
        if (configs.length === 1 || !isOtherWayWanted(error)) throw error;
        if (pool === used) {
          way = (way + 1) % configs.length;
          // The other pool is left to itself: who waits there still has to be told, and what is idle there ends soon.
          pool = open();
        }
        return work(pool);
      }
    },
    /** pg forgets those who still wait for a connection. */
    async end() {
      while (pool.waitingCount > 0) await once(pool, 'release');
      await pool.end();
    },
  };
}

function openDatabase(configs: readonly PoolConfig[]): SqlDatabase {
  const outage = createOutage(isOutage);
  const pool = openPool(configs);
  const names = new Map<string, string>();
  const nameOf = (text: string) => {
    const known = names.get(text) ?? hash('sha1', text, 'base64url');
    names.set(text, known);
    return known;
  };
  const run = (text: string, parameters: readonly string[]) =>
    outage.guard(() =>
      pool.use((open) =>
        open.query<(string | null)[]>({
          name: nameOf(text),
          text,
          values: [...parameters],
          rowMode: 'array',
        }),
      ),
    );
  return {
    query: async (text, parameters) => (await run(text, parameters)).rows,
    update: async (text, parameters) => (await run(text, parameters)).rowCount ?? 0,
    async *rows(text, parameters): AsyncGenerator<SqlRow> {
      const client = await outage.guard(() => pool.use((open) => open.connect()));
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
      connection: poolConfigs(requiredValue(values, 'PGSQL_CONNECTION', kind.name)),
      statements: readSqlStatements(kind, values),
    }),
    context.log,
  );
  const { current, close } = followSettings(
    file.current,
    ({ connection, statements }) => ({
      statements,
      database: openDatabase(connection),
    }),
    context.log,
  );
  return createSqlModule(kind, current, close, context);
}
