import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeDefaultOptions, parseOptions } from '../auth/account-record.ts';
import { forbiddenByOptions } from './account-options.ts';

const forbidden = (options: string, service: 'imap' | 'pop3', secure: boolean) =>
  forbiddenByOptions({ address: 'a', gid: 1, home: '/', options: parseOptions(options) }, service, secure);

const never = { imap: 'disableimap', pop3: 'disablepop3' } as const;
const clear = { imap: 'disableinsecureimap', pop3: 'disableinsecurepop3' } as const;

for (const [value, isSet] of [
  ['=1', true],
  ['', true],
  ['=', true],
  ['=2', true],
  ['=-1', true],
  ['=1x', true],
  ['=yes', true],
  ['=True', true],
  ['=0', false],
  ['=no', false],
  ['=on', false],
  ['=1,X=0', true],
  ['=0,X=1', false],
] as const)
  test(`the value "${value}" of an option ${isSet ? 'forbids' : 'allows'} a protocol`, () => {
    for (const service of ['imap', 'pop3'] as const) {
      const options = `group=g,${never[service]}${value}`.replace('X', never[service]);
      assert.equal(forbidden(options, service, true) !== undefined, isSet);
    }
  });

for (const [options, service, secure, reason] of [
  ['disableimap=1', 'imap', true, 'IMAP access disabled for this account.'],
  ['disableimap=1', 'pop3', true, undefined],
  ['disablepop3=1', 'pop3', true, 'POP3 access disabled for this account.'],
  ['disablepop3=1', 'imap', true, undefined],
  [clear.imap, 'imap', false, 'IMAP access disabled via insecure connection.'],
  [clear.imap, 'imap', true, undefined],
  [clear.imap, 'pop3', false, undefined],
  [clear.pop3, 'pop3', false, 'POP3 access disabled via insecure connection.'],
  [clear.pop3, 'pop3', true, undefined],
  ['disableinsecureimap,disableimap', 'imap', false, 'IMAP access disabled for this account.'],
  ['a=1, disableimap=1', 'imap', true, undefined],
  ['DisableIMAP=1', 'imap', true, undefined],
  ['disablewebmail,disableshared,role=x', 'imap', false, undefined],
] as const)
  test(`"${options}" over ${service} ${secure ? 'with' : 'without'} TLS: ${reason ?? 'allowed'}`, () => {
    assert.equal(forbidden(options, service, secure)?.reason, reason);
  });

for (const [own, effective] of [
  [undefined, 'disablepop3=1,group=g1,group=g2,sharedgroup=sg'],
  ['disablepop3=0', 'disablepop3=0,group=g1,sharedgroup=sg'],
  ['disablepop3=0,group=mine', 'disablepop3=0,group=mine,sharedgroup=sg'],
] as const)
  test(`DEFAULTOPTIONS beside the own options "${own ?? ''}"`, () => {
    assert.equal(mergeDefaultOptions(own, 'disablepop3=1,group=g1,group=g2,sharedgroup=sg'), effective);
  });
