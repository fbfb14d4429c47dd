import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  accountsRc,
  accountsSql,
  describeModule,
  moduleContext,
} from '../../../test/support/auth-contract.ts';
import { startPostgresql } from '../../../test/support/postgresql.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { createPgsqlModule, parseConnection } from './pgsql.ts';

describeModule(
  'authpgsql with PostgreSQL',
  { clear: true, enumerate: true, changePassword: true, outage: true },
  async () => {
    const server = await startPostgresql();
    server.sql(
      `SET standard_conforming_strings = on; CREATE USER courier PASSWORD 'pass word';\n${accountsSql()}` +
        'GRANT ALL ON accounts TO courier;',
    );
    const folder = privateFolder('authpgsqlrc');
    const rc = join(folder, 'authpgsqlrc');
    const connection = `PGSQL_CONNECTION host=127.0.0.1 port=${server.port} dbname=postgres user=courier password='pass word'\n`;
    writeFileSync(rc, connection + accountsRc('PGSQL_'), { mode: 0o600 });
    return {
      module: createPgsqlModule(rc, moduleContext()),
      stop: server.stop,
      start: server.start,
      async cleanUp() {
        removeFolder(folder);
        await server.cleanUp();
      },
    };
  },
);

test('a libpq connection string is read with its quotes', () => {
  const values = parseConnection(String.raw`host = /run/pg port=5433 password='it\'s \\ so' dbname=a\ b`);
  assert.deepEqual(Object.fromEntries(values), {
    host: '/run/pg',
    port: '5433',
    password: String.raw`it's \ so`,
    dbname: 'a b',
  });
});
