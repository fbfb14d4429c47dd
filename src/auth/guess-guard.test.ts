import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../base/log.ts';
import { createGuessGuard, type GuessSettings } from './guess-guard.ts';

function guard(settings: Partial<GuessSettings> = {}) {
  const clock = { now: 0 };
  const lines: string[] = [];
  const push = (line: string) => void lines.push(line);
  const log: Log = { error: push, warn: push, info: push, debug: push };
  const all = {
    freeFailures: 2,
    maxDelayMs: 4000,
    lockAddressAfter: 8,
    lockAccountAfter: 6,
    windowMs: 60_000,
    exempt: ['10.0.0.0/8'],
  };
  const made = createGuessGuard({ ...all, ...settings }, log, () => clock.now);
  const fail = (ip: string | undefined, user: string, times: number) => {
    for (let i = 0; i < times; i++) made.failed(ip, user);
  };
  return { ...made, fail, clock, lines };
}

test('the first failures are free, then the delay doubles up to its limit', () => {
  const { admit, failed } = guard({ lockAccountAfter: 0 });
  const delays = Array.from({ length: 7 }, () => {
    const delay = admit('192.0.2.1', 'fred');
    failed('192.0.2.1', 'fred');
    return delay;
  });
  assert.deepEqual(delays, [0, 0, 1000, 2000, 4000, 4000, 4000]);
});

test('an address is locked out whichever accounts it tries, until the window has passed', () => {
  const { admit, failed, clock, lines } = guard();
  for (let i = 0; i < 8; i++) failed('192.0.2.1', `user${i}`);
  assert.equal(admit('192.0.2.1', 'fred'), 'locked');
  assert.equal(admit('::ffff:192.0.2.1', 'fred'), 'locked');
  assert.equal(admit('192.0.2.2', 'fred'), 0);
  assert.deepEqual(lines, ['ip=[192.0.2.1] locked out after 8 failed logins']);
  clock.now = 60_001;
  assert.equal(admit('192.0.2.1', 'fred'), 0);
});

test('IPv6 addresses of one /64 are one', () => {
  const { admit, fail } = guard();
  fail('2001:db8::1', 'a', 4);
  fail('2001:DB8:0:0:ffff::2', 'b', 4);
  assert.equal(admit('2001:db8:0:0:1:2:3:4', 'fred'), 'locked');
  assert.equal(admit('2001:db8:0:1::1', 'fred'), 0);
});

test('an account is locked out for unknown addresses, not for one it logged in from', () => {
  const { admit, failed, succeeded } = guard();
  succeeded('192.0.2.9', 'fred');
  for (let i = 0; i < 6; i++) failed(`198.51.100.${i}`, 'fred');
  assert.equal(admit('198.51.100.77', 'fred'), 'locked');
  assert.equal(admit('192.0.2.9', 'fred'), 0);
  assert.equal(admit('198.51.100.77', 'other'), 0);
});

test('a success does not forgive the failures of an address', () => {
  const { admit, fail, succeeded } = guard();
  fail('192.0.2.1', 'fred', 7);
  succeeded('192.0.2.1', 'mine');
  fail('192.0.2.1', 'clara', 1);
  assert.equal(admit('192.0.2.1', 'mine'), 'locked');
});

test('exempt addresses neither wait nor count', () => {
  const { admit, fail } = guard();
  fail('10.1.2.3', 'fred', 100);
  assert.equal(admit('10.1.2.3', 'fred'), 0);
  assert.equal(admit('192.0.2.1', 'fred'), 0);
});

test('without an address only the account counts', () => {
  const { admit, fail } = guard();
  fail(undefined, 'fred', 6);
  assert.equal(admit(undefined, 'fred'), 'locked');
  assert.equal(admit(undefined, 'clara'), 0);
});

test('what is not an address in the exemption list is said', () => {
  assert.deepEqual(guard({ exempt: ['example.com'] }).lines, ['not an address or network: example.com']);
});

test('where no failure is free, an attempt without one is', () => {
  const { admit, failed } = guard({ freeFailures: 0 });
  assert.equal(admit('192.0.2.1', 'fred'), 0);
  failed('192.0.2.1', 'fred');
  assert.ok(Number(admit('192.0.2.1', 'fred')) > 0);
});

test('other spellings of an id are the same account', () => {
  const { admit, fail } = guard({ lockAddressAfter: 0 });
  for (const spelling of ['fred', 'FRED', 'Fred', 'fred ', ' fReD', 'freD  ']) fail('192.0.2.1', spelling, 1);
  assert.equal(admit('192.0.2.2', 'fred'), 'locked');
});
