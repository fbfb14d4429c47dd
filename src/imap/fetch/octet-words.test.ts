import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mostDigits, octetWords, putDecimal, putWords, slackOctets } from './octet-words.ts';

test('numbers and octets stand one behind the other as they should', () => {
  const number = fc.oneof(fc.nat(20_000), fc.integer({ min: 0, max: 4_294_967_295 }));
  const octets = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.array(fc.oneof(number, octets)), (pieces) => {
      const expected = Buffer.concat(
        pieces.map((piece) => (typeof piece === 'number' ? Buffer.from(String(piece)) : piece)),
      );
      const block = Buffer.alloc(expected.length + slackOctets);
      const view = new DataView(block.buffer, block.byteOffset, block.length);
      let at = 0;
      for (const piece of pieces) {
        at = typeof piece === 'number' ? putDecimal(view, at, piece) : putWords(view, at, octetWords(piece));
      }
      assert.equal(at, expected.length);
      assert.deepEqual(block.subarray(0, at), expected);
    }),
  );
});

test('the ends of the ranges', () => {
  const block = Buffer.alloc(mostDigits + slackOctets);
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  for (const value of [0, 9, 10, 9999, 10_000, 99_999_999, 100_000_000, 4_294_967_295])
    assert.equal(block.toString('latin1', 0, putDecimal(view, 0, value)), String(value));
});
