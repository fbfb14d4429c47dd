import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineEnds } from './line-ends.ts';

function convert(pieces: readonly string[]): string {
  const lineEnds = new LineEnds();
  const parts = pieces.map((piece) => lineEnds.convert(Buffer.from(piece, 'latin1')));
  return Buffer.concat([...parts, lineEnds.end()]).toString('latin1');
}

for (const [pieces, text] of [
  [['a\r\nb\r\n'], 'a\nb\n'],
  [['a\r', '\nb'], 'a\nb'],
  [['a\r\r\n'], 'a\n'],
  [['a\r', '\r', '\nb\r'], 'a\nb\r'],
  [['a\rb\r\rc'], 'a\rb\r\rc'],
  [['\r\n\r\n'], '\n\n'],
  [[''], ''],
] as const)
  test(`${JSON.stringify(pieces)} is stored as ${JSON.stringify(text)}`, () => {
    assert.equal(convert(pieces), text);
  });

test('how the octets are cut does not matter', () => {
  const piece = fc.stringMatching(/^[a\r\n]{0,6}$/);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      assert.equal(convert(pieces), pieces.join('').replace(/\r+\n/g, '\n'));
    }),
  );
});
