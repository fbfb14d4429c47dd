import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLimit, isCounted, parseLimit, sizeInName } from './maildirsize.ts';

const limits: [text: string, octets: number, messages: number, again: string, complaints: number][] = [
  ['100000S,100C', 100000, 100, '100000S,100C', 0],
  ['5C,10S', 10, 5, '10S,5C', 0],
  ['1000S3C', 1000, 3, '1000S,3C', 0],
  ['10X5C', 0, 5, '5C', 1],
  ['10s', 0, 0, '', 1],
  ['1S2S', 2, 0, '2S', 0],
  ['junk', 0, 0, '', 0],
  ['7', 0, 0, '', 1],
  ['', 0, 0, '', 0],
];
for (const [text, octets, messages, again, complaints] of limits)
  test(`quota ${JSON.stringify(text)}`, () => {
    let told = 0;
    const limit = parseLimit(text, () => told++);
    assert.deepEqual(limit, { octets, messages });
    assert.equal(formatLimit(limit), again);
    assert.equal(told, complaints);
  });

const counted: [name: string, yes: boolean, withTrash?: boolean][] = [
  ['1.M1P1.h', true],
  ['1.M1P1.h:2,S', true],
  ['1.M1P1.h:2,ST', false, true],
  ['1.M1P1.h:2,T', false, true],
  ['1.M1P1.h:2,St', true],
  ['1.M1P1.h:2,aT', true],
  ['T:1,T', true],
  ['.hidden', false],
];
for (const [name, yes, withTrash = yes] of counted)
  test(`message ${name} ${yes ? 'counts' : 'does not count'}`, () => {
    assert.equal(isCounted(name, {}), yes);
    assert.equal(isCounted(name, { countTrash: true }), withTrash);
  });

const sizes: [name: string, size: number | undefined][] = [
  ['1.h,S=14', 14],
  ['1.h,S=14:2,S', 14],
  ['1.h,S=14,S=15:2,', 15],
  ['1.h:2,S=9', undefined],
  ['1.h', undefined],
  ['1.h,S=', undefined],
  ['1.h,S=3,W=5:2,', 3],
];
for (const [name, size] of sizes) test(`size in ${name}`, () => assert.equal(sizeInName(name), size));
