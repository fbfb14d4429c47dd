import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { contractAccounts, describeModule, moduleContext } from '../../../test/support/auth-contract.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { type LdapServer, ldapBase, startSlapd } from '../../../test/support/slapd.ts';
import { AuthError } from '../auth-error.ts';
import { createLdapModule } from './ldap.ts';
import { escapeFilter } from './ldap-settings.ts';

/** The contract's accounts; with AUTHBIND the directory itself has to know the scheme of the hash. */
function accountsLdif(hash: string): string {
  const entries = Object.values(contractAccounts).map((account) => {
    const field = (name: string, attribute: string) => {
      const value = (account as unknown as Record<string, string>)[name];
      return value === undefined ? '' : `${attribute}: ${value}\n`;
    };
    const cn = field('name', 'cn') || `cn: ${account.id}\n`;
    return (
      `dn: mail=${account.id},${ldapBase}\nobjectClass: person\nobjectClass: mailAccount\n${cn}sn: x\n` +
      `mail: ${account.id}\nuidNumber: ${account.uid}\ngidNumber: ${account.gid}\nhomeDirectory: ${account.home}\n` +
      `${field('maildir', 'mailbox')}${field('quota', 'quota')}${field('clear', 'clearPassword')}` +
      ('hash' in account ? `userPassword: ${hash}\nnoImap: 0\n` : '')
    );
  });
  const base = `dn: ${ldapBase}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n`;
  return [base, ...entries].join('\n');
}

const common = (server: LdapServer) =>
  `LDAP_BASEDN ${ldapBase}\nLDAP_PROTOCOL_VERSION 3\nLDAP_TIMEOUT 5\nLDAP_INITBIND 1\nLDAP_BINDDN ${server.adminDn}\n` +
  `LDAP_BINDPW ${server.adminPassword}\nLDAP_MAIL mail\nLDAP_UID uidNumber\nLDAP_GID gidNumber\n` +
  'LDAP_HOMEDIR homeDirectory\nLDAP_MAILDIR mailbox\nLDAP_MAILDIRQUOTA quota\nLDAP_FULLNAME cn\n' +
  'LDAP_AUXOPTIONS noImap=disableimap\n';

const marker = '##NAME: MARKER:0\n';

interface Variant {
  readonly name: string;
  readonly hash: string;
  rc(server: LdapServer): string;
}

const ssha = '{SSHA}+RFhsab2AfzZ0VfEdyknXtUT06RhYmNk';
const passwords = 'LDAP_CRYPTPW userPassword\nLDAP_CLEARPW clearPassword\n';
const variants: Variant[] = [
  {
    name: 'authldap, own comparison',
    hash: contractAccounts.hashed.hash,
    rc: (server) => `LDAP_URI ${server.uri}\nLDAP_FILTER (objectClass=person)\n${passwords}`,
  },
  {
    name: 'authldap, AUTHBIND over StartTLS',
    hash: ssha,
    rc: (server) => `LDAP_URI ${server.uri}\nLDAP_TLS 1\nLDAP_AUTHBIND 1\n${passwords}`,
  },
  {
    name: 'authldap over ldaps, after a URI that does not answer',
    hash: contractAccounts.hashed.hash,
    rc: (server) => `LDAP_URI ldap://127.0.0.1:1, ${server.tlsUri}\n${passwords}`,
  },
];

for (const { name, hash, rc } of variants) {
  const authBind = rc({ uri: '' } as LdapServer).includes('AUTHBIND');
  // With AUTHBIND the account that has only a clear attribute cannot log in.
  describeModule(
    name,
    { clear: !authBind, enumerate: true, changePassword: true, outage: true },
    async () => {
      const server = await startSlapd();
      server.add(accountsLdif(hash));
      const folder = privateFolder('authldaprc');
      const path = join(folder, 'authldaprc');
      writeFileSync(path, rc(server) + common(server) + marker, { mode: 0o600 });
      const environment = new Map([['TLS_CACERT', server.ca]]);
      return {
        module: createLdapModule(path, environment, moduleContext()),
        stop: server.stop,
        start: server.start,
        async cleanUp() {
          removeFolder(folder);
          await server.cleanUp();
        },
      };
    },
  );
}

