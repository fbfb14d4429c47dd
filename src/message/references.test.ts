import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessageIds } from './references.ts';

const values: [value: string, ids: string[]][] = [
  ['', []],
  ['<a@b>', ['a@b']],
  ['<a@b> <c@d>\t<e@f>', ['a@b', 'c@d', 'e@f']],
  ['<a@b>,<c@d>', ['a@b', 'c@d']],
  ['Message of "x" <a@b> (c)', ['a@b']],
  ['<"01KF"@x>', ['01KF@x']],
  ['<"a\\"b"@x>', ['a"b@x']],
  ['<a@ b>', ['a@b']],
  ['<a@b> <open <c@d>', ['a@b', 'c@d']],
  ['<> <a@b', []],
];

for (const [value, ids] of values) {
  test(`message ids: ${value}`, () => assert.deepEqual(parseMessageIds(value), ids));
}

test('of very many ids the last 1,000 are kept', () => {
  const value = Array.from({ length: 1001 }, (_, number) => `<${number}@x>`).join(' ');
  const ids = parseMessageIds(value);
  assert.deepEqual([ids.length, ids[0], ids[999]], [1000, '1@x', '1000@x']);
});
