import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  accountsRc,
  accountsSql,
  describeModule,
  moduleContext,
} from '../../../test/support/auth-contract.ts';
import { makeCertificates } from '../../../test/support/certificates.ts';
import { type MariadbServer, startMariadb } from '../../../test/support/mariadb.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { clausesTable, describeClauses } from '../../../test/support/sql-clauses.ts';
import { AuthError } from '../auth-error.ts';
import { createMysqlModule } from './mysql.ts';

describeModule(
  'authmysql with MariaDB',
  { clear: true, enumerate: true, changePassword: true, outage: true },
  async () => {
    const server = await startMariadb();
    server.sql(
      `CREATE DATABASE mail CHARACTER SET utf8mb4; USE mail;\n${accountsSql()}` +
        "CREATE USER courier@'%' IDENTIFIED BY 'pass'; GRANT ALL ON mail.* TO courier@'%';",
    );
    const folder = privateFolder('authmysqlrc');
    const rc = join(folder, 'authmysqlrc');
    const connection = `MYSQL_SERVER 127.0.0.1\nMYSQL_PORT ${server.port}\nMYSQL_OPT 0\nMYSQL_DATABASE mail\n`;
    const user = 'MYSQL_USERNAME courier\nMYSQL_PASSWORD pass\n';
    writeFileSync(rc, connection + user + accountsRc('MYSQL_'), { mode: 0o600 });
    return {
      module: createMysqlModule(rc, moduleContext()),
      stop: server.stop,
      start: server.start,
      async cleanUp() {
        removeFolder(folder);
        await server.cleanUp();
      },
    };
  },
);

const connectionRc = (server: MariadbServer, user = 'courier') =>
  `MYSQL_SERVER localhost\nMYSQL_PORT ${server.port}\nMYSQL_DATABASE mail\nMYSQL_USERNAME ${user}\nMYSQL_PASSWORD pass\n`;

describeClauses(
  'authmysql',
  'MYSQL_',
  async () => {
    const server = await startMariadb();
    server.sql(
      `CREATE DATABASE mail CHARACTER SET utf8mb4; USE mail;\n${clausesTable}` +
        "CREATE USER courier@'%' IDENTIFIED BY 'pass'; GRANT ALL ON mail.* TO courier@'%';",
    );
    return { connection: connectionRc(server), cleanUp: server.cleanUp };
  },
  createMysqlModule,
);