describe('authldap settings', { timeout: 30_000 }, () => {
  let server: LdapServer;
  let folder: string;
  before(async () => {
    server = await startSlapd();
    server.add(
      `${accountsLdif(ssha)}\ndn: cn=alias,${ldapBase}\nobjectClass: person\nobjectClass: mailAccount\ncn: alias\n` +
        'sn: sales*\nhandle: fred@example.com\n',
    );
    folder = privateFolder('authldaprc');
  });
  after(async () => {
    removeFolder(folder);
    await server.cleanUp();
  });

  async function withModule<Result>(
    rc: string,
    work: (module: ReturnType<typeof createLdapModule>) => Promise<Result>,
    environment = new Map<string, string>(),
  ): Promise<Result> {
    const path = join(folder, 'authldaprc');
    writeFileSync(path, `LDAP_URI ${server.uri}\n${rc}${common(server)}${passwords}${marker}`, {
      mode: 0o600,
    });
    const module = createLdapModule(path, environment, moduleContext());
    try {
      return await work(module);
    } finally {
      await module.close();
    }
  }

  test('LDAP_DOMAIN completes an id, ADDRESS stays as typed', async () => {
    const account = await withModule('LDAP_DOMAIN example.com\n', (module) => module.lookup('fred', 'imap'));
    assert.equal(account?.uid, 1000);
    assert.equal(account?.address, 'fred');
  });

  test('LDAP_GLOB_UID and LDAP_GLOB_GID count where the entry has none', async () => {
    const rc = 'LDAP_UID none\nLDAP_GID none\nLDAP_GLOB_UID nobody\nLDAP_GLOB_GID 4711\n';
    const account = await withModule(rc, (module) => module.lookup('fred@example.com', 'imap'));
    assert.equal(account?.gid, 4711);
    assert.ok(account.uid! > 1000);
  });

  test('LDAP_EMAILMAP looks up in two steps, with escaped values', async () => {
    const rc = `LDAP_EMAILMAP (&(sn=@user@)(cn=@realm@))\nLDAP_EMAILMAP_BASEDN ${ldapBase}\n`;
    await withModule(rc, async (module) => {
      assert.equal((await module.lookup('sales*@alias', 'imap'))?.home, '/home/fred');
      assert.equal(await module.lookup('sale*@alias', 'imap'), undefined);
      assert.equal(await module.lookup('x)(sn=*@alias', 'imap'), undefined);
    });
  });

  test('LDAP_MAILROOT goes before relative home directories only', async () => {
    const account = await withModule('LDAP_MAILROOT /mail\n', (module) =>
      module.lookup('fred@example.com', 'imap'),
    );
    assert.equal(account?.home, '/home/fred');
    const rc = 'LDAP_MAILROOT /mail\nLDAP_HOMEDIR mailbox\n';
    const other = await withModule(rc, (module) => module.lookup('fred@example.com', 'imap'));
    assert.equal(other?.home, '/mail/Maildir');
  });

  test('a certificate of an unknown authority is refused, and nothing is sent in clear', async () => {
    await withModule('LDAP_TLS 1\n', (module) =>
      assert.rejects(
        module.login({ service: 'imap', userId: 'fred@example.com', password: 'secret' }),
        (error: unknown) => error instanceof AuthError && error.kind === 'temporary',
      ),
    );
  });

  test('an rc file without marker is temporary until it is complete', async () => {
    const path = join(folder, 'unfinished');
    writeFileSync(path, `LDAP_URI ${server.uri}\n${common(server)}${passwords}`, { mode: 0o600 });
    const module = createLdapModule(path, new Map(), moduleContext());
    await assert.rejects(module.lookup('fred@example.com', 'imap'), AuthError);
    writeFileSync(path, `LDAP_URI ${server.uri}\n${common(server)}${passwords}${marker}`, { mode: 0o600 });
    assert.equal((await module.lookup('fred@example.com', 'imap'))?.uid, 1000);
    await module.close();
  });
});

