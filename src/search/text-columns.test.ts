import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Needle } from './needle.ts';
import { joinSegments, maxColumns, rowsOfText, TextColumns, type TextSegment } from './text-columns.ts';

/** Text that soon fills a column. */
function noise(seed: number, length: number): string {
  let state = seed + 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(97 + ((state >>> 24) % 26));
  }).join('');
}

function segmentOf(messages: readonly (readonly string[])[]): TextSegment {
  const columns = new TextColumns();
  messages.forEach((pieces, i) => {
    columns.beginMessage();
    columns.beginText();
    for (const piece of pieces) columns.add(piece);
    assert.ok(columns.endMessage(i + 1));
  });
  return columns.finish();
}

/** Whether one column of a message has all that a text needs. */
function mayHave({ first, last, stride, bits }: TextSegment, message: number, text: string): boolean {
  const rows = rowsOfText(new Needle(text).folded);
  for (let column = first[message]!; column <= last[message]!; column++) {
    const isSet = (row: number) => (bits[row * stride + (column >> 3)]! & (1 << (column & 7))) !== 0;
    if (rows.every(isSet)) return true;
  }
  return false;
}

test('every stretch of 64 characters of a long text is whole in one of its columns', () => {
  const text = noise(1, 20_000);
  const pieces = [text.slice(0, 7000), text.slice(7000, 7010), text.slice(7010)];
  const segment = segmentOf([['before'], pieces, ['after']]);
  assert.ok(segment.last[1]! - segment.first[1]! > 10);
  for (let at = 0; at + 64 <= text.length; at++)
    assert.ok(mayHave(segment, 1, text.slice(at, at + 64)), `${at}`);
  assert.equal(mayHave(segment, 0, text.slice(10_000, 10_064)), false);
});

test('white space where pieces meet is one space', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'B', ' ', '\n', 'ß', '\u00A0'), maxLength: 6 })),
      fc.nat(2000),
      (pieces, before) => {
        // Columns are cut at any of these places.
        const segment = segmentOf([[noise(2, before), ...pieces]]);
        const folded = new Needle(pieces.join('')).folded;
        for (let at = 0; at + 64 <= folded.length; at++)
          assert.ok(mayHave(segment, 0, folded.slice(at, at + 64)), JSON.stringify(pieces));
        if (folded.length < 64) assert.ok(mayHave(segment, 0, folded));
      },
    ),
  );
});

test('short messages share a column, and each still has its own text', () => {
  const segment = segmentOf(Array.from({ length: 100 }, (_, i) => [`message number ${i} ${noise(i, 30)}`]));
  assert.ok(segment.last[99]! < 10);
  for (let i = 0; i < 100; i++) assert.ok(mayHave(segment, i, `number ${i} ${noise(i, 30)}`));
});

test('segments put together say what each said', () => {
  const one = segmentOf([[noise(1, 3000)], [noise(2, 100)]]);
  const two = segmentOf([[noise(3, 5000)]]);
  const both = joinSegments(one, two)!;
  for (const [message, seed, length] of [
    [0, 1, 3000],
    [1, 2, 100],
    [2, 3, 5000],
  ] as const) {
    assert.ok(mayHave(both, message, noise(seed, length).slice(30, 90)));
    assert.equal(mayHave(both, message, noise(9, 60)), false);
  }
});

test('a message beyond the columns of a segment is not in it, and what comes next is', () => {
  const columns = new TextColumns();
  columns.beginMessage();
  columns.add('small');
  assert.ok(columns.endMessage(1));
  columns.beginMessage();
  for (let i = 0; i < 30; i++) columns.add(noise(i, 100_000));
  assert.equal(columns.endMessage(2), false);
  assert.ok(columns.isFull);
  const segment = columns.finish();
  assert.deepEqual([...segment.uids], [1]);
  assert.equal(segment.stride, maxColumns / 8);
  columns.beginMessage();
  columns.add('next');
  assert.ok(columns.endMessage(3));
  assert.ok(mayHave(columns.finish(), 0, 'next'));
});
