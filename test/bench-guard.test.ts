import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, toleranceAt } from '../bench/guard.ts';

const baseline = { A: 1, B: 2 };
const tolerance = toleranceAt(0.5);

test('the guard lets pass what is within the tolerance, and better', () => {
  const units = new Map([
    ['A', 1 + tolerance],
    ['B', 0.5],
  ]);
  assert.deepEqual(compare(units, baseline, tolerance).worse, []);
});

test('the guard names what is worse, missing or new', () => {
  const { worse, text } = compare(
    new Map([
      ['A', 1.4],
      ['C', 1],
    ]),
    baseline,
    tolerance,
  );
  assert.deepEqual(worse, ['A', 'B', 'C']);
  assert.match(text, /^A +1\.40 +1\.40 units, baseline 1\.00 +worse$/m);
});

test('the tolerance grows with the load of the machine, to a limit', () => {
  assert.deepEqual([0, 1, 2, 100].map(toleranceAt), [0.3, 0.3, 0.6, 1.2]);
});
