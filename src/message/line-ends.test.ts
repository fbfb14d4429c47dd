import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readerOf } from '../../test/support/message-checks.ts';
import { toWire, toWirePlainly, wireLength, wirePieces } from './line-ends.ts';
import { locateSection } from './section.ts';
import { parseStructure } from './structure.ts';

const conversions: [file: string, wire: string][] = [
  ['', ''],
  ['a', 'a'],
  ['\n', '\r\n'],
  ['a\nb\n', 'a\r\nb\r\n'],
  ['a\r\nb\n', 'a\r\nb\r\n'],
  ['\r', '\r'],
  ['\r\r\n\n', '\r\r\n\r\n'],
  ['\0\n\xff', '\0\r\n\xff'],
];

for (const [file, wire] of conversions) {
  test(`wire form of ${JSON.stringify(file)}`, () => {
    const octets = Buffer.from(file, 'latin1');
    assert.equal(toWire(octets).toString('latin1'), wire);
    assert.equal(wireLength(octets), wire.length);
  });
}

test('an LF behind a CR of the piece before stays', () => {
  assert.equal(toWire(Buffer.from('\n\n'), true).toString(), '\n\r\n');
  assert.equal(wireLength(Buffer.from('\n\n'), true), 3);
});

const text = fc
  .array(fc.constantFrom('\n', '\r', '\r\n', 'a', 'bc', '\n\n', 'x'.repeat(70)))
  .map((list) => list.join(''));

test('any octets: as the regular expression says', () => {
  const long = fc.tuple(text, fc.integer({ min: 1, max: 3000 })).map(([piece, times]) => piece.repeat(times));
  fc.assert(
    fc.property(fc.oneof(text, long), fc.boolean(), (file, afterCr) => {
      const expected = (afterCr ? `\r${file}` : file).replace(/\r?\n/g, '\r\n').slice(afterCr ? 1 : 0);
      const wire = toWire(Buffer.from(file), afterCr);
      assert.ok(wire.equals(Buffer.from(expected)));
      assert.ok(toWirePlainly(Buffer.from(file), afterCr).equals(wire));
      assert.equal(wireLength(Buffer.from(file), afterCr), expected.length);
    }),
  );
});

test('partials of a large message, ascending, are the whole, and each reads little', () => {
  const body = Array.from({ length: 30_000 }, (_, line) => `line ${line}${line % 7 === 0 ? '\r' : ''}`).join(
    '\n',
  );
  const octets = Buffer.from(`Subject: x\n\n${body}`);
  const structure = parseStructure(octets);
  const range = locateSection(structure, { part: [], what: 'text', fields: [] })!;
  const wire = toWire(octets.subarray(range.start));
  let readOctets = 0;
  const read = readerOf(octets);
  const counted: typeof read = (into, position) => {
    readOctets += into.length;
    return read(into, position);
  };
  for (const count of [1000, 65536, 65537, 100_001]) {
    readOctets = 0;
    const pieces: Buffer[] = [];
    for (let offset = 0; offset < wire.length; offset += count) {
      const partial = Buffer.concat([...wirePieces(counted, structure, range, { offset, count })]);
      assert.ok(partial.length === Math.min(count, wire.length - offset));
      pieces.push(partial);
    }
    assert.ok(Buffer.concat(pieces).equals(wire), `${count}`);
    assert.ok(readOctets < pieces.length * (131_072 + count));
  }
  assert.deepEqual([...wirePieces(read, structure, range, { offset: wire.length, count: 10 })], []);
});

test('a file that has become shorter gives fewer octets', () => {
  const octets = Buffer.from('Subject: x\n\nbody\n');
  const structure = parseStructure(octets);
  const range = locateSection(structure, { part: [], what: 'all', fields: [] })!;
  assert.equal(Buffer.concat([...wirePieces(readerOf(octets.subarray(0, 14)), structure, range)]).length, 16);
});

test('the kernel is what its text makes', () => {
  const script = resolve(import.meta.dirname, '../../scripts/line-ends-kernel.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
