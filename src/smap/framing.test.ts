import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeFolderWord,
  encodeFolderWord,
  expungeLines,
  formatRanges,
  quoteWord,
  splitWords,
  takeSet,
} from './framing.ts';

for (const [line, words] of [
  ['"UID"SIZE', ['UID', 'SIZE']],
  ['pq"r  x', ['pq"r', 'x']],
  ['a "" "b""c', ['a', '', 'b"c']],
  ['\tLIST\r', ['LIST']],
  ['', []],
] as const)
  test(`words of ${JSON.stringify(line)}`, () => assert.deepEqual(splitWords(line), words));

test('a quoted word reads back, whatever surrounds it', () =>
  fc.assert(
    fc.property(fc.array(fc.string()), (words) =>
      assert.deepEqual(splitWords(words.map(quoteWord).join(' ')), words),
    ),
  ));

test('a folder word reads back from its component, which has no separator', () =>
  fc.assert(
    fc.property(fc.string(), (word) => {
      assert.equal(decodeFolderWord(encodeFolderWord(word)), word);
      assert.doesNotMatch(encodeFolderWord(word), /[./~:\0]/);
    }),
  ));

test('a folder word is encoded as Courier does', () =>
  assert.equal(encodeFolderWord('b/c~:d\\e.f'), 'b\\057c\\176\\072d\\134e\\056f'));

for (const words of [['0'], ['3-2'], ['2', '1'], ['1-3', '3']])
  test(`set ${words.join(' ')} is refused`, () => assert.equal(takeSet(words), undefined));

test('a set ends before the first word without a digit', () =>
  assert.deepEqual(takeSet(['1x', '3-5', 'FLAGS', '7']), {
    ranges: [
      [1, 1],
      [3, 5],
    ],
    rest: ['FLAGS', '7'],
  }));

test('expunging 1-120 takes two lines, the second in the numbering after the first', () =>
  assert.deepEqual(expungeLines(Array.from({ length: 120 }, (_, i) => i + 1)), [
    '* EXPUNGE 1-101',
    '* EXPUNGE 1-19',
  ]));

test('ranges', () => assert.equal(formatRanges([1, 2, 3, 7]), '1-3 7'));
