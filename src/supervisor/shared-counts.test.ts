import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SharedCounts } from './shared-counts.ts';

/** Workers that lend to each other at once, as the supervisor arranges it. */
function workers(count: number): SharedCounts[] {
  const all: SharedCounts[] = [];
  for (let i = 0; i < count; i++) {
    const counts: SharedCounts = new SharedCounts(
      async (key, limit) => {
        const lender = all.findIndex((other) => other !== counts && other.lend(key, limit));
        return lender < 0 ? undefined : lender;
      },
      (key, lender) => all[lender]!.returned(key),
    );
    counts.configure(i, count);
    all.push(counts);
  }
  return all;
}

test('one worker alone never asks', () => {
  const [counts] = workers(1);
  assert.deepEqual(
    [1, 2, 3].map(() => counts!.take('a', 2)),
    [true, true, false],
  );
  counts!.release('a', 2);
  assert.equal(counts!.take('a', 2), true);
});

test('one of three workers can use the whole limit, and not more', async () => {
  const [first, second] = workers(3);
  for (let i = 0; i < 7; i++) assert.equal(await first!.take('a', 7), true, `number ${i + 1}`);
  assert.equal(await first!.take('a', 7), false);
  assert.equal(await second!.take('a', 7), false);
  assert.equal(await second!.take('b', 7), true);
  first!.release('a', 7);
  assert.equal(await second!.take('a', 7), true);
});

test('a limit lower than the number of workers holds', async () => {
  const all = workers(4);
  assert.equal(await all[3]!.take('a', 1), true);
  assert.equal(await all[0]!.take('a', 1), false);
});

test('property: granted exactly while the sum over all workers is below the limit', async () => {
  const step = fc.record({ worker: fc.nat(2), take: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.array(step, { maxLength: 60 }),
      async (limit, steps) => {
        const all = workers(3);
        const used = [0, 0, 0];
        for (const { worker, take } of steps) {
          if (take) {
            const granted = await all[worker]!.take('k', limit);
            assert.equal(granted, used.reduce((a, b) => a + b) < limit);
            if (granted) used[worker]!++;
          } else if (used[worker]! > 0) {
            all[worker]!.release('k', limit);
            used[worker]!--;
          }
        }
        for (const [worker, count] of used.entries()) assert.equal(all[worker]!.used('k'), count);
      },
    ),
    { numRuns: 200 },
  );
});
