import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, tolerance } from '../bench/guard.ts';

const baseline = { A: 1, B: 2 };

test('the guard lets pass what is within the tolerance, and better', () => {
  const units = new Map([
    ['A', 1 + tolerance],
    ['B', 0.5],
  ]);
  assert.deepEqual(compare(units, baseline).worse, []);
});

test('the guard names what is worse, missing or new', () => {
  const { worse, text } = compare(
    new Map([
      ['A', 1.4],
      ['C', 1],
    ]),
    baseline,
  );
  assert.deepEqual(worse, ['A', 'B', 'C']);
  assert.match(text, /^A +1\.40 +1\.40 units, baseline 1\.00 +worse$/m);
});
