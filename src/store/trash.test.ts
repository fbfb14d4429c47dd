import assert from 'node:assert/strict';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryAccount } from '../../test/support/temporary-account.ts';
import { parseEmptyTrash, purgeFolder, trashName } from './trash.ts';

const values: [value: string | undefined, parsed: [folder: string, days: number][]][] = [
  [undefined, []],
  ['', []],
  ['7', [['Bin', 7]]],
  ['0', [['Bin', 1]]],
  ['-3', [['Bin', 1]]],
  ['x', [['Bin', 1]]],
  [
    'Trash:7,Sent:30',
    [
      ['Trash', 7],
      ['Sent', 30],
    ],
  ],
  ['Trash:7,Sent', [['Trash', 7]]],
  [
    'INBOX:9, a.b:x',
    [
      ['INBOX', 9],
      ['a.b', 1],
    ],
  ],
  ['7,8', []],
];
for (const [value, parsed] of values)
  test(`IMAP_EMPTYTRASH ${JSON.stringify(value)}`, () => {
    const expected = parsed.map(([folder, days]) => ({ folder, days }));
    assert.deepEqual(parseEmptyTrash(value, 'Bin'), expected);
  });

const names: [name: string, inTrash: string][] = [
  ['1.m:2,ST', '1.m:2,S'],
  ['1.m:2,DFRST', '1.m:2,FRS'],
  ['1.m:2,T', '1.m:2,'],
  ['1.m:2,STa', '1.m:2,Sa'],
  ['1.m', '1.m'],
  ['1.m:1,T', '1.m:1,T'],
];
for (const [name, inTrash] of names)
  test(`${name} is ${inTrash} in the trash`, () => assert.equal(trashName(name), inTrash));

test('only messages that are old enough are removed, from new and from cur', async (t) => {
  const a = temporaryAccount(t);
  for (const path of ['cur/1.m:2,', 'cur/2.m:2,ST', 'new/3.m', 'cur/.hidden']) a.put(path, 'text\n');
  const day = await purgeFolder(a.maildir, 1, a.account.settings);
  assert.deepEqual(day, { octets: 0, messages: 0 });
  assert.equal(readdirSync(join(a.maildir, 'cur')).length, 3);
  const all = await purgeFolder(a.maildir, -1, a.account.settings);
  assert.deepEqual(all, { octets: 10, messages: 2 }, 'one of the three was not counted in the quota');
  assert.deepEqual(readdirSync(join(a.maildir, 'cur')), ['.hidden']);
  assert.deepEqual(readdirSync(join(a.maildir, 'new')), []);
});

test('a folder in which nothing has happened is not looked at again before something is old enough', async (t) => {
  const a = temporaryAccount(t);
  a.put('cur/1.m:2,', 'x\n');
  const settle = (seconds: number) => {
    for (const name of ['cur', 'new']) utimesSync(join(a.maildir, name), seconds, seconds);
  };
  settle(1000);
  await purgeFolder(a.maildir, 1, a.account.settings);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 86_500_000 });
  assert.equal((await purgeFolder(a.maildir, 2, a.account.settings)).messages, 0);
  assert.equal((await purgeFolder(a.maildir, 1, a.account.settings)).messages, 1, 'its day has come');
  a.put('cur/2.m:2,', 'x\n');
  settle(2000);
  await purgeFolder(a.maildir, -1, a.account.settings);
  assert.deepEqual(readdirSync(join(a.maildir, 'cur')), []);
  t.mock.timers.reset();
});

test('a folder that is not there needs no emptying', async (t) => {
  const a = temporaryAccount(t);
  assert.deepEqual(await purgeFolder(join(a.maildir, '.none'), 1, a.account.settings), {
    octets: 0,
    messages: 0,
  });
});
