import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UidDbReader, UidDbWriter } from './uid-db.ts';

function read(text: string) {
  const reader = new UidDbReader(Buffer.from(text, 'latin1'));
  const lines: [number, string][] = [];
  while (reader.next()) lines.push([reader.uid, reader.name]);
  return { header: reader.header, lines };
}

function write(uidValidity: number, uidNext: number, lines: readonly (readonly [number, string])[]): string {
  const blocks: Buffer[] = [];
  const writer = new UidDbWriter({ uidValidity, uidNext }, (block) => blocks.push(Buffer.from(block)));
  for (const [uid, name] of lines) writer.addName(uid, name);
  writer.flush();
  return Buffer.concat(blocks).toString('latin1');
}

const example =
  '1 795529407 17\n1 1700000001.M1P1V1I1.h,S=14\n4 1700000002.M5P9V1I2.h\n16 foreign name with space\n';

test('the example of maildir-store §4.1 is read and written', () => {
  const { header, lines } = read(example);
  assert.deepEqual(header, { uidValidity: 795529407, uidNext: 17 });
  assert.deepEqual(lines, [
    [1, '1700000001.M1P1V1I1.h,S=14'],
    [4, '1700000002.M5P9V1I2.h'],
    [16, 'foreign name with space'],
  ]);
  assert.equal(write(795529407, 17, lines), example);
});

for (const [text, header] of [
  ['', undefined],
  ['1 5 6', undefined],
  ['2 5 6\n', undefined],
  ['1 5\n', undefined],
  ['1 0 6\n', undefined],
  ['1 4294967296 6\n', undefined],
  ['x 5 6\n', undefined],
  ['  1  5   6 and more\n', { uidValidity: 5, uidNext: 6 }],
  ['1 4294967295 4294967296\n', { uidValidity: 4294967295, uidNext: 4294967296 }],
] as const)
  test(`header ${JSON.stringify(text)} is ${header ? 'valid' : 'invalid'}`, () => {
    assert.deepEqual(read(text).header, header);
  });

for (const [body, lines] of [
  ['1 a\n2 b', [[1, 'a']]],
  ['nonsense\n3 c\n', [[3, 'c']]],
  ['x 1\n', []],
  ['7\n8  two blanks\n', [[8, ' two blanks']]],
  ['9 \n', []],
  ['0 zero\n4294967296 big\n', []],
  ['5x name\n', [[5, 'name']]],
  ['\n\n6 \xe9\n', [[6, '\xe9']]],
] as const)
  test(`lines ${JSON.stringify(body)}`, () => {
    assert.deepEqual(read(`1 5 6\n${body}`).lines, lines);
  });

test('what is written is read back', () => {
  const name = fc
    .array(
      fc.integer({ min: 1, max: 255 }).filter((octet) => octet !== 10),
      { minLength: 1, maxLength: 255 },
    )
    .map((octets) => String.fromCharCode(...octets));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_ffff }), { maxLength: 400 }),
      name,
      (uids, base) => {
        const lines = uids.sort((a, b) => a - b).map((uid) => [uid, base] as [number, string]);
        assert.deepEqual(read(write(77, 0xffff_ffff, lines)).lines, lines);
      },
    ),
  );
});
