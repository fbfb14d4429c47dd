import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerFields } from './header.ts';

const blocks: [name: string, header: string, fields: [string, string][]][] = [
  ['empty', '', []],
  ['ends at the empty line', 'A: b\n\nC: d\n', [['A', 'b']]],
  ['ends at the empty line, CRLF', 'A: b\r\n\r\nC: d\r\n', [['A', 'b']]],
  [
    'folded',
    'A: b\n c\r\n\td\nE:f',
    [
      ['A', 'b c\td'],
      ['E', 'f'],
    ],
  ],
  [
    'no colon',
    'From x\n y\nA : b',
    [
      ['', 'From x y'],
      ['A', 'b'],
    ],
  ],
  ['bare CR', 'A: b\rc\r\n', [['A', 'b c']]],
  ['octets stay', 'A: \xc3\xa0\n', [['A', '\xc3\xa0']]],
];

for (const [name, header, fields] of blocks) {
  test(`header: ${name}`, () => {
    const octets = Buffer.from(header, 'latin1');
    const found = [...headerFields(octets)];
    assert.deepEqual(
      found.map((field) => [field.name, field.value]),
      fields,
    );
    for (const [index, field] of found.entries())
      assert.equal(field.start, index === 0 ? 0 : found[index - 1]!.end);
  });
}
