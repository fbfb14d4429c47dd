import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SearchKey } from './keys.ts';
import { buildTree, decide, judge, verdict } from './tree.ts';

const count = 8;
/** Bit i of a number: whether message i matches. As a "flag" key it is cheap, as a "larger" key it is asked for. */
const cheap = (bits: number): SearchKey => ({ kind: 'flag', bit: bits, set: true });
const asked = (bits: number): SearchKey => ({ kind: 'larger', octets: bits });
const maskOf = (key: SearchKey) =>
  key.kind === 'flag' ? Uint8Array.from({ length: count }, (_, i) => (key.bit >> i) & 1) : undefined;

function naive(key: SearchKey, index: number): boolean {
  switch (key.kind) {
    case 'flag':
      return ((key.bit >> index) & 1) === 1;
    case 'larger':
      return ((key.octets >> index) & 1) === 1;
    case 'not':
      return !naive(key.key, index);
    case 'and':
      return key.keys.every((each) => naive(each, index));
    case 'or':
      return key.keys.some((each) => naive(each, index));
    default:
      throw new Error(key.kind);
  }
}

const { key: keys } = fc.letrec<{ key: SearchKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.integer({ min: 0, max: 255 }).map(cheap),
    fc.integer({ min: 0, max: 255 }).map(asked),
    tie('key').map((key): SearchKey => ({ kind: 'not', key })),
    fc.array(tie('key'), { maxLength: 3 }).map((list): SearchKey => ({ kind: 'and', keys: list })),
    fc.array(tie('key'), { maxLength: 3 }).map((list): SearchKey => ({ kind: 'or', keys: list })),
  ),
}));

test('a tree decides what its key says', () => {
  fc.assert(
    fc.property(keys, (key) => {
      const tree = buildTree(key, maskOf);
      const verdicts = judge(tree, count);
      for (let i = 0; i < count; i++) {
        const expected = naive(key, i);
        if (verdicts[i] === verdict.open) {
          const answer = decide(tree, i, (leaf) => naive(leaf, i));
          assert.equal(answer, expected);
        } else assert.equal(verdicts[i] === verdict.yes, expected);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a leaf is asked only where the cheap ones leave the answer open', () => {
  const tree = buildTree({ kind: 'and', keys: [asked(0xff), cheap(0b1)] }, maskOf);
  assert.deepEqual([...judge(tree, count)], [3, 2, 2, 2, 2, 2, 2, 2]);
});

test('the cheaper of two asked leaves is asked first', () => {
  const order: string[] = [];
  const body: SearchKey = { kind: 'body', value: 'x' };
  const date: SearchKey = { kind: 'since', day: 1 };
  decide(buildTree({ kind: 'and', keys: [body, date] }, maskOf), 0, (key) => {
    order.push(key.kind);
    return true;
  });
  assert.deepEqual(order, ['since', 'body']);
});

test('an answer that takes longer is reported, unless another one decides', () => {
  const later = () => undefined;
  assert.equal(decide(buildTree(asked(1), maskOf), 0, later), undefined);
  assert.equal(decide(buildTree({ kind: 'not', key: asked(1) }, maskOf), 0, later), undefined);
  assert.equal(decide(buildTree({ kind: 'or', keys: [asked(1), cheap(1)] }, maskOf), 0, later), true);
});
