import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalInfo, flag, parseFlags, replaceFlags } from './flags.ts';

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
