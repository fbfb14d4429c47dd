import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  accountsRc,
  accountsSql,
  describeModule,
  moduleContext,
} from '../../../test/support/auth-contract.ts';
import { startMariadb } from '../../../test/support/mariadb.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
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
