import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DotReader,
  expungeLines,
  quoteWord,
  readUpload,
  searchLines,
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

test('found numbers are told as ranges, at most 101 a line', () => {
  assert.deepEqual(searchLines([1, 2, 3, 7]), ['* SEARCH 1-3 7']);
  const even = Array.from({ length: 102 }, (_, i) => 2 * i + 2);
  assert.deepEqual(
    searchLines(even).map((line) => line.split(' ').length - 2),
    [101, 1],
  );
  assert.deepEqual(searchLines([]), []);
});

for (const [text, message] of [
  ['.\n', ''],
  ['a\n.\n', 'a\n'],
  ['..\n...x\n.\n', '.\n..x\n'],
  ['.a\n.\r\n', 'a\n'],
  ['.\rb\n\n.\n', '\rb\n\n'],
] as const)
  test(`an upload of ${JSON.stringify(text)}, in any segments`, () =>
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const reader = new DotReader();
        const taken: Buffer[] = [];
        let used = 0;
        for (const segment of segments(Buffer.from(`${text}NOOP\n`), cuts)) {
          const { pieces, used: now } = reader.take(segment);
          taken.push(...pieces);
          used += now;
          if (now < segment.length) assert.ok(reader.isOver);
        }
        assert.equal(Buffer.concat(taken).toString(), message);
        assert.equal(used, text.length);
      }),
    ));

test('stuffed lines come out as they were', () =>
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('.', 'a', '\r', ' ', 'é') })),
      fc.array(fc.nat(200)),
      (lines, cuts) => {
        const message = lines.map((line) => `${line}\n`).join('');
        const stuffed = lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\n`).join('');
        const reader = new DotReader();
        const taken = segments(Buffer.from(`${stuffed}.\n`), cuts).flatMap(
          (each) => reader.take(each).pieces,
        );
        assert.equal(Buffer.concat(taken).toString(), message);
        assert.ok(reader.isOver);
      },
    ),
  ));

for (const [word, upload] of [
  ['{.}', { kind: 'lines' }],
  ['{.123}', { kind: 'lines' }],
  ['{10/25}', { kind: 'pieces', first: 10 }],
  ['{0/0}', { kind: 'pieces', first: 0 }],
  ['{}', undefined],
  ['{-1/2}', undefined],
  ['x{1}', undefined],
] as const)
  test(`upload ${word}`, () => assert.deepEqual(readUpload(word), upload));

/** The octets in pieces that end at the cuts. */
function segments(octets: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set([...cuts, octets.length])].sort((a, b) => a - b);
  return ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end));
}
