/** What every module of the authentication daemon does, whatever is behind it. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Account } from '../../src/auth/account-record.ts';
import { AuthError } from '../../src/auth/auth-error.ts';
import { readCram } from '../../src/auth/cram.ts';
import type { AuthModule, ModuleContext } from '../../src/auth/modules/module.ts';
import { createPasswords } from '../../src/auth/passwords.ts';
import { silentLog } from '../../src/base/log.ts';

/** The accounts that `setUp` has to provide; an account without a field has no such password. */
export const contractAccounts = {
  /** Password `secret`. */
  hashed: {
    id: 'fred@example.com',
    hash: '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=',
    uid: 1000,
    gid: 1001,
    home: '/home/fred',
    maildir: 'Maildir',
    quota: '1000S',
    name: 'Fred Feuerstein',
    options: 'disableimap=0',
  },
  /** A clear password. */
  clear: { id: 'clara@example.com', clear: 'geheim', uid: 1002, gid: 1002, home: '/home/clara' },
  /** No password at all. */
  none: { id: 'nemo@example.com', uid: 1003, gid: 1003, home: '/home/nemo' },
} as const;

export interface ContractSetUp {
  module: AuthModule;
  /** Ends the back end and starts it again, where it is a server. */
  stop?(): Promise<void>;
  start?(): Promise<void>;
  cleanUp(): Promise<void>;
}

export interface ContractFeatures {
  /** There are accounts with clear passwords (and CRAM works with them). */
  readonly clear: boolean;
  readonly enumerate: boolean;
  readonly changePassword: boolean;
  /** `stop` and `start` are given. */
  readonly outage: boolean;
}

/** What modules with a context of no other kind have said, at DEBUG_LOGIN 2. */
const traced: string[] = [];

export function moduleContext(trace = (line: string) => void traced.push(line)): ModuleContext {
  return { passwords: createPasswords(2), log: silentLog, trace, detail: trace };
}

/** Ids that try to be more than an id. */
export const hostileIds = [
  "' OR '1'='1",
  "fred@example.com' -- ",
  'fred@example.com"; DROP TABLE accounts; --',
  '*',
  'fred*',
  '*)(uid=*',
  'fred@example.com)(|(mail=*',
  'fred\\2a',
  '$(local_part)',
  "\\' OR 1=1 -- ",
  '%',
  '../../etc/passwd',
  'fred@example.com|x',
  'fr\xe9d@example.com',
];

