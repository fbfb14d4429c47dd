import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from './modified-utf7.ts';

const pairs: [string, string][] = [
  ['INBOX', 'INBOX'],
  ['', ''],
  ['INBOX.R&D', 'INBOX.R&-D'],
  ['&', '&-'],
  ['&&', '&-&-'],
  ['INBOX.ét', 'INBOX.&AOk-t'],
  ['INBOX.Größe', 'INBOX.Gr&APYA3w-e'],
  ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
  ['😀', '&2D3eAA-'],
  ['a\nb', 'a&AAo-b'],
  ['a\0', 'a&AAA-'],
  ['x\x7f', 'x&AH8-'],
  ['R&AOk-sum&AOk-', 'R&-AOk-sum&-AOk-'],
];
for (const [name, wire] of pairs)
  test(`modified UTF-7 ${JSON.stringify(name)} <-> ${wire}`, () => {
    assert.equal(encodeModifiedUtf7(name), wire);
    assert.equal(decodeModifiedUtf7(wire), name);
  });

const refused: [string, string][] = [
  ['&AGE-', 'an encoded letter'],
  ['&AC4-', 'an encoded dot'],
  ['INBOX&AC4-x', 'an encoded dot among others'],
  ['&AC8-', 'an encoded slash'],
  ['&ACY-', 'an encoded ampersand'],
  ['&AOk', 'an open run'],
  ['&', 'a lone ampersand'],
  ['R&D', 'a bare ampersand'],
  ['&AOl-', 'padding bits that are not zero'],
  ['&AOkA-', 'spare digits'],
  ['&AOk-&AOk-', 'a superfluous shift'],
  ['&A-', 'less than one unit'],
  ['&AO!-', 'a foreign digit'],
  ['&AO/p-', 'the slash of plain base64'],
  ['&2D0-', 'half a surrogate pair'],
  ['&3gDYPQ-', 'a surrogate pair the wrong way round'],
  ['é', 'a raw character'],
  ['a\tb', 'a raw control character'],
  ['&AOk-\n', 'a raw newline'],
];
for (const [wire, what] of refused)
  test(`modified UTF-7 refuses ${what}`, () => assert.equal(decodeModifiedUtf7(wire), undefined));

test('modified UTF-7 brings every well-formed name back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const wire = encodeModifiedUtf7(name);
      assert.match(wire, /^[\x20-\x7e]*$/);
      assert.equal(decodeModifiedUtf7(wire), name);
    }),
  );
});

test('modified UTF-7 has one spelling for each name', () => {
  const wires = fc.string({ unit: fc.constantFrom('&', '-', 'A', 'O', 'k', '2', 'D', ',', '.', 'é') });
  fc.assert(
    fc.property(wires, (wire) => {
      const name = decodeModifiedUtf7(wire);
      if (name !== undefined) assert.equal(encodeModifiedUtf7(name), wire);
    }),
    { numRuns: 2000 },
  );
});