test('a directory that refuses anonymous binds, and LDAP_BINDDN until it has its password', async (t) => {
  const server = await startSlapd('disallow bind_anon\n');
  const folder = privateFolder('authldaprc');
  t.after(async () => {
    removeFolder(folder);
    await server.cleanUp();
  });
  const dn = `cn=reader,${ldapBase}`;
  server.add(`${accountsLdif(ssha)}\ndn: ${dn}\nobjectClass: person\ncn: reader\nsn: x\nuserPassword: old\n`);
  const rc = common(server).replace(server.adminDn, dn).replace(server.adminPassword, 'new');
  const path = join(folder, 'rc');
  writeFileSync(path, `LDAP_URI ${server.uri}\nLDAP_AUTHBIND 1\n${rc}${passwords}${marker}`, { mode: 0o600 });
  const module = createLdapModule(path, new Map(), moduleContext());
  const login = () => module.login({ service: 'imap', userId: 'fred@example.com', password: 'secret' });
  await assert.rejects(login(), AuthError);
  server.modify(`dn: ${dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: new\n`);
  assert.equal((await login())?.uid, 1000);
  assert.equal((await module.lookup('fred@example.com', 'imap'))?.uid, 1000);
  await module.close();
});

test('LDAPTLS_CACERTDIR is a directory of authorities', async (t) => {
  const server = await startSlapd();
  t.after(() => server.cleanUp());
  server.add(accountsLdif(ssha));
  const authorities = privateFolder('authorities');
  t.after(() => removeFolder(authorities));
  copyFileSync(server.ca, join(authorities, '0123abcd.0'));
  const path = join(authorities, 'rc');
  writeFileSync(path, `LDAP_URI ${server.tlsUri}\n${common(server)}${passwords}${marker}`, { mode: 0o600 });
  const module = createLdapModule(path, new Map([['TLS_CACERTDIR', authorities]]), moduleContext());
  assert.equal((await module.lookup('fred@example.com', 'imap'))?.uid, 1000);
  await module.close();
});

test('a directory that does not answer is given up after LDAP_TIMEOUT, and asked again', async (t) => {
  const server = await startSlapd();
  const folder = privateFolder('authldaprc');
  t.after(async () => {
    server.signal('SIGCONT');
    removeFolder(folder);
    await server.cleanUp();
  });
  server.add(accountsLdif(ssha));
  const path = join(folder, 'rc');
  const rc = common(server).replace('LDAP_TIMEOUT 5', 'LDAP_TIMEOUT 1');
  writeFileSync(path, `LDAP_URI ${server.uri}\n${rc}${passwords}${marker}`, { mode: 0o600 });
  const module = createLdapModule(path, new Map(), moduleContext());
  const lookup = () => module.lookup('fred@example.com', 'imap');
  assert.equal((await lookup())?.uid, 1000);
  server.signal('SIGSTOP');
  const begun = performance.now();
  await assert.rejects(Promise.all(Array.from({ length: 20 }, lookup)), AuthError);
  // Twice at most: a connection may have been stale.
  assert.ok(performance.now() - begun < 4000);
  const again = performance.now();
  await assert.rejects(lookup(), AuthError);
  assert.ok(performance.now() - again < 50);
  server.signal('SIGCONT');
  const found = async (): Promise<number | undefined> => {
    try {
      return (await lookup())?.uid;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return found();
    }
  };
  assert.equal(await found(), 1000);
  await module.close();
});

test('filter values are escaped as RFC 4515 wants', () =>
  assert.equal(escapeFilter('a*(b)\\c\0'), 'a\\2a\\28b\\29\\5cc\\00'));