describe('authmysql over TLS', { timeout: 60_000 }, () => {
  let server: MariadbServer;
  let folder: string;
  before(async () => {
    server = await startMariadb(true);
    const rights = "GRANT ALL ON mail.* TO courier@'%', certified@'%', \"latin\"@'%';";
    server.sql(
      `CREATE DATABASE mail CHARACTER SET utf8mb4; USE mail;\n${accountsSql()}` +
        "INSERT INTO accounts (id, clear, uid, gid, home, name) VALUES ('j\u00f6rg', 'gr\u00fc\u00df', 5, 5, '/h/j\u00f6rg', 'J\u00f6rg');" +
        "CREATE USER courier@'%' IDENTIFIED BY 'pass' REQUIRE SSL; CREATE USER latin@'%' IDENTIFIED BY 'pass';" +
        `CREATE USER certified@'%' IDENTIFIED BY 'pass' REQUIRE SUBJECT '/CN=courier'; ${rights}`,
    );
    folder = privateFolder('authmysqlrc');
    makeCertificates(folder);
    mkdirSync(join(folder, 'authorities'));
    copyFileSync(join(server.folder, 'ca.pem'), join(folder, 'authorities/0a1b2c3d.0'));
    copyFileSync(join(folder, 'ca.pem'), join(folder, 'authorities/stranger.pem'));
    mkdirSync(join(folder, 'empty'));
  });
  after(async () => {
    removeFolder(folder);
    await server.cleanUp();
  });

  async function login(tls: string, userId = 'fred@example.com', password = 'secret', user = 'courier') {
    const path = join(folder, 'rc');
    writeFileSync(path, connectionRc(server, user) + tls + accountsRc('MYSQL_'), { mode: 0o600 });
    const module = createMysqlModule(path, moduleContext());
    try {
      return (await module.login({ service: 'imap', userId, password })) ?? 'rejected';
    } catch (error) {
      if (error instanceof AuthError && error.kind === 'temporary') return error.message;
      throw error;
    } finally {
      await module.close();
    }
  }
  const file = (name: string) => join(server.folder, name);
  const isAccount = (result: object | string) => assert.ok(typeof result === 'object', String(result));

  test('MYSQL_SSL_CACERT switches TLS on', async () =>
    isAccount(await login(`MYSQL_SSL_CACERT ${file('ca.pem')}\n`)));
  test('MYSQL_SSL_CAPATH is a directory of authorities', async () =>
    isAccount(await login(`MYSQL_SSL_CAPATH ${folder}/authorities\n`)));
  test('a directory without certificates is an error', async () =>
    assert.match(String(await login(`MYSQL_SSL_CAPATH ${folder}/empty\n`)), /no certificates in/));
  test('without either there is no TLS, and this server refuses', async () =>
    assert.match(String(await login('')), /insecure transport|Access denied/i));
  test('a server of another authority is refused', async () =>
    assert.match(String(await login(`MYSQL_SSL_CACERT ${folder}/ca.pem\n`)), /certificate/));
  test('MYSQL_SSL_CERT and MYSQL_SSL_KEY show who we are', async () => {
    const ca = `MYSQL_SSL_CACERT ${file('ca.pem')}\n`;
    const own = `MYSQL_SSL_CERT ${file('client.pem')}\nMYSQL_SSL_KEY ${file('client.key')}\n`;
    isAccount(await login(ca + own, undefined, undefined, 'certified'));
    assert.match(String(await login(ca, undefined, undefined, 'certified')), /Access denied/);
  });
  for (const name of ['MYSQL_SSL_CIPHER', 'MYSQL_SSL_CIPHERS']) {
    test(`${name} chooses ciphers`, async () => {
      const ca = `MYSQL_SSL_CACERT ${file('ca.pem')}\n`;
      isAccount(await login(`${ca}${name} ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384\n`));
      assert.match(String(await login(`${ca}${name} NO-SUCH-CIPHER\n`)), /cipher/i);
    });
  }

  test('what the server says of a password that it cannot store is not passed on', async () => {
    server.sql('USE mail; ALTER TABLE accounts MODIFY clear VARCHAR(128) CHARACTER SET latin1;');
    const path = join(folder, 'rc');
    const tls = `MYSQL_SSL_CACERT ${file('ca.pem')}\n`;
    writeFileSync(path, connectionRc(server) + tls + accountsRc('MYSQL_'), { mode: 0o600 });
    const module = createMysqlModule(path, moduleContext());
    const newPassword = Buffer.from('\u{1f511}my-key').toString('latin1');
    const change = { service: 'imap', userId: 'clara@example.com', oldPassword: 'geheim', newPassword };
    await assert.rejects(module.changePassword!(change), (error: unknown) => {
      assert.ok(error instanceof AuthError && error.kind === 'temporary');
      assert.match(error.message, /cannot be stored: ER_/);
      return true;
    });
    await module.close();
  });

  test('MYSQL_CHARACTER_SET says what octets of ids and passwords mean', async () => {
    const ca = `MYSQL_SSL_CACERT ${file('ca.pem')}\n`;
    const utf8 = (text: string) => Buffer.from(text).toString('latin1');
    for (const charset of ['', 'MYSQL_CHARACTER_SET utf8\n']) {
      const account = await login(ca + charset, utf8('jörg'), utf8('grüß'));
      assert.equal(typeof account === 'object' && account.home, utf8('/h/jörg'));
      assert.equal(await login(ca + charset, 'j\xf6rg', 'gr\xfc\xdf'), 'rejected');
    }
    const account = await login(`${ca}MYSQL_CHARACTER_SET latin1\n`, 'j\xf6rg', 'gr\xfc\xdf');
    assert.equal(typeof account === 'object' && account.home, '/h/j\xf6rg');
    assert.match(
      String(await login(`${ca}MYSQL_CHARACTER_SET klingon\n`)),
      /MYSQL_CHARACTER_SET: there is no charset klingon/,
    );
  });
});
