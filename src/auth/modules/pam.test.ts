import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { moduleContext } from '../../../test/support/auth-contract.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { AuthError } from '../auth-error.ts';
import type { AuthModule } from './module.ts';
import { createPamModule } from './pam.ts';
import { createPwdModule, createShadowModule, hasExpired } from './passwd.ts';

const user = userInfo().username;
const login = (module: AuthModule, userId: string, password: string, service = 'imap') =>
  module.login({ service, userId, password, remoteIp: '192.0.2.7' });

describe('authpam through libpam', { timeout: 30_000 }, () => {
  let folder: string;
  let module: AuthModule;
  before(() => {
    folder = privateFolder('pam');
    const check = join(folder, 'check');
    // pam_exec gives the password on standard input, ended by NUL, and the rest in the environment.
    writeFileSync(
      check,
      '#!/bin/sh\np=$(tr -d "\\000")\n[ "$p" = "s e$cret" ] && [ "$PAM_RHOST" = 192.0.2.7 ] && [ "$PAM_SERVICE" = imap ]\n'.replace(
        's e$cret',
        's ecret',
      ),
      { mode: 0o755 },
    );
    const service = (name: string, ...lines: string[]) =>
      writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
    service(
      'imap',
      `auth required pam_exec.so expose_authtok quiet ${check}`,
      'account required pam_permit.so',
    );
    service('pop3', 'auth required pam_permit.so', 'account required pam_deny.so');
    service('other', 'auth required pam_deny.so', 'account required pam_deny.so');
    service('broken', 'auth required pam_no_such_module.so', 'account required pam_permit.so');
    module = createPamModule({ concurrency: 4, serviceDirectory: folder }, moduleContext());
  });
  after(async () => {
    await module.close();
    removeFolder(folder);
  });

  test('the right password gives the system account', async () => {
    const account = await login(module, user, 's ecret');
    const { username, uid, home } = userInfo() as { username: string; uid: number } & { home?: string };
    assert.equal(account?.username, username);
    assert.equal(account?.address, username);
    assert.equal(account?.uid, uid);
    assert.equal(account?.home, userInfo().homedir ?? home);
    assert.equal(account?.clearPassword, 's ecret');
  });
  test('a wrong password is rejected', async () =>
    assert.equal(await login(module, user, 'secret'), undefined));
  test('an unknown user is rejected, whatever PAM says', async () =>
    assert.equal(await login(module, 'no-such-user-here', 's ecret'), undefined));
  test('account management counts', async () =>
    assert.equal(await login(module, user, 'x', 'pop3'), undefined));
  test("a service without a file has PAM's other", async () =>
    assert.equal(await login(module, user, 'x', 'smtp'), undefined));
  test('a service name is no path', async () =>
    assert.equal(await login(module, user, 's ecret', '../imap'), undefined));
  test('CRAM is rejected', async () =>
    assert.equal(await module.cram({} as Parameters<AuthModule['cram']>[0]), undefined));
  test('twenty at once do not mix', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => login(module, user, i % 2 === 0 ? 's ecret' : 'wrong')),
    );
    results.forEach((result, i) => {
      assert.equal(result !== undefined, i % 2 === 0);
    });
  });
});

describe('authpam, authpwd and authshadow with the system itself', { timeout: 60_000 }, () => {
  const name = `prtest${process.pid}`;
  const isRoot = process.geteuid!() === 0;
  before(() => {
    // Only root can make an account; anybody else tests with what there is.
    if (!isRoot) return;
    execFileSync('useradd', ['-M', '-N', '-d', '/home/prtest', '-s', '/bin/sh', '-c', 'Test, Account', name]);
    execFileSync('chpasswd', [], { input: `${name}:first pass\n` });
  });
  after(() => {
    if (isRoot) execFileSync('userdel', [name], { stdio: 'ignore' });
  });

  const modules = [
    ['authpam', () => createPamModule({ concurrency: 2 }, moduleContext())],
    ['authshadow', () => createShadowModule(moduleContext())],
  ] as const;
  for (const [kind, create] of modules) {
    test(`${kind} verifies and changes a password of the system`, async () => {
      const module = create();
      const account = await module.lookup(isRoot ? name : user, 'login');
      if (!isRoot) return assert.equal(kind === 'authpam', account !== undefined);
      assert.equal(account?.fullName, 'Test');
      assert.equal(account.home, '/home/prtest');
      assert.equal(await login(module, name, 'wrong', 'login'), undefined);
      assert.ok(await login(module, name, 'first pass', 'login'));
      const change = (oldPassword: string, newPassword: string) =>
        module.changePassword!({ service: 'login', userId: name, oldPassword, newPassword });
      assert.equal(await change('wrong', 'Second-pass-7'), false);
      assert.equal(await change('first pass', 'Second-pass-7'), true);
      assert.ok(await login(module, name, 'Second-pass-7', 'login'));
      execFileSync('chpasswd', [], { input: `${name}:first pass\n` });
    });
  }

  test('authpwd finds an account without a hash, and rejects it', async () => {
    const module = createPwdModule(moduleContext());
    assert.equal((await module.lookup(user, 'imap'))?.username, user);
    assert.equal(await login(module, user, 'x'), undefined);
    assert.equal(await module.lookup('no-such-user-here', 'imap'), undefined);
  });

  test('the enumeration has users from uid 100, without root', async () => {
    const seen = await Array.fromAsync(createPwdModule(moduleContext()).enumerate!());
    assert.ok(seen.some(({ address }) => address === 'nobody'));
    assert.ok(seen.every(({ uid }) => uid >= 100));
  });
});

const day = 20_000;
const expiries: [string, Parameters<typeof hasExpired>[0], boolean][] = [
  ['no dates', { password: '', lastChange: undefined, maxDays: undefined, expires: undefined }, false],
  ['expires today', { password: '', lastChange: undefined, maxDays: undefined, expires: day }, false],
  ['expired yesterday', { password: '', lastChange: undefined, maxDays: undefined, expires: day - 1 }, true],
  [
    'password valid until today',
    { password: '', lastChange: day - 90, maxDays: 90, expires: undefined },
    false,
  ],
  ['password too old', { password: '', lastChange: day - 91, maxDays: 90, expires: undefined }, true],
];
for (const [name, entry, expected] of expiries) {
  test(`shadow: ${name}`, () => assert.equal(hasExpired(entry, day), expected));
}

test('a PAM service that cannot be loaded is no rejection of ours', async () => {
  const folder = privateFolder('pam');
  writeFileSync(
    join(folder, 'broken'),
    'auth required pam_no_such_module.so\naccount required pam_permit.so\n',
  );
  const module = createPamModule({ concurrency: 1, serviceDirectory: folder }, moduleContext());
  await assert.rejects(login(module, user, 'x', 'broken'), AuthError);
  removeFolder(folder);
});
