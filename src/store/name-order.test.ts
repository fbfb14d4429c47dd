import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseLength, compareNames } from './name-order.ts';

test('new messages are ordered as Courier does (verified order of maildir-store §4.5)', () => {
  const names = [
    'Zed',
    'aaa',
    'with space',
    '\xc3\xa9',
    '9.q',
    '10.q',
    '01700000000.m',
    '1700000000.a',
    '1700000000.a,S=3',
    '1700000000.ab',
    '1700000000.z',
  ];
  assert.deepEqual([...names].reverse().sort(compareNames), names);
});

test('only what stands before the first colon counts', () => {
  assert.equal(compareNames('1.a:2,S', '1.a:2,'), 0);
  assert.ok(compareNames('1.a:2,S', '1.a!:2,') < 0);
});

test('numbers far apart are compared whole', () => {
  assert.ok(compareNames('1.a', '4000000000.a') < 0);
});

for (const [name, length] of [
  ['1.a', 3],
  ['1.a:2,S', 3],
  ['a:b:2,', 3],
  [':2,', 0],
] as const)
  test(`the base name of "${name}" has ${length} octets`, () => assert.equal(baseLength(name), length));
