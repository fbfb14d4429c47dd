import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTurn, Slice } from './slices.ts';

function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('however many work at once, others wait for one of them', async () => {
  const order: string[] = [];
  let working = 0;
  const worker = async (name: string) => {
    working++;
    for (let i = 0; i < 3; i++) {
      await nextTurn();
      order.push(name);
      work(3);
    }
    working--;
  };
  const all = Promise.all(['a', 'b', 'c'].map(worker));
  while (working > 0) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    order.push('|');
  }
  await all;
  const between = order.join('').split('|');
  assert.deepEqual(between.join('').slice(0, 9), 'abcabcabc');
  assert.ok(
    between.every((turn) => turn.length <= 1),
    order.join(''),
  );
});

test('many that need little go on in one turn', async () => {
  let done = 0;
  let turns = 0;
  const all = Promise.all(
    Array.from({ length: 100 }, async () => {
      await nextTurn();
      done++;
    }),
  );
  while (done < 100) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    turns++;
  }
  await all;
  assert.ok(turns < 20, `${turns} turns`);
});

test('a slice is over when its time is', async () => {
  const slice = new Slice();
  assert.equal(slice.isLong(), false);
  work(3);
  assert.equal(slice.isLong(), true);
  const calls = Array.from({ length: 32 }, () => slice.isOver());
  assert.deepEqual(calls.indexOf(true), 31);
  await slice.next();
  assert.equal(slice.isLong(), false);
});
