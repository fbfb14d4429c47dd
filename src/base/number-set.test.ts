import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatNumberSet, inRanges, parseNumberSet, resolveRanges } from './number-set.ts';

const star = Number.POSITIVE_INFINITY;

for (const [text, ranges] of [
  ['1', [[1, 1]]],
  [
    '1:4,7',
    [
      [1, 4],
      [7, 7],
    ],
  ],
  ['5:2', [[5, 2]]],
  ['*', [[star, star]]],
  ['3:*', [[3, star]]],
  ['*:3', [[star, 3]]],
  [
    '1,2,',
    [
      [1, 1],
      [2, 2],
    ],
  ],
  ['4294967295', [[4294967295, 4294967295]]],
  ['007', [[7, 7]]],
] as const)
  test(`message set reads "${text}"`, () => assert.deepEqual(parseNumberSet(text), ranges));

for (const text of ['', '0', '1:', ':1', ',1', '1,,2', '*1', '1*', 'a', '1 2', '4294967296', '1:0', '-1'])
  test(`message set refuses "${text}"`, () => assert.equal(parseNumberSet(text), undefined));

for (const [text, max, ranges] of [
  ['5:2', 9, [[2, 5]]],
  ['99:*', 12, [[12, 99]]],
  ['*', 0, [[0, 0]]],
  ['4,1:2,3', 9, [[1, 4]]],
  [
    '1:5,2:3,9',
    9,
    [
      [1, 5],
      [9, 9],
    ],
  ],
] as const)
  test(`message set "${text}" with ${max} as the largest`, () =>
    assert.deepEqual(resolveRanges(parseNumberSet(text)!, max), ranges));

test('resolved ranges hold what the set names, and nothing else', () => {
  const part = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), (parts) => {
      const ranges = resolveRanges(parseNumberSet(parts.map(([a, b]) => `${a}:${b}`).join(','))!, 30);
      for (let n = 1; n <= 31; n++) {
        const named = parts.some(([a, b]) => n >= Math.min(a, b) && n <= Math.max(a, b));
        assert.equal(inRanges(ranges, n), named);
      }
    }),
  );
});

test('a set written is the numbers read', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (numbers) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const ranges = resolveRanges(parseNumberSet(formatNumberSet(sorted))!, 60);
      const read = Array.from({ length: 60 }, (_, i) => i + 1).filter((n) => inRanges(ranges, n));
      assert.deepEqual(read, sorted);
    }),
  );
});
