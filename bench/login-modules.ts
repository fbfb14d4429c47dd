/** The modules that `bench/login.ts` measures: accounts `user0`, `user1` … with the password `secret` behind each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeUserdbIndex } from '../src/auth/modules/userdb-index-writer.ts';
import { accountsRc } from '../test/support/auth-contract.ts';
import { startMariadb } from '../test/support/mariadb.ts';
import { startPostgresql } from '../test/support/postgresql.ts';
import { ldapBase, startSlapd } from '../test/support/slapd.ts';

/** A module with accounts behind it. */
export interface PreparedModule {
  /** Mounted over the system's files for the daemon alone: `[file of ours, file of the system]`. */
  readonly mounts?: readonly (readonly [string, string])[];
  cleanUp?(): Promise<void>;
}

export interface MeasuredModule {
  /** What the table calls it. */
  readonly name: string;
  /** In `authmodulelist`. */
  readonly module: string;
  readonly accounts: number;
  /** Needs root: it shows the daemon other files in the place of the system's. */
  readonly root?: boolean;
  /** Writes what the module needs into the daemon's configuration directory. @throws {Error} no such server here */
  prepare(folder: string, accounts: number): Promise<PreparedModule>;
}

const sha256 = '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=';
/** DES crypt, the cheapest that the system's own modules know. */
const des = 'abNANd1rDfiNc';

const each = (accounts: number, line: (i: number) => string) =>
  Array.from({ length: accounts }, (_, i) => line(i));

function writeUserdb(folder: string, accounts: number): string {
  const path = join(folder, 'userdb');
  const lines = each(accounts, (i) => `user${i}\tuid=1000|gid=1000|home=/h/${i}|systempw=${sha256}\n`);
  writeFileSync(path, lines.join(''), { mode: 0o600 });
  return path;
}

/** A table like Courier's, with a row for each account. */
function accountsTable(accounts: number): string {
  const rows = each(accounts, (i) => `('user${i}','${sha256}','','',1000,1000,'/h/${i}','','','','')`);
  return (
    'CREATE TABLE accounts (id VARCHAR(128) PRIMARY KEY, crypt VARCHAR(255), clear VARCHAR(128), name VARCHAR(128), ' +
    'uid INT NOT NULL, gid INT NOT NULL, home VARCHAR(255), maildir VARCHAR(255), defaultdelivery VARCHAR(255), ' +
    `quota VARCHAR(64), options VARCHAR(255));\nINSERT INTO accounts VALUES ${rows.join(',\n')};\n`
  );
}

const writeRc = (folder: string, name: string, text: string) =>
  writeFileSync(join(folder, name), text, { mode: 0o600 });

async function mysql(folder: string, accounts: number): Promise<PreparedModule> {
  const server = await startMariadb();
  server.sql(
    `CREATE DATABASE mail CHARACTER SET utf8mb4; USE mail;\n${accountsTable(accounts)}` +
      "CREATE USER courier@'%' IDENTIFIED BY 'pass'; GRANT ALL ON mail.* TO courier@'%';",
  );
  const connection = `MYSQL_SERVER 127.0.0.1\nMYSQL_PORT ${server.port}\nMYSQL_OPT 0\nMYSQL_DATABASE mail\n`;
  const user = 'MYSQL_USERNAME courier\nMYSQL_PASSWORD pass\n';
  writeRc(folder, 'authmysqlrc', connection + user + accountsRc('MYSQL_'));
  return { cleanUp: server.cleanUp };
}

async function pgsql(folder: string, accounts: number): Promise<PreparedModule> {
  const server = await startPostgresql();
  server.sql(
    `CREATE USER courier PASSWORD 'pass';\n${accountsTable(accounts)}GRANT ALL ON accounts TO courier;`,
  );
  const connection = `host=127.0.0.1 port=${server.port} dbname=postgres user=courier password=pass`;
  writeRc(folder, 'authpgsqlrc', `PGSQL_CONNECTION ${connection}\n${accountsRc('PGSQL_')}`);
  return { cleanUp: server.cleanUp };
}

async function sqlite(folder: string, accounts: number): Promise<PreparedModule> {
  const file = join(folder, 'accounts.sqlite');
  const database = new DatabaseSync(file);
  database.exec(accountsTable(accounts));
  database.close();
  writeRc(folder, 'authsqliterc', `SQLITE_DATABASE ${file}\n${accountsRc('SQLITE_')}`);
  return {};
}

