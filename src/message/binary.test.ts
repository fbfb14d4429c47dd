import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTransferDecoder, decodeTransfer } from './binary.ts';

const bodies: [encoding: string, body: string, decoded: string][] = [
  ['7bit', 'a\nb\r\nc\r', 'a\r\nb\r\nc\r'],
  ['BASE64', 'YWJj', 'abc'],
  ['base64', 'YW\nJj\r\n', 'abc'],
  ['base64', 'YQ==\nYmM=\n', 'abc'],
  ['base64', 'YQ', 'a'],
  ['base64', 'YWJjZ', 'abc'],
  ['base64', '!Y-W*J j', 'abc'],
  ['base64', '====', ''],
  ['base64', 'Cg==', '\n'],
  ['quoted-printable', 'a=C3=a9', 'aé'],
  ['quoted-printable', 'a=\nb=\r\nc= \t\nd=', 'abcd'],
  ['quoted-printable', 'a \t\nb \r\n', 'a\r\nb\r\n'],
  ['quoted-printable', 'a b  ', 'a b'],
  ['quoted-printable', 'a=20\n', 'a \r\n'],
  ['quoted-printable', '=ZZ =A =', '=ZZ =A '],
  ['quoted-printable', '=4', '=4'],
  ['quoted-printable', '==41', '=A'],
  ['quoted-printable', 'a\rb\r\r\n', 'a\rb\r\r\n'],
];

for (const [encoding, body, decoded] of bodies) {
  test(`${encoding}: ${JSON.stringify(body)}`, () => {
    assert.equal(decodeTransfer(Buffer.from(body), encoding)!.toString(), decoded);
  });
}

for (const encoding of ['', 'x-uuencode', 'constructor']) {
  test(`encoding "${encoding}" is unknown`, () =>
    assert.equal(decodeTransfer(Buffer.from('a'), encoding), undefined));
}

test('what Node encodes as base64 is decoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      const text = Buffer.from(octets).toString('base64').replace(/.{76}/g, '$&\n');
      assert.deepEqual(decodeTransfer(Buffer.from(text), 'base64'), Buffer.from(octets));
    }),
  );
});

test('pieces of any length decode like the whole', () => {
  const text = fc
    .array(fc.constantFrom('=', '\n', '\r', ' ', '\t', 'A', 'b', '4', '1', '==', '\xff'))
    .map((list) => list.join(''));
  const encodings = fc.constantFrom('8bit', 'base64', 'quoted-printable');
  fc.assert(
    fc.property(text, encodings, fc.nat(10), (body, encoding, cut) => {
      const octets = Buffer.from(body, 'latin1');
      const decoder = createTransferDecoder(encoding)!;
      const pieces = [decoder.write(octets.subarray(0, cut))];
      for (const octet of octets.subarray(cut)) pieces.push(decoder.write(Uint8Array.of(octet)));
      pieces.push(decoder.end());
      assert.deepEqual(Buffer.concat(pieces), decodeTransfer(octets, encoding));
    }),
    { numRuns: 1000 },
  );
});

test('a long run of blanks is bounded, whatever the pieces', () => {
  const octets = Buffer.from(`a${' '.repeat(5000)}b`);
  const decoder = createTransferDecoder('quoted-printable')!;
  const pieces = [decoder.write(octets.subarray(0, 100)), decoder.write(octets.subarray(100)), decoder.end()];
  assert.equal(Buffer.concat(pieces).toString(), `a${' '.repeat(1024)}b`);
});

for (const [encoding, body, decoded] of [
  ['8bit', 'a\nb\r\nc\r', 'a\nb\r\nc\r'],
  ['quoted-printable', 'a=C3=A9 \nb\r\nc=\n\rd', 'a\xc3\xa9\nb\r\nc\rd'],
  ['base64', 'Cg==\n', '\n'],
] as const)
  test(`${encoding} with the line ends of the file: ${JSON.stringify(body)}`, () => {
    const decoder = createTransferDecoder(encoding, 'file')!;
    const pieces = [...body].map((octet) => decoder.write(Buffer.from(octet, 'latin1')));
    assert.equal(Buffer.concat([...pieces, decoder.end()]).toString('latin1'), decoded);
  });
