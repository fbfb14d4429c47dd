import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryConnection } from '../../test/support/memory-connection.ts';
import { quoted, Writer } from './writer.ts';

/** What arrives when `write` has written, and in how many pieces. */
function written(write: (writer: Writer) => void): { text: string; pieces: number } {
  const pieces: Buffer[] = [];
  const writer = new Writer(new MemoryConnection((octets) => pieces.push(octets)));
  write(writer);
  writer.flush();
  return { text: Buffer.concat(pieces).toString('latin1'), pieces: pieces.length };
}

test('numbers are written in decimal', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(Number.MAX_SAFE_INTEGER)), (numbers) => {
      const all = [0, 9, 10, 999_999_999, 1_000_000_000, ...numbers];
      const { text } = written((writer) => {
        for (const number of all) writer.number(number).text(' ');
      });
      assert.equal(text, all.map((number) => `${number} `).join(''));
    }),
  );
});

test('text and octets of any size arrive in order', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary-ascii' }),
    fc.nat(10_000).map((size) => 'x'.repeat(size)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.boolean())), (pieces) => {
      const { text } = written((writer) => {
        for (const [part, asText] of pieces) {
          if (asText) writer.text(part);
          else writer.octets(Buffer.from(part, 'latin1'));
        }
      });
      assert.equal(text, pieces.map(([part]) => part).join(''));
    }),
  );
});

test('many short lines arrive in few pieces', () => {
  const { text, pieces } = written((writer) => {
    for (let i = 0; i < 10_000; i++) writer.line('* 1 EXISTS');
  });
  assert.equal(text.length, 120_000);
  assert.ok(pieces <= 4, `${pieces} pieces`);
});

for (const [octets, wire] of [
  ['', '""'],
  ['a b', '"a b"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['a\nb', '{3}\r\na\nb'],
  ['\0', '{1}\r\n\0'],
] as const)
  test(`quoted ${JSON.stringify(octets)}`, () => assert.equal(quoted(octets), wire));
