import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TextLeaf } from '../message/text.ts';
import { leafRecord, readLeaves } from './leaf-record.ts';

const word = fc.string({ unit: fc.constantFrom('a', '-', '8', '\xff'), maxLength: 12 });
const anyLeaf: fc.Arbitrary<TextLeaf> = fc.record(
  {
    start: fc.nat(1 << 20),
    end: fc.nat(1 << 20),
    encoding: word,
    charset: fc.option(
      word.filter((text) => text !== ''),
      { nil: undefined },
    ),
    isHeader: fc.boolean(),
  },
  { noNullPrototype: true },
);

test('leaves that were written are read', () => {
  fc.assert(
    fc.property(fc.array(anyLeaf), fc.nat(9), (leaves, before) => {
      const record = leafRecord(leaves)!;
      const octets = Buffer.concat([Buffer.alloc(before, 1), record, Buffer.alloc(9, 2)]);
      assert.deepEqual(readLeaves(octets, before, before + record.length), leaves);
    }),
  );
});

test('octets that are no record are refused or read as something, never beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
      readLeaves(Buffer.from(octets), 0, octets.length);
    }),
  );
});

test('too many leaves, and words that are too long, are not kept', () => {
  const leaf = { start: 0, end: 1, encoding: '8bit', charset: 'utf-8', isHeader: false };
  assert.ok(leafRecord(Array<TextLeaf>(200).fill(leaf)));
  assert.equal(leafRecord(Array<TextLeaf>(300).fill(leaf)), undefined);
  assert.ok(leafRecord([{ ...leaf, encoding: 'x'.repeat(255) }]));
  assert.equal(leafRecord([{ ...leaf, encoding: 'x'.repeat(256) }]), undefined);
});
