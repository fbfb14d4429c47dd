import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  accountsRc,
  accountsSql,
  describeModule,
  moduleContext,
} from '../../../test/support/auth-contract.ts';
import { makeCertificates } from '../../../test/support/certificates.ts';
import { type PostgresqlServer, startPostgresql } from '../../../test/support/postgresql.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { clausesTable, describeClauses } from '../../../test/support/sql-clauses.ts';
import { AuthError } from '../auth-error.ts';
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

describeClauses(
  'authpgsql',
  'PGSQL_',
  async () => {
    const server = await startPostgresql();
    server.sql(`CREATE USER courier PASSWORD 'pass';\n${clausesTable}GRANT ALL ON people TO courier;`);
    const connection = `host=127.0.0.1 port=${server.port} dbname=postgres user=courier password=pass`;
    return { connection: `PGSQL_CONNECTION ${connection}\n`, cleanUp: server.cleanUp };
  },
  createPgsqlModule,
);

/** What libpq does, by sslmode: with a server that has only TLS, none at all, or refuses connections that have it. */
const sslModes: [string, { always: boolean; absent: boolean; never: boolean }][] = [
  ['', { always: true, absent: true, never: true }],
  ['sslmode=disable', { always: false, absent: true, never: true }],
  ['sslmode=allow', { always: true, absent: true, never: true }],
  ['sslmode=prefer', { always: true, absent: true, never: true }],
  ['sslmode=require', { always: true, absent: false, never: false }],
  ['sslmode=require sslrootcert=$ca', { always: true, absent: false, never: false }],
  ['sslmode=require sslrootcert=$stranger', { always: false, absent: false, never: false }],
  ['sslmode=verify-ca sslrootcert=$ca', { always: true, absent: false, never: false }],
  ['sslmode=verify-ca sslrootcert=$stranger', { always: false, absent: false, never: false }],
  ['sslmode=verify-ca sslrootcert=system', { always: false, absent: false, never: false }],
  ['sslmode=verify-full sslrootcert=$ca', { always: true, absent: false, never: false }],
  // The certificate is for `localhost`.
  ['sslmode=verify-full sslrootcert=$ca hostaddr=127.0.0.1', { always: false, absent: false, never: false }],
  ['sslmode=verify-ca sslrootcert=$ca hostaddr=127.0.0.1', { always: true, absent: false, never: false }],
  ['sslmode=sometimes', { always: false, absent: false, never: false }],
  ['sslmode=verify-ca sslrootcert=/nonexistent', { always: false, absent: false, never: false }],
  ['sslmode=require sslcrl=$ca', { always: false, absent: false, never: false }],
];

describe('authpgsql over TLS', { timeout: 60_000 }, () => {
  const servers = {} as Record<'always' | 'absent' | 'never', PostgresqlServer>;
  let folder: string;
  before(async () => {
    folder = privateFolder('authpgsqlrc');
    makeCertificates(folder);
    for (const [kind, tls] of [
      ['always', 'always'],
      ['absent', undefined],
      ['never', 'never'],
    ] as const) {
      const server = await startPostgresql(tls);
      servers[kind] = server;
      server.sql(`CREATE USER courier PASSWORD 'pass';\n${accountsSql()}GRANT ALL ON accounts TO courier;`);
    }
  });
  after(async () => {
    removeFolder(folder);
    for (const server of Object.values(servers)) await server.cleanUp();
  });

  test('fifty logins at once find the way that the server takes', async () => {
    const path = join(folder, 'fifty');
    const connection = `host=localhost port=${servers.absent.port} dbname=postgres user=courier password=pass`;
    writeFileSync(path, `PGSQL_CONNECTION ${connection}\n${accountsRc('PGSQL_')}`, { mode: 0o600 });
    const module = createPgsqlModule(path, moduleContext());
    const begun = performance.now();
    const one = () => module.login({ service: 'imap', userId: 'fred@example.com', password: 'secret' });
    const all = await Promise.all(Array.from({ length: 50 }, one));
    assert.ok(all.every((account) => account?.uid === 1000));
    assert.ok(performance.now() - begun < 8000);
    await module.close();
  });

  async function login(server: PostgresqlServer, how: string, more = '', userId = 'fred@example.com') {
    const path = join(folder, 'rc');
    const options = how
      .replace('$ca', join(servers.always.folder, 'ca.pem'))
      .replace('$stranger', join(folder, 'ca.pem'));
    const connection = `host=localhost port=${server.port} dbname=postgres user=courier password=pass ${options}`;
    writeFileSync(path, `PGSQL_CONNECTION ${connection}\n${more}${accountsRc('PGSQL_')}`, { mode: 0o600 });
    const module = createPgsqlModule(path, moduleContext());
    try {
      return (await module.login({ service: 'imap', userId, password: 'secret' })) !== undefined;
    } catch (error) {
      assert.ok(error instanceof AuthError && error.kind === 'temporary', String(error));
      return undefined;
    } finally {
      await module.close();
    }
  }

  for (const [how, expected] of sslModes) {
    for (const kind of ['always', 'absent', 'never'] as const) {
      const outcome = expected[kind] ? 'logs in' : 'is a temporary failure';
      test(`"${how}" ${outcome} where TLS is ${kind}`, async () =>
        assert.equal(await login(servers[kind], how), expected[kind] || undefined));
    }
  }
  test('a socket of this machine needs no TLS', async () =>
    assert.equal(await login(servers.absent, `host=${servers.absent.folder} sslmode=require`), true));
  test('PGSQL_CHARACTER_SET says what octets mean', async () => {
    servers.absent.sql(
      "INSERT INTO accounts (id, clear, uid, gid, home) VALUES ('jörg', 'secret', 5, 5, '/h');",
    );
    assert.equal(await login(servers.absent, '', 'PGSQL_CHARACTER_SET LATIN1\n', 'j\xf6rg'), true);
    assert.equal(await login(servers.absent, '', '', 'j\xf6rg'), false);
    assert.equal(await login(servers.absent, '', 'PGSQL_CHARACTER_SET klingon\n'), undefined);
  });
});
