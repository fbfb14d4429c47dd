import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pacedSort } from './paced-sort.ts';

let sinceMs = performance.now();
const pace = {
  due: () => performance.now() - sinceMs > 2,
  pause: () =>
    new Promise<void>((resolve) => {
      setImmediate(() => {
        sinceMs = performance.now();
        resolve();
      });
    }),
};

test('pacedSort sorts like Array.sort, stable', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 300 }), async (keys) => {
      const indexes = Int32Array.from(keys, (_, i) => i);
      const compare = (a: number, b: number) => keys[a]! - keys[b]!;
      const expected = [...indexes].sort(compare);
      assert.deepEqual([...(await pacedSort(indexes, compare, pace))], expected);
    }),
  );
});

test('pacedSort of many numbers lets others in', async () => {
  let turns = 0;
  let sorting = true;
  const count = () => {
    turns++;
    if (sorting) setImmediate(count);
  };
  setImmediate(count);
  const numbers = Int32Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 300_007);
  const sorted = await pacedSort(numbers, (a, b) => a - b, pace);
  sorting = false;
  assert.ok(turns > 2, `${turns} turns`);
  assert.ok(sorted.every((number, i) => i === 0 || sorted[i - 1]! <= number));
});

test('pacedSort ends when the pause does not', async () => {
  const numbers = Int32Array.from({ length: 500_000 }, (_, i) => -i);
  await assert.rejects(
    pacedSort(numbers, (a, b) => a - b, { ...pace, pause: () => Promise.reject(new Error('gone')) }),
    /gone/,
  );
});
