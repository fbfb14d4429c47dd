/** `authsqlite` (authlib §8) over node:sqlite; settings in `authsqliterc`. Queries take microseconds and are synchronous. */
import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AuthError } from '../auth-error.ts';
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
  name: 'authsqlite',
  prefix: 'SQLITE_',
  dialect: { placeholder: () => '?', backslashes: false, doubleQuotedStrings: false },
  alwaysNeedsTable: false,
  changeWhere: false,
  oneRowOnly: true,
};

/** How long another program's lock is waited for, without blocking the event loop. */
const busyLimitMs = 5000;
const busyStepMs = 20;
const sqliteBusy = 5;

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === sqliteBusy;
}

function openDatabase(path: string): SqlDatabase {
  let opened: { database: DatabaseSync; statements: Map<string, StatementSync>; inode: number } | undefined;

  /** A file that was replaced is opened again; an absent one is not created. */
  function statement(text: string): StatementSync {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) throw new AuthError('temporary', `${path} does not exist`);
    if (opened?.inode !== stats.ino) {
      opened?.database.close();
      opened = undefined;
      opened = { database: new DatabaseSync(path, { timeout: 0 }), statements: new Map(), inode: stats.ino };
    }
    let prepared = opened.statements.get(text);
    if (!prepared) {
      prepared = opened.database.prepare(text);
      prepared.setReturnArrays(true);
      opened.statements.set(text, prepared);
    }
    return prepared;
  }

  async function patiently<Result>(work: () => Result): Promise<Result> {
    const limit = performance.now() + busyLimitMs;
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (error instanceof AuthError) throw error;
        if (!isBusy(error) || performance.now() > limit) {
          throw new AuthError('temporary', (error as Error).message, { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, busyStepMs));
      }
    }
  }

  const all = (text: string, parameters: readonly string[]) =>
    patiently(() => (statement(text).all(...parameters) as unknown as unknown[][]).map(textRow));
  return {
    query: all,
    update: (text, parameters) => patiently(() => Number(statement(text).run(...parameters).changes)),
    async *rows(text, parameters) {
      yield* await all(text, parameters);
    },
    async close() {
      opened?.database.close();
      opened = undefined;
    },
  };
}

function textRow(row: readonly unknown[]): SqlRow {
  return row.map((value) => {
    if (value === null) return null;
    return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
  });
}

/** @param path  `<config dir>/authsqliterc` */
export function createSqliteModule(path: string, context: ModuleContext): AuthModule {
  const file = openRcFile(
    path,
    (values) => ({
      database: requiredValue(values, 'SQLITE_DATABASE', kind.name),
      statements: readSqlStatements(kind, values),
    }),
    context.log,
  );
  const { current, close } = followSettings(
    file.current,
    ({ database, statements }) => ({
      statements,
      database: openDatabase(database),
    }),
    context.log,
  );
  return createSqlModule(kind, current, close, context);
}
