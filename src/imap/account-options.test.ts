import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryConnection } from '../../test/support/memory-connection.ts';
import { parseOptions } from '../auth/account-record.ts';
import { checkAllowed } from './account-options.ts';

const refused = (options: string, secure: boolean): boolean => {
  const connection = new MemoryConnection(() => {});
  connection.secure = secure;
  try {
    checkAllowed({ address: 'a', gid: 1, home: '/', options: parseOptions(options) }, connection);
    return false;
  } catch {
    return true;
  }
};

for (const [options, isRefused] of [
  ['', false],
  ['disableimap=1', true],
  ['disableimap', true],
  ['disableimap=', true],
  ['disableimap=-1', true],
  ['disableimap=yes', true],
  ['disableimap=0', false],
  ['disableimap=no', false],
  ['disableimap=1,disableimap=0', true],
  ['disableimap=0,disableimap=1', false],
] as const)
  test(`the options "${options}" ${isRefused ? 'refuse' : 'allow'} IMAP`, () => {
    assert.equal(refused(options, true), isRefused);
  });

test('disableinsecureimap counts in clear only, also as a bare word', () => {
  assert.equal(refused('disableinsecureimap', false), true);
  assert.equal(refused('disableinsecureimap', true), false);
});
