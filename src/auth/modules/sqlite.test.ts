import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  accountsRc,
  accountsSql,
  describeModule,
  moduleContext,
} from '../../../test/support/auth-contract.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { clausesTable, describeClauses } from '../../../test/support/sql-clauses.ts';
import { createSqliteModule } from './sqlite.ts';

describeModule(
  'authsqlite',
  { clear: true, enumerate: true, changePassword: true, outage: true },
  async () => {
    const folder = privateFolder('authsqlite');
    const file = join(folder, 'accounts.sqlite');
    const database = new DatabaseSync(file);
    database.exec(accountsSql());
    database.close();
    const rc = join(folder, 'authsqliterc');
    writeFileSync(rc, `SQLITE_DATABASE ${file}\n${accountsRc('SQLITE_')}`, { mode: 0o600 });
    return {
      module: createSqliteModule(rc, moduleContext()),
      stop: async () => renameSync(file, `${file}.away`),
      start: async () => renameSync(`${file}.away`, file),
      cleanUp: async () => removeFolder(folder),
    };
  },
);

describeClauses(
  'authsqlite',
  'SQLITE_',
  async () => {
    const folder = privateFolder('authsqlite');
    const file = join(folder, 'people.sqlite');
    const database = new DatabaseSync(file);
    database.exec(clausesTable);
    database.close();
    return { connection: `SQLITE_DATABASE ${file}\n`, cleanUp: async () => removeFolder(folder) };
  },
  createSqliteModule,
);
