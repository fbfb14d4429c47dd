import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommandReader, literalAtEnd } from './command-reader.ts';

const maxLine = 64;

interface Event {
  kind: string;
  text: string;
}

/** What a reader reports when literals up to 20 octets are collected, and larger ones refused. */
function read(input: Buffer, cuts: readonly number[]): Event[] {
  const reader = new CommandReader(maxLine);
  const events: Event[] = [];
  const drain = (): void => {
    for (let incoming = reader.next(); incoming !== undefined; incoming = reader.next()) {
      const text = incoming.kind === 'tooLong' ? '' : incoming.octets.toString('latin1');
      events.push({ kind: incoming.kind, text });
      if (incoming.kind !== 'literal') continue;
      if (incoming.literal.size <= 20) reader.collect();
      else reader.refuse();
    }
  };
  let position = 0;
  for (const cut of [...cuts, input.length]) {
    const end = Math.min(Math.max(cut, position), input.length);
    reader.push(Buffer.from(input.subarray(position, end)));
    position = end;
    drain();
  }
  return events;
}

const commands = (input: string): string[] =>
  read(Buffer.from(input, 'latin1'), [])
    .filter(({ kind }) => kind === 'command')
    .map(({ text }) => text);

for (const [name, input, expected] of [
  ['ends a command at LF or CR LF', 'a NOOP\r\nb NOOP\n', ['a NOOP', 'b NOOP']],
  ['keeps a literal in the command', 'a LOGIN {1}\r\nx {3+}\r\ny\nz\r\n', ['a LOGIN {1}\r\nx {3+}\r\ny\nz']],
  ['takes an empty literal', 'a LOGIN {0}\r\n {0+}\r\n\r\n', ['a LOGIN {0}\r\n {0+}\r\n']],
  [
    'skips a refused literal that comes without waiting',
    'a X {21+}\r\n123456789012345678901 junk\r\nb NOOP\r\n',
    ['b NOOP'],
  ],
  [
    'skips all of a refused command',
    'a X {21+}\r\n123456789012345678901 {3+}\r\nabc\r\nb NOOP\r\n',
    ['b NOOP'],
  ],
  ['expects no octets of a refused literal that waits', 'a X {21}\r\nb NOOP\r\n', ['b NOOP']],
  [`takes a line of ${maxLine} octets`, `${'x'.repeat(maxLine)}\nb NOOP\n`, ['x'.repeat(maxLine), 'b NOOP']],
  [`skips a line of ${maxLine + 1} octets`, `${'x'.repeat(maxLine + 1)}\nb NOOP\n`, ['b NOOP']],
] as const)
  test(`command reader ${name}`, () => assert.deepEqual(commands(input), expected));

for (const [line, literal] of [
  ['a {5}', { size: 5, waits: true, binary: false }],
  ['a {5+}', { size: 5, waits: false, binary: false }],
  ['a ~{05}', { size: 5, waits: true, binary: true }],
  ['a {99999999999999999999999}', { size: Number.POSITIVE_INFINITY, waits: true, binary: false }],
  ['a {}', undefined],
  ['a {+}', undefined],
  ['a 5}', undefined],
  ['a {5} ', undefined],
  ['a {-5}', undefined],
  ['}', undefined],
  ['', undefined],
] as const)
  test(`literal at the end of "${line}"`, () => assert.deepEqual(literalAtEnd(Buffer.from(line)), literal));

test('commands do not depend on how their octets arrive', () => {
  const piece = fc.constantFrom(
    'a NOOP',
    ' ',
    '\r\n',
    '\n',
    '{3}\r\n',
    '{3+}\r\n',
    '{30+}\r\n',
    '~{2}\r\n',
    'xyz',
    '"',
    'x'.repeat(40),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(300)), (pieces, cuts) => {
      const input = Buffer.from(pieces.join(''), 'latin1');
      const sorted = cuts.toSorted((a, b) => a - b);
      assert.deepEqual(read(input, sorted), read(input, []));
      const each = Array.from({ length: input.length }, (_, i) => i);
      assert.deepEqual(read(input, each), read(input, []));
    }),
    { numRuns: 300 },
  );
});
