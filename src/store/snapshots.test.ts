import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { put, temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import { flag } from './flags.ts';
import type { Folder } from './folder.ts';
import { forgetFolder, openFolder } from './registry.ts';
import { parseSnapshot, readSnapshot, type Snapshot, saveSnapshot, tidySnapshots } from './snapshots.ts';
import { interceptSteps } from './steps.ts';

async function withFolder(t: TestContext): Promise<{ folder: Folder; saved: string }> {
  const { directory, remove } = temporaryFolder();
  for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,FT']) put(directory, `cur/${name}`);
  const folder = await openFolder(directory, testSettings);
  t.after(() => {
    forgetFolder(directory);
    remove();
  });
  await folder.storeFlags([1], { mode: 'add', flags: 0, keywords: ['b', 'a'] });
  await folder.storeFlags([3], { mode: 'add', flags: 0, keywords: ['a'] });
  return { folder, saved: join(directory, 'courierimapsnapshots') };
}

const rowsOf = ({ uids, flags, keywords }: Snapshot) =>
  Array.from(uids, (uid, i) => [uid, flags[i], keywords.get(uid) ?? []]);

const three = [
  [1, flag.seen, ['a', 'b']],
  [2, 0, []],
  [3, flag.flagged | flag.deleted, ['a']],
];

test('a snapshot is what was there when it was asked for, in Courier’s format', async (t) => {
  const { folder, saved } = await withFolder(t);
  const saving = saveSnapshot(folder, '', '');
  const changing = folder.storeFlags([2], { mode: 'add', flags: flag.draft, keywords: [] });
  const id = await saving;
  await changing;
  assert.match(id, /^\d+\.M\d+P\d+_snapshot\.test\.host$/);
  assert.equal(
    readFileSync(join(saved, id), 'latin1'),
    `1 3 ${folder.uidValidity} 4\n1:2,S\n2:2,\n3:2,FT\na\nb\n\n1.a:0 1\n3.c:0\n`,
  );
  const snapshot = await readSnapshot(folder, id);
  assert.deepEqual(rowsOf(snapshot!), three);
  assert.equal(snapshot!.previous, '');
});

test('one that Courier has written is read; of messages that have gone the keywords are not needed', async (t) => {
  const { folder, saved } = await withFolder(t);
  await saveSnapshot(folder, '', '');
  const text = `1 4 ${folder.uidValidity} 9:before\n1:2,S\n2:2,\n3:2,FT\n8:2,R\nb\na\n\n1.a:1 0\n8.gone:0\n3.c:1 7 x\n`;
  writeFileSync(join(saved, 'theirs'), text);
  const snapshot = await readSnapshot(folder, 'theirs');
  assert.deepEqual(rowsOf(snapshot!), [
    [1, flag.seen, ['a', 'b']],
    ...three.slice(1),
    [8, flag.answered, []],
  ]);
  assert.equal(snapshot!.previous, 'before');
});

test('of one chain two stay', async (t) => {
  const { folder, saved } = await withFolder(t);
  const one = await saveSnapshot(folder, '', '');
  const two = await saveSnapshot(folder, one, '');
  const three = await saveSnapshot(folder, two, one);
  assert.deepEqual(new Set(readdirSync(saved)), new Set([two, three]));
  assert.equal((await readSnapshot(folder, three))!.previous, two);
});

for (const id of ['', '.', '..', '.x', '../cur/1.a:2,S', 'nosuch', 'x'.repeat(300), 'a\0b'])
  test(`the id ${JSON.stringify(id).slice(0, 20)} names none`, async (t) => {
    const { folder } = await withFolder(t);
    await saveSnapshot(folder, '', '');
    assert.equal(await readSnapshot(folder, id), undefined);
  });

test('one of another UIDVALIDITY or version, or one that is damaged, is not restored', async (t) => {
  const { folder, saved } = await withFolder(t);
  const id = await saveSnapshot(folder, '', '');
  const text = readFileSync(join(saved, id), 'latin1');
  const damaged = [
    '',
    'nonsense\n',
    text.replace(/^1 3/, '2 3'),
    text.replace(/^1 3/, '1 4000000000'),
    text.replace(`${folder.uidValidity}`, '7'),
    text.replace('2:2,', '1:2,'),
    text.replace('2:2,', '0:2,'),
    text.replace('2:2,', '99999999999:2,'),
    text.replace('2:2,', `2:2,${'S'.repeat(100)}`),
    text.replace('2:2,', '\0\0\0\0'),
    ...Array.from({ length: text.indexOf('a\n') }, (_, length) => text.slice(0, length)),
  ];
  for (const each of damaged) {
    writeFileSync(join(saved, id), each, 'latin1');
    assert.equal(await readSnapshot(folder, id), undefined, JSON.stringify(each));
  }
});

test('whatever octets a file has, reading it ends', async (t) => {
  const { folder } = await withFolder(t);
  const text = `1 2 ${folder.uidValidity} 4\n1:2,S\n2:2,\na\n\n1.a:0\n`;
  for (let at = 0; at < text.length; at++)
    for (const octet of [0, 10, 32, 48, 58, 255]) {
      const octets = Buffer.from(text, 'latin1');
      octets[at] = octet;
      const snapshot = await parseSnapshot(octets, folder);
      if (snapshot) assert.equal(snapshot.uids.length, snapshot.count);
    }
});

test('stopping anywhere while one is saved leaves those there were', async (t) => {
  const { folder, saved } = await withFolder(t);
  t.after(() => interceptSteps(undefined));
  const one = await saveSnapshot(folder, '', '');
  const two = await saveSnapshot(folder, one, '');
  for (let calls = 0, isDone = false; !isDone; calls++) {
    let done = 0;
    interceptSteps((step) => {
      if (done++ >= calls) throw new Error(step);
    });
    isDone = await saveSnapshot(folder, two, one).then(
      () => true,
      () => false,
    );
    interceptSteps(undefined);
    assert.ok(await readSnapshot(folder, two), `after ${calls} calls`);
    for (const name of readdirSync(saved)) assert.ok(await readSnapshot(folder, name), name);
  }
  assert.ok(!existsSync(join(saved, one)));
});

test('above ten the oldest go when nobody has used them for long, and never more than fifty stay', async (t) => {
  const { folder, saved } = await withFolder(t);
  await saveSnapshot(folder, '', '');
  const nowMs = Date.now();
  const age = (count: number, days: number) => {
    for (let i = 0; i < count; i++) {
      const path = join(saved, `${days}-${i}`);
      writeFileSync(path, '');
      utimesSync(path, nowMs / 1000 - days * 86_400, nowMs / 1000 - days * 86_400);
    }
  };
  age(9, 30);
  tidySnapshots(folder, nowMs);
  assert.equal(readdirSync(saved).length, 10, 'ten may be as old as they are');
  age(1, 8);
  tidySnapshots(folder, nowMs);
  assert.deepEqual(readdirSync(saved).filter((name) => name.startsWith('30')).length, 8);
  age(60, 1);
  tidySnapshots(folder, nowMs);
  assert.equal(readdirSync(saved).length, 50);
});

test('restoring one counts as using it', async (t) => {
  const { folder, saved } = await withFolder(t);
  const id = await saveSnapshot(folder, '', '');
  utimesSync(join(saved, id), 1, 1);
  await readSnapshot(folder, id);
  assert.ok(statSync(join(saved, id)).mtimeMs > 1e12);
});