/** @param how  further lines of authldaprc */
function ldap(hash: string, how: string) {
  return async (folder: string, accounts: number): Promise<PreparedModule> => {
    const server = await startSlapd();
    const base = `dn: ${ldapBase}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n`;
    const entries = each(
      accounts,
      (i) =>
        `dn: mail=user${i},${ldapBase}\nobjectClass: person\nobjectClass: mailAccount\ncn: user${i}\nsn: x\n` +
        `mail: user${i}\nuidNumber: 1000\ngidNumber: 1000\nhomeDirectory: /h/${i}\nuserPassword: ${hash}\n`,
    );
    server.add([base, ...entries].join('\n'));
    writeRc(
      folder,
      'authldaprc',
      `LDAP_URI ${server.uri}\nLDAP_BASEDN ${ldapBase}\nLDAP_PROTOCOL_VERSION 3\nLDAP_INITBIND 1\n` +
        `LDAP_BINDDN ${server.adminDn}\nLDAP_BINDPW ${server.adminPassword}\nLDAP_MAIL mail\nLDAP_UID uidNumber\n` +
        `LDAP_GID gidNumber\nLDAP_HOMEDIR homeDirectory\nLDAP_CRYPTPW userPassword\n${how}##NAME: MARKER:0\n`,
    );
    return { cleanUp: server.cleanUp };
  };
}

/** The system's own accounts, as the daemon sees them. */
async function system(folder: string, accounts: number): Promise<PreparedModule> {
  const [passwd, shadow, pam] = ['passwd', 'shadow', 'pam'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(
    passwd,
    `root:x:0:0::/root:/bin/sh\n${each(accounts, (i) => `user${i}:x:1000:1000::/h:/bin/sh\n`).join('')}`,
  );
  writeFileSync(shadow, each(accounts, (i) => `user${i}:${des}:20000:0:99999:7:::\n`).join(''), {
    mode: 0o600,
  });
  writeFileSync(pam, 'auth required pam_unix.so\naccount required pam_unix.so\n');
  return {
    mounts: [
      [passwd, '/etc/passwd'],
      [shadow, '/etc/shadow'],
      // Without a file of the service's name PAM takes this one.
      [pam, '/etc/pam.d/other'],
    ],
  };
}

/** The same with the hashes in passwd. */
async function passwdOnly(folder: string, accounts: number): Promise<PreparedModule> {
  const passwd = join(folder, 'passwd');
  writeFileSync(passwd, each(accounts, (i) => `user${i}:${des}:1000:1000::/h:/bin/sh\n`).join(''));
  return { mounts: [[passwd, '/etc/passwd']] };
}

async function pipe(folder: string): Promise<PreparedModule> {
  writeFileSync(
    join(folder, 'authProg'),
    `#!/usr/bin/perl
$| = 1;
while (<STDIN>) {
  if (/^AUTH (\\d+)/) {
    read STDIN, my $data, $1;
    my (undef, undef, $id, $password) = split /\\n/, $data;
    print $password eq 'secret' ? "UID=1000\\nGID=1000\\nHOME=/h\\nADDRESS=$id\\n.\\n" : "FAIL\\n";
  } else { print "FAIL\\n"; }
}
`,
    { mode: 0o755 },
  );
  return {};
}

async function custom(folder: string): Promise<PreparedModule> {
  writeFileSync(
    join(folder, 'authcustom.js'),
    `export const createModule = ({ passwords }) => ({
  async login({ userId, password }) {
    if (!(await passwords.verify('${sha256}', password))) return undefined;
    return { address: userId, uid: 1000, gid: 1000, home: '/h', clearPassword: password };
  },
  async lookup() { return undefined; },
});
`,
    { mode: 0o600 },
  );
  return {};
}

/** @param haste  divides the number of accounts */
export function measuredModules(haste: number): MeasuredModule[] {
  const many = 1_000_000 / haste;
  return [
    {
      name: 'authuserdb, text',
      module: 'authuserdb',
      accounts: many,
      prepare: async (folder, accounts) => {
        writeUserdb(folder, accounts);
        return {};
      },
    },
    {
      name: 'authuserdb, index',
      module: 'authuserdb',
      accounts: many,
      prepare: async (folder, accounts) => {
        const path = writeUserdb(folder, accounts);
        await makeUserdbIndex(path, `${path}.index`);
        return {};
      },
    },
    { name: 'authpwd', module: 'authpwd', accounts: 100, root: true, prepare: passwdOnly },
    { name: 'authshadow', module: 'authshadow', accounts: 100, root: true, prepare: system },
    { name: 'authpam, pam_unix', module: 'authpam', accounts: 100, root: true, prepare: system },
    { name: 'authmysql', module: 'authmysql', accounts: 10_000, prepare: mysql },
    { name: 'authpgsql', module: 'authpgsql', accounts: 10_000, prepare: pgsql },
    { name: 'authsqlite', module: 'authsqlite', accounts: 10_000, prepare: sqlite },
    { name: 'authldap', module: 'authldap', accounts: 1000, prepare: ldap(sha256, '') },
    {
      name: 'authldap, LDAP_AUTHBIND',
      module: 'authldap',
      accounts: 1000,
      prepare: ldap('{SSHA}+RFhsab2AfzZ0VfEdyknXtUT06RhYmNk', 'LDAP_AUTHBIND 1\n'),
    },
    { name: 'authpipe', module: 'authpipe', accounts: 10_000, prepare: pipe },
    { name: 'authcustom', module: 'authcustom', accounts: 10_000, prepare: custom },
  ];
}