export function describeModule(
  name: string,
  features: ContractFeatures,
  setUp: () => Promise<ContractSetUp>,
): void {
  describe(name, { timeout: 60_000 }, () => {
    let made: ContractSetUp;
    before(async () => {
      made = await setUp();
    });
    after(async () => {
      await made?.module.close();
      await made?.cleanUp();
    });
    const login = (userId: string, password: string) =>
      made.module.login({ service: 'imap', userId, password });
    const { hashed, clear, none } = contractAccounts;

    test('the right password gives the account', async () => {
      const account = await login(hashed.id, 'secret');
      assert.ok(account);
      const { address, uid, gid, home, maildir, quota, fullName, options, clearPassword } = account;
      assert.deepEqual({ address, uid, gid, home, maildir, quota, fullName, options, clearPassword }, {
        address: hashed.id,
        uid: hashed.uid,
        gid: hashed.gid,
        home: hashed.home,
        maildir: hashed.maildir,
        quota: hashed.quota,
        fullName: hashed.name,
        options: hashed.options,
        clearPassword: 'secret',
      } satisfies Partial<Account>);
    });

    for (const password of ['Secret', 'secre', 'secret ', hashed.hash]) {
      test(`the password "${password}" is rejected`, async () =>
        assert.equal(await login(hashed.id, password), undefined));
    }
    test('an unknown id is rejected', async () =>
      assert.equal(await login('nobody@example.com', 'secret'), undefined));
    test('an account without password is rejected', async () => {
      assert.equal(await login(none.id, 'secret'), undefined);
      assert.equal(await login(none.id, ''), undefined);
    });
    for (const id of hostileIds) {
      test(`the id ${JSON.stringify(id)} finds nobody`, async () => {
        assert.equal(await login(id, 'secret'), undefined);
        assert.equal(await made.module.lookup(id, 'imap'), undefined);
      });
    }

    test('a look-up gives the account without a password', async () => {
      const account = await made.module.lookup(hashed.id, 'imap');
      assert.equal(account?.home, hashed.home);
      assert.equal(account?.uid, hashed.uid);
      assert.equal(await made.module.lookup('nobody@example.com', 'imap'), undefined);
    });

    const cram = (userId: string, password: string) => {
      const challenge = Buffer.from('<1@host>').toString('base64');
      const digest = createHmac('md5', password).update('<1@host>').digest('hex');
      const response = Buffer.from(`${userId} ${digest}`).toString('base64');
      const read = readCram('cram-md5', challenge, response)!;
      return made.module.cram({ service: 'imap', authType: 'cram-md5', challenge, response, cram: read });
    };
    test('CRAM with the empty password is rejected for every account', async () => {
      for (const { id } of Object.values(contractAccounts)) assert.equal(await cram(id, ''), undefined);
    });
    test('CRAM for an unknown id is rejected', async () =>
      assert.equal(await cram('nobody@example.com', 'decoy'), undefined));

    if (features.clear) {
      test('a clear password logs in, also by CRAM', async () => {
        assert.equal((await login(clear.id, clear.clear))?.uid, clear.uid);
        assert.equal(await login(clear.id, 'Geheim'), undefined);
        assert.equal((await cram(clear.id, clear.clear))?.uid, clear.uid);
        assert.equal(await cram(clear.id, 'Geheim'), undefined);
      });
    }

    test('fifty logins at once', async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => login(hashed.id, i % 2 === 0 ? 'secret' : 'wrong')),
      );
      results.forEach((result, i) => {
        assert.equal(result !== undefined, i % 2 === 0, `login ${i}`);
      });
    });

    if (features.enumerate) {
      test('the enumeration has every account', async () => {
        const seen = await Array.fromAsync(made.module.enumerate!());
        const found = seen.find(({ address }) => address === hashed.id);
        assert.equal(found?.uid, hashed.uid);
        assert.equal(found?.home, hashed.home);
        assert.ok(seen.some(({ address }) => address === none.id));
      });
    }

    if (features.changePassword) {
      test('a password is changed by who knows the old one', async () => {
        const change = (oldPassword: string, newPassword: string) =>
          made.module.changePassword!({ service: 'imap', userId: hashed.id, oldPassword, newPassword });
        assert.equal(await change('wrong', 'new1'), false);
        assert.ok(await login(hashed.id, 'secret'));
        assert.equal(await change('secret', 'new1'), true);
        assert.equal(await login(hashed.id, 'secret'), undefined);
        const account = await login(hashed.id, 'new1');
        assert.ok(account);
        assert.equal(await change('new1', 'secret'), true);
      });
    }

    test('no password, right, wrong or stored, is in the trace', () => {
      const secrets = [
        'secret',
        'Secret',
        'secre',
        'wrong',
        'new1',
        'geheim',
        'Geheim',
        hashed.hash.slice(8),
      ];
      // Pipes and PAM say nothing of their own.
      for (const line of traced) assert.ok(!secrets.some((secret) => line.includes(secret)), line);
    });

    if (features.outage) {
      test('a restart of the back end between two logins is not noticed', async () => {
        await Promise.all(Array.from({ length: 20 }, () => login(hashed.id, 'secret')));
        await made.stop!();
        await made.start!();
        assert.ok(await login(hashed.id, 'secret'));
        const all = await Promise.all(Array.from({ length: 20 }, () => login(hashed.id, 'secret')));
        assert.ok(all.every((account) => account !== undefined));
      });
      test('an outage is temporary, and ends without a restart of ours', async () => {
        await made.stop!();
        const isTemporary = (error: unknown) => error instanceof AuthError && error.kind === 'temporary';
        await assert.rejects(login(hashed.id, 'secret'), isTemporary);
        await assert.rejects(made.module.lookup(hashed.id, 'imap'), isTemporary);
        await made.start!();
        const limit = Date.now() + 10_000;
        for (;;) {
          try {
            assert.ok(await login(hashed.id, 'secret'));
            return;
          } catch (error) {
            if (!isTemporary(error) || Date.now() > limit) throw error;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }
      });
    }
  });
}

/** SQL that makes the accounts in a table like Courier's. */
export function accountsSql(
  text: (value: string) => string = (value) => `'${value.replaceAll("'", "''")}'`,
): string {
  const rows = Object.values(contractAccounts).map((account) => {
    const { id, uid, gid, home } = account;
    const field = (name: string) => text(String((account as Record<string, unknown>)[name] ?? ''));
    return (
      `INSERT INTO accounts VALUES (${text(id)}, ${field('hash')}, ${field('clear')}, ${field('name')}, ${uid}, ` +
      `${gid}, ${text(home)}, ${field('maildir')}, '', ${field('quota')}, ${field('options')});`
    );
  });
  return (
    'CREATE TABLE accounts (id VARCHAR(128) PRIMARY KEY, crypt VARCHAR(255), clear VARCHAR(128), name VARCHAR(128), ' +
    'uid INT NOT NULL, gid INT NOT NULL, home VARCHAR(255), maildir VARCHAR(255), defaultdelivery VARCHAR(255), ' +
    `quota VARCHAR(64), options VARCHAR(255));\n${rows.join('\n')}\n`
  );
}

/** The part of an rc file that names that table's columns. */
export function accountsRc(prefix: string): string {
  const settings: [string, string][] = [
    ['USER_TABLE', 'accounts'],
    ['CRYPT_PWFIELD', 'crypt'],
    ['CLEAR_PWFIELD', 'clear'],
    ['NAME_FIELD', 'name'],
    ['MAILDIR_FIELD', 'maildir'],
    ['QUOTA_FIELD', 'quota'],
    ['AUXOPTIONS_FIELD', 'options'],
    ['DEFAULTDELIVERY', 'defaultdelivery'],
  ];
  return `${settings.map(([name, value]) => `${prefix}${name}\t${value}\n`).join('')}##NAME: MARKER:0\n`;
}
