import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moduleContext } from '../../test/support/auth-contract.ts';
import { silentLog } from '../base/log.ts';
import { storedModule } from './stored-module.ts';

test('an unknown id is checked against a hash that a known one has', async () => {
  const checked: string[] = [];
  const verify = (stored: string, password: string) => {
    checked.push(stored);
    return password === 'right';
  };
  const context = {
    passwords: { verify, hash: () => '' },
    log: silentLog,
    trace: () => {},
    detail: () => {},
  };
  const account = { address: 'fred', uid: 1, gid: 1, home: '/h' };
  const find = (userId: string) => (userId === 'fred' ? { account, crypt: '$2b$12$known' } : undefined);
  const module = storedModule({ name: 'test', find, close: async () => {} }, context);
  const login = (userId: string, password: string) => module.login({ service: 'imap', userId, password });
  assert.equal(await login('nobody', 'right'), undefined);
  assert.match(checked[0]!, /^\$6\$/);
  assert.equal(await login('fred', 'wrong'), undefined);
  assert.equal(await login('nobody', 'right'), undefined);
  assert.deepEqual(checked.slice(1), ['$2b$12$known', '$2b$12$known']);
  assert.equal((await login('fred', 'right'))?.uid, 1);
});

test('a crypt password decides alone, except where clear ones do', async () => {
  const context = {
    passwords: { verify: () => false, hash: () => '' },
    log: silentLog,
    trace: () => {},
    detail: () => {},
  };
  const account = { address: 'fred', uid: 1, gid: 1, home: '/h' };
  const find = () => ({ account, crypt: '$6$x', clear: 'clear' });
  for (const clearDecides of [false, true]) {
    const module = storedModule({ name: 'test', clearDecides, find, close: async () => {} }, context);
    const accepted = await module.login({ service: 'imap', userId: 'fred', password: 'clear' });
    assert.equal(accepted !== undefined, clearDecides);
  }
});

test('an unknown id, and one without a password, cost the time of a wrong password', async () => {
  const context = moduleContext();
  const crypt = await context.passwords.hash('secret', '$6$rounds=40000$salt$');
  const account = { address: 'fred', uid: 1, gid: 1, home: '/h' };
  const find = (userId: string) => ({ fred: { account, crypt }, none: { account } })[userId];
  const module = storedModule({ name: 'test', find, close: async () => {} }, context);
  const times = { fred: [] as number[], nobody: [] as number[], none: [] as number[] };
  for (let i = 0; i < 11; i++) {
    for (const userId of ['fred', 'nobody', 'none'] as const) {
      const begun = performance.now();
      assert.equal(await module.login({ service: 'imap', userId, password: 'wrong' }), undefined);
      times[userId].push(performance.now() - begun);
    }
  }
  const median = (all: number[]) => all.sort((a, b) => a - b)[5]!;
  for (const userId of ['nobody', 'none'] as const) {
    const ratio = median(times[userId]) / median(times.fred);
    assert.ok(ratio > 0.5 && ratio < 2, `${userId}: ${ratio}`);
  }
});

test('what unknown ids are checked against follows the mixture of known ones, the same for each id', async () => {
  const checked: string[] = [];
  const verify = (stored: string) => {
    checked.push(stored);
    return false;
  };
  const context = {
    passwords: { verify, hash: () => '' },
    log: silentLog,
    trace: () => {},
    detail: () => {},
  };
  const account = { address: 'x', uid: 1, gid: 1, home: '/h' };
  const find = (userId: string) => (/^[ab]/.test(userId) ? { account, crypt: `$${userId[0]}$` } : undefined);
  const module = storedModule({ name: 'test', find, close: async () => {} }, context);
  const against = async (userId: string) => {
    await module.login({ service: 'imap', userId, password: 'x' });
    return checked.at(-1)!;
  };
  for (let i = 0; i < 32; i++) await against(`a${i}`);
  for (let i = 0; i < 32; i++) await against(`b${i}`);
  const unknown = Array.from({ length: 100 }, (_, i) => `u${i}`);
  const [first, second] = [new Map<string, string>(), new Map<string, string>()];
  for (const id of unknown) first.set(id, await against(id));
  for (const id of unknown) second.set(id, await against(id));
  assert.deepEqual(second, first);
  assert.deepEqual(new Set(first.values()), new Set(['$a$', '$b$']));
});
