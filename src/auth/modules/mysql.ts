/** `authmysql` (authlib §8) over mysql2; settings in `authmysqlrc`. */
import { readFileSync } from 'node:fs';
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2';
import { createOutage } from '../outage.ts';
import { integerValue, openRcFile, type RcValues, requiredValue } from '../rc-file.ts';
import { readAuthorities } from './authorities.ts';
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
  name: 'authmysql',
  prefix: 'MYSQL_',
  dialect: { placeholder: () => '?', backslashes: true, doubleQuotedStrings: true },
  alwaysNeedsTable: true,
  changeWhere: false,
  oneRowOnly: false,
};

const connections = 10;
const timeoutMs = 10_000;

function readConnection(values: RcValues): PoolOptions {
  const socketPath = values.get('MYSQL_SOCKET');
  const server = values.get('MYSQL_SERVER');
  if (!socketPath && !server) throw new Error('authmysql: cannot read MYSQL_SERVER or MYSQL_SOCKET');
  // MYSQL_OPT holds flags of the C library, none of which applies here.
  integerValue(values, 'MYSQL_OPT', kind.name, 0);
  const password = values.get('MYSQL_PASSWORD');
  const ssl = readTls(values);
  return {
    user: requiredValue(values, 'MYSQL_USERNAME', kind.name),
    database: requiredValue(values, 'MYSQL_DATABASE', kind.name),
    ...(password && { password }),
    // As with the C library, `localhost` and no server mean the socket where one is named.
    ...(socketPath && (!server || server === 'localhost')
      ? { socketPath }
      : { host: server!, port: integerValue(values, 'MYSQL_PORT', kind.name, 0) || 3306 }),
    ...(ssl && { ssl }),
    charset: 'utf8mb4',
    connectionLimit: connections,
    connectTimeout: timeoutMs,
    enableKeepAlive: true,
    rowsAsArray: true,
  };
}

/** TLS is used where a CA is given (authlib §8); the server's certificate has to be of that CA, under any name. */
function readTls(values: RcValues): PoolOptions['ssl'] | undefined {
  const [caFile, caDirectory] = [values.get('MYSQL_SSL_CACERT'), values.get('MYSQL_SSL_CAPATH')];
  if (!caFile && !caDirectory) return undefined;
  const ca = [
    ...(caFile ? [readFileSync(caFile, 'latin1')] : []),
    ...(caDirectory ? readAuthorities(caDirectory) : []),
  ];
  const file = (name: string) => {
    const path = values.get(name);
    return path ? readFileSync(path) : undefined;
  };
  const [key, cert] = [file('MYSQL_SSL_KEY'), file('MYSQL_SSL_CERT')];
  // The template's name for it is not the one that Courier reads.
  const ciphers = values.get('MYSQL_SSL_CIPHER') || values.get('MYSQL_SSL_CIPHERS');
  return {
    ca,
    ...(key && { key }),
    ...(cert && { cert }),
    ...(ciphers && { ciphers }),
    verifyIdentity: false,
  };
}

/** Errors without an SQL state of the server, or with one of class 08 and shutdown, mean that it is not there. */
function isOutage(error: unknown): boolean {
  const { fatal, code, sqlState } = error as { fatal?: boolean; code?: string; sqlState?: string };
  return (
    fatal === true ||
    sqlState?.startsWith('08') === true ||
    /^(?:E[A-Z]+|PROTOCOL_CONNECTION_LOST)$/.test(code ?? '')
  );
}

function openDatabase(options: PoolOptions): SqlDatabase {
  const outage = createOutage(isOutage);
  let pool: Pool | undefined;
  const opened = (): Pool => {
    pool ??= createPool(options);
    return pool;
  };

  function execute<Result>(text: string, parameters: readonly string[]): Promise<Result> {
    return outage.guard(async () => {
      const connection = await connectionOf(opened());
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      // mysql2 has a time limit too, but the connection would stay as it is, and taken.
      const timer = setTimeout(() => {
        connection.destroy();
        reject(timedOut());
      }, timeoutMs);
      connection.execute({ sql: text, rowsAsArray: true }, [...parameters], (error, result) => {
        clearTimeout(timer);
        connection.release();
        if (error) reject(error);
        else resolve(result as Result);
      });
      return promise;
    });
  }

  return {
    async query(text, parameters) {
      return (await execute<unknown[][]>(text, parameters)).map(textRow);
    },
    async update(text, parameters) {
      return (await execute<{ affectedRows: number }>(text, parameters)).affectedRows;
    },
    async *rows(text, parameters): AsyncGenerator<SqlRow> {
      const connection = await outage.guard(() => connectionOf(opened()));
      const query = connection.execute({ sql: text, rowsAsArray: true }, [...parameters]);
      let complete = false;
      try {
        for await (const row of query.stream({ highWaterMark: 100 })) yield textRow(row as unknown[]);
        complete = true;
      } finally {
        if (complete) connection.release();
        else connection.destroy();
      }
    },
    async close() {
      const closing = pool;
      pool = undefined;
      await closing?.promise().end();
    },
  };
}

const timedOut = () => Object.assign(new Error('the server does not answer'), { code: 'ETIMEDOUT' });

/** A connection of the pool, to be released. @throws {Error} none in time */
function connectionOf(pool: Pool): Promise<PoolConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<PoolConnection>();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reject(timedOut());
  }, timeoutMs);
  pool.getConnection((error, connection) => {
    clearTimeout(timer);
    if (error) reject(error);
    else if (late) connection.release();
    else resolve(connection);
  });
  return promise;
}

function textRow(row: readonly unknown[]): SqlRow {
  return row.map((value) => {
    if (value === null || value === undefined) return null;
    return Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
  });
}

/** @param path  `<config dir>/authmysqlrc` */
export function createMysqlModule(path: string, context: ModuleContext): AuthModule {
  const file = openRcFile(
    path,
    (values) => ({ connection: readConnection(values), statements: readSqlStatements(kind, values) }),
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
