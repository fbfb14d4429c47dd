import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allFlags, canonicalInfo, firstWithout, flag, parseFlags, replaceFlags } from './flags.ts';

const { answered, deleted, draft, flagged, seen } = flag;

for (const [info, bits] of [
  ['', 0],
  [':2,', 0],
  [':2,S', seen],
  [':2,TSFRD', draft | flagged | answered | seen | deleted],
  [':2,aPS', seen],
  [':1,S', 0],
  [':S', 0],
] as const)
  test(`info "${info}" has the flags ${bits}`, () => assert.equal(parseFlags(info), bits));

test('letters are written in the order D F R S T', () => {
  assert.equal(canonicalInfo(31), ':2,DFRST');
  assert.equal(canonicalInfo(0), ':2,');
});

for (const [info, bits, after] of [
  ['', seen, ':2,S'],
  [':2,TS', seen | deleted, ':2,ST'],
  [':2,PSab', flagged, ':2,FPab'],
  [':1,zz', seen, ':2,S'],
] as const)
  test(`"${info}" becomes "${after}", unknown letters kept`, () =>
    assert.equal(replaceFlags(info, bits), after));

test('the first row without a flag is that of a loop, within the rows that count', () => {
  const rows = fc.array(fc.oneof(fc.constant(flag.seen), fc.nat(allFlags)), { maxLength: 40 });
  fc.assert(
    fc.property(
      rows,
      fc.nat(1040),
      fc.constantFrom(...Object.values(flag)),
      fc.boolean(),
      (few, count, bit, isLarge) => {
        const bits = isLarge ? [...Array.from({ length: 1000 }, () => allFlags), ...few] : few;
        const flags = Uint8Array.of(0, ...bits, 0).subarray(1);
        const counted = Math.min(count, bits.length);
        const expected = bits.slice(0, counted).findIndex((each) => (each & bit) === 0);
        assert.equal(firstWithout(flags, counted, bit), expected);
      },
    ),
  );
});
