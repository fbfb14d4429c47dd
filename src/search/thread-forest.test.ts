import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ForestBuilder, formatThreads } from './thread-forest.ts';

/** Nested lists: `[1, [2, 3]]` is 1 with the children 2 and 3; a leading 0 is a missing parent. */
type Tree = number | readonly [number, ...Tree[]];

function format(...roots: Tree[]): string {
  const index: number[] = [];
  const edges: [number, number][] = [];
  const add = (tree: Tree): number => {
    const [value, ...children] = typeof tree === 'number' ? [tree] : tree;
    const node = index.push(value - 1) - 1;
    for (const child of children) edges.push([node, add(child)]);
    return node;
  };
  const rootNodes = roots.map(add);
  const builder = new ForestBuilder(Int32Array.from(index));
  for (const root of rootNodes) builder.addRoot(root);
  for (const [parent, child] of edges) builder.addChild(parent, child);
  return [...formatThreads(builder.forest(), (at) => at + 1)].join('');
}

const table: [Tree[], string][] = [
  [[], ''],
  [[1], '(1)'],
  [[2, 1], '(2)(1)'],
  [[[1, [2, 3]]], '(1 2 3)'],
  [[[3, [6, [4, 23], [44, [7, 96]]]]], '(3 6 (4 23)(44 7 96))'],
  [[2, [3, [6, [4, 23], [44, [7, 96]]]]], '(2)(3 6 (4 23)(44 7 96))'],
  [
    [
      [0, 6, 5],
      [1, [2, 3], 4],
    ],
    '((6)(5))(1 (2 3)(4))',
  ],
  [[[1, [2, 3, 4], 5], 6], '(1 (2 (3)(4))(5))(6)'],
];

for (const [trees, text] of table)
  test(`threads are written ${text || 'empty'}`, () => assert.equal(format(...trees), text));

test('a thread of 100,000 generations is written', () => {
  const count = 100_000;
  const builder = new ForestBuilder(Int32Array.from({ length: count }, (_, i) => i));
  builder.addRoot(0);
  for (let node = 1; node < count; node++) builder.addChild(node - 1, node);
  const text = [...formatThreads(builder.forest(), (index) => index)].join('');
  assert.ok(text.startsWith('(0 1 2 ') && text.endsWith(' 99999)'));
});
