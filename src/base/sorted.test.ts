import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lowerBound } from './sorted.ts';

test('the first number that is not below the one wanted, among those that count', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), fc.nat(61), fc.nat(20), (numbers, wanted, left) => {
      const sorted = Uint32Array.from(numbers).sort();
      const count = Math.max(0, sorted.length - left);
      const found = sorted.subarray(0, count).findIndex((number) => number >= wanted);
      assert.equal(lowerBound(sorted, count, wanted), found < 0 ? count : found);
    }),
  );
});
