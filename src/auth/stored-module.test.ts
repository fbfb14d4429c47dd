import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { storedModule } from './stored-module.ts';

test('an unknown id is checked against the hash that the last known one had', async () => {
  const checked: string[] = [];
  const verify = (stored: string, password: string) => {
    checked.push(stored);
    return password === 'right';
  };
  const context = { passwords: { verify, hash: () => '' }, log: silentLog, trace: () => {} };
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
  const context = { passwords: { verify: () => false, hash: () => '' }, log: silentLog, trace: () => {} };
  const account = { address: 'fred', uid: 1, gid: 1, home: '/h' };
  const find = () => ({ account, crypt: '$6$x', clear: 'clear' });
  for (const clearDecides of [false, true]) {
    const module = storedModule({ name: 'test', clearDecides, find, close: async () => {} }, context);
    const accepted = await module.login({ service: 'imap', userId: 'fred', password: 'clear' });
    assert.equal(accepted !== undefined, clearDecides);
  }
});
