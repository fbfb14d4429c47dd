import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatKeywordList,
  formatKeywordUpdate,
  KeywordTable,
  parseKeywordList,
  parseKeywordUpdate,
} from './keywords.ts';

const list = 'Beta\nZeta\nalpha\n\n1700000002.M1P1V1I1.h,S=14:0 2\n1700000003.M1P1V1I1.h,S=14:1\n';

test('the example of maildir-store §6.1 is read', async () => {
  assert.deepEqual(await parseKeywordList(list), {
    names: ['Beta', 'Zeta', 'alpha'],
    messages: [
      ['1700000002.M1P1V1I1.h,S=14', [0, 2]],
      ['1700000003.M1P1V1I1.h,S=14', [1]],
    ],
    malformed: false,
  });
});

for (const [text, messages, malformed] of [
  ['a\n\nx:0 7\n', [['x', [0]]], true],
  ['a\n\nx:0 -1 b\n', [['x', [0]]], true],
  ['a\n\nnocolon\ny:0\n', [['y', [0]]], true],
  ['a\n\nx:0', [['x', [0]]], false],
  ['', [], false],
] as const)
  test(`list ${JSON.stringify(text)}`, async () => {
    const parsed = await parseKeywordList(text);
    assert.deepEqual(parsed.messages, messages);
    assert.equal(parsed.malformed, malformed);
  });

test('a list is written with the names first used first', async () => {
  assert.equal(
    await formatKeywordList([
      ['1.a', ['B', 'x']],
      ['2.b', []],
      ['3.c', ['x', 'Y']],
    ]),
    'B\nx\nY\n\n1.a:0 1\n3.c:1 2\n',
  );
  assert.equal(await formatKeywordList([['1.a', []]]), undefined);
});

test('an update ends at its first empty line; forbidden octets become _', () => {
  assert.deepEqual(parseKeywordUpdate('Foo\nB(r\n\nlost\n'), ['Foo', 'B_r']);
  assert.deepEqual(parseKeywordUpdate(''), []);
  assert.equal(formatKeywordUpdate(['Foo', 'Bar']), 'Foo\nBar\n');
});

test('keywords are equal without regard to ASCII case; the first spelling stays', () => {
  const table = new KeywordTable();
  const id = table.idOf(['Work', 'home']);
  assert.equal(table.idOf(['HOME', 'work']), id);
  assert.deepEqual(table.sets[id], ['home', 'Work']);
  assert.deepEqual(table.sets[table.change(id, 'remove', ['WORK'])], ['home']);
  assert.deepEqual(table.sets[table.change(id, 'add', ['A'])], ['A', 'home', 'Work']);
  assert.equal(table.change(id, 'replace', []), 0);
  assert.notEqual(table.idOf(['\xc3\xa9']), table.idOf(['\xe3\xa9']));
});

test('a list keeps every message’s keywords', async () => {
  const word = fc.stringMatching(/^[A-Za-z0-9$_-]{1,8}$/);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uniqueArray(word, { maxLength: 5 }), { maxLength: 30 }), async (sets) => {
      const messages = sets.map((names, i) => [`${i}.m`, names] as [string, string[]]);
      const parsed = await parseKeywordList((await formatKeywordList(messages)) ?? '');
      const read = parsed.messages.map(([base, ids]) => [base, ids.map((id) => parsed.names[id])]);
      assert.deepEqual(
        read,
        messages.filter(([, names]) => names.length > 0),
      );
    }),
  );
});
