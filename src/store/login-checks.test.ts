import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryAccount } from '../../test/support/temporary-account.ts';
import { checkLogin, type LoginChecks } from './login-checks.ts';

const self = { uid: process.getuid!(), gid: process.getgid!() };

function checksOf(maildir: string): LoginChecks {
  return { home: dirname(maildir), maildir, owner: self, clock: true };
}

test('an account in order passes and nothing is left behind', (t) => {
  const a = temporaryAccount(t);
  checkLogin(checksOf(a.maildir), a.account.settings);
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
});

test('the sticky bit on the home directory closes the account', (t) => {
  const a = temporaryAccount(t);
  chmodSync(dirname(a.maildir), 0o1700);
  assert.throws(
    () => checkLogin(checksOf(a.maildir), a.account.settings),
    /temporarily unavailable \(\+t bit/,
  );
});

test('a maildir of somebody else is refused if that matters', (t) => {
  const a = temporaryAccount(t);
  for (const owner of [
    { ...self, uid: self.uid + 1 },
    { ...self, gid: self.gid + 1 },
  ])
    assert.throws(() => checkLogin({ ...checksOf(a.maildir), owner }, a.account.settings), /not owned/);
  checkLogin({ ...checksOf(a.maildir), owner: undefined }, a.account.settings);
});

test('a maildir that is not there is unavailable', (t) => {
  const a = temporaryAccount(t);
  assert.throws(() => checkLogin(checksOf(`${a.maildir}/none`), a.account.settings), { kind: 'unavailable' });
});

test('a file server whose clock is wrong is not used', (t) => {
  const a = temporaryAccount(t);
  // So much later that what is known of this file system's clock counts no more.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
  try {
    assert.throws(() => checkLogin(checksOf(a.maildir), a.account.settings), /Clock skew/);
  } finally {
    t.mock.timers.reset();
  }
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
});
