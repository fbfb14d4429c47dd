import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryConnection } from '../../test/support/memory-connection.ts';
import { toWirePlainly } from '../message/line-ends.ts';
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

test('files become literals of their wire octets, whatever stands around them', () => {
  const lines = fc.array(fc.constantFrom('\n', '\r\n', '\r', 'line', '\xff'), { maxLength: 200 });
  const file = fc.tuple(lines, fc.nat(400)).map(([parts, times]) => parts.join('').repeat(times));
  fc.assert(
    fc.property(fc.array(fc.tuple(file, fc.nat(300)), { maxLength: 12 }), (files) => {
      let expected = '';
      const { text } = written((writer) => {
        for (const [content, around] of files) {
          const octets = Buffer.from(content, 'latin1');
          const head = '('.repeat(around);
          const size = writer.fileLiteral(head, (into, at, room) =>
            octets.length < room ? octets.copy(into, at) : -1,
          );
          if (size === undefined) {
            assert.ok(octets.length >= 262_144);
            continue;
          }
          const wire = toWirePlainly(octets, false);
          assert.equal(size, octets.length);
          writer.text(')');
          expected += `${head}{${wire.length}}\r\n${wire.toString('latin1')})`;
        }
      });
      assert.equal(text, expected);
    }),
    {
      numRuns: 60,
      examples: [[[['\n'.repeat(60), 3]]], [[['\n'.repeat(262_143), 9]]], [[['\n'.repeat(262_144), 9]]]],
    },
  );
});

test('a file that cannot be read leaves nothing of its head', () => {
  const { text } = written((writer) => {
    writer.text('before ');
    const fail = () => {
      throw new Error('EIO');
    };
    assert.throws(() => writer.fileLiteral('* 1 FETCH (BODY[] ', fail), /EIO/);
    writer.text('behind');
  });
  assert.equal(text, 'before behind');
});
