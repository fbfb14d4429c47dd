import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  makeFolderDirectory,
  type TemporaryAccount,
  temporaryAccount,
} from '../../test/support/temporary-account.ts';
import { openAccount } from './account.ts';

const names = async ({ account }: TemporaryAccount) => [...(await account.listFolders()).keys()];

async function uidsOf(
  { account }: TemporaryAccount,
  name: string,
): Promise<{ uidValidity: number; uids: number[] }> {
  const folder = await account.openFolder(name);
  const { uidValidity } = folder;
  const uids = [...folder.uids.subarray(0, folder.count)];
  folder.close();
  return { uidValidity, uids };
}

test('a new folder has Courier’s files and modes', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.Größe.x');
  const directory = join(a.maildir, '.Größe.x');
  const modes = readdirSync(directory).map((name) => [
    name,
    (statSync(join(directory, name)).mode & 0o7777).toString(8),
  ]);
  assert.deepEqual(Object.fromEntries(modes), {
    courierimapkeywords: '700',
    courierimapuiddb: '644',
    cur: '700',
    maildirfolder: '600',
    new: '700',
    tmp: '700',
  });
  assert.equal(statSync(directory).mode & 0o7777, 0o700);
  const [, uidValidity] = /^1 (\d+) 1\n$/.exec(a.get('.Größe.x/courierimapuiddb'))!;
  assert.ok(Math.abs(Number(uidValidity) - (Date.now() / 1000 - 1e9)) < 10, uidValidity);
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
  assert.deepEqual(await names(a), ['INBOX', 'INBOX.Größe.x']);
});

test('a folder that exists is not made again', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.a');
  a.put('.a/cur/1.m:2,', 'x\n');
  await assert.rejects(a.account.createFolder('INBOX.a'), { kind: 'exists' });
  await assert.rejects(a.account.createFolder('INBOX'), { kind: 'exists' });
  assert.deepEqual(readdirSync(join(a.maildir, '.a/cur')), ['1.m:2,']);
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
});

test('folders are listed in order, and nothing else is', async (t) => {
  const a = temporaryAccount(t);
  for (const entry of ['.b', '.a', '.a.b', '..hidden', '.x.', 'plain'])
    makeFolderDirectory(join(a.maildir, entry));
  a.put('.file');
  symlinkSync('.a', join(a.maildir, '.link'));
  symlinkSync('nowhere', join(a.maildir, '.broken'));
  mkdirSync(Buffer.from(`${a.maildir}/.\xe9t`, 'latin1'));
  assert.deepEqual(await names(a), [
    'INBOX',
    'INBOX.a',
    'INBOX.a.b',
    'INBOX.b',
    'INBOX.link',
    'INBOX.\uefe9t',
  ]);
});

test('a folder made by another program is listed at once', async (t) => {
  const a = temporaryAccount(t);
  assert.deepEqual(await names(a), ['INBOX']);
  makeFolderDirectory(join(a.maildir, '.a'));
  assert.deepEqual(await names(a), ['INBOX', 'INBOX.a']);
  renameSync(join(a.maildir, '.a'), join(a.maildir, '.b'));
  assert.deepEqual(await names(a), ['INBOX', 'INBOX.b']);
});

test('a deleted folder is gone and what is below it stays', async (t) => {
  const a = temporaryAccount(t);
  for (const name of ['INBOX.a', 'INBOX.a.b']) await a.account.createFolder(name);
  a.put('.a/cur/1.m:2,', 'x\n');
  a.put('.a/foreign/deep/file', 'x\n');
  await a.account.deleteFolder('INBOX.a');
  assert.deepEqual(await names(a), ['INBOX', 'INBOX.a.b']);
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
  await assert.rejects(a.account.deleteFolder('INBOX.a'), { kind: 'notFound' });
  await assert.rejects(a.account.openFolder('INBOX.a'), { kind: 'notFound' });
  await assert.rejects(a.account.deleteFolder('INBOX'), { kind: 'cannot' });
});

test('deleting never follows a symbolic link', async (t) => {
  const a = temporaryAccount(t);
  const target = join(a.maildir, '../elsewhere');
  makeFolderDirectory(target);
  writeFileSync(join(target, 'cur/1.m:2,'), 'x\n');
  symlinkSync(target, join(a.maildir, '.link'));
  await a.account.createFolder('INBOX.a');
  symlinkSync(target, join(a.maildir, '.a/inner'));
  await a.account.deleteFolder('INBOX.link');
  await a.account.deleteFolder('INBOX.a');
  assert.deepEqual(await names(a), ['INBOX']);
  assert.deepEqual(readdirSync(join(target, 'cur')), ['1.m:2,']);
});

test('a renamed hierarchy keeps UIDs, UIDVALIDITY and all files', async (t) => {
  const a = temporaryAccount(t);
  for (const name of ['INBOX.old', 'INBOX.old.sub', 'INBOX.older']) await a.account.createFolder(name);
  for (const n of [1, 2, 3]) a.put(`.old/cur/${n}.m:2,S`, 'x\n');
  a.put('.old.sub/new/9.m', 'x\n');
  a.put('.old/courierimapacl', 'owner aceilrstwx\n');
  const before = [await uidsOf(a, 'INBOX.old'), await uidsOf(a, 'INBOX.old.sub')];
  assert.deepEqual(before[0].uids, [1, 2, 3]);
  await a.account.renameFolder('INBOX.old', 'INBOX.new.name');
  assert.deepEqual(await names(a), ['INBOX', 'INBOX.new.name', 'INBOX.new.name.sub', 'INBOX.older']);
  assert.deepEqual([await uidsOf(a, 'INBOX.new.name'), await uidsOf(a, 'INBOX.new.name.sub')], before);
  assert.equal(a.get('.new.name/courierimapacl'), 'owner aceilrstwx\n');
  await a.account.renameFolder('INBOX.new.name', 'INBOX.old');
  assert.deepEqual([await uidsOf(a, 'INBOX.old'), await uidsOf(a, 'INBOX.old.sub')], before);
});

test('a missing parent can be renamed with what is below it', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.a.b');
  await a.account.renameFolder('INBOX.a', 'INBOX.c');
  assert.deepEqual(await names(a), ['INBOX', 'INBOX.c.b']);
});

test('a symbolic link is renamed itself', async (t) => {
  const a = temporaryAccount(t);
  makeFolderDirectory(join(a.maildir, '../elsewhere'));
  symlinkSync('../elsewhere', join(a.maildir, '.link'));
  await a.account.renameFolder('INBOX.link', 'INBOX.other');
  assert.equal(readlinkSync(join(a.maildir, '.other')), '../elsewhere');
});

const refusals: [from: string, to: string, kind: string][] = [
  ['INBOX.a', 'INBOX.b', 'exists'],
  ['INBOX.a', 'INBOX.c', 'exists'], // INBOX.c.sub is in the way of INBOX.a.sub
  ['INBOX.a', 'INBOX.a', 'exists'],
  ['INBOX.a', 'INBOX.a.x', 'cannot'],
  ['INBOX', 'INBOX.x', 'cannot'],
  ['INBOX.a', 'INBOX', 'cannot'],
  ['INBOX.nothing', 'INBOX.x', 'notFound'],
  ['INBOX.a', `INBOX.${'x'.repeat(252)}`, 'invalidName'],
];
for (const [from, to, kind] of refusals)
  test(`renaming ${from} to ${to.slice(0, 20)} is refused and changes nothing`, async (t) => {
    const a = temporaryAccount(t);
    const folders = ['INBOX.a', 'INBOX.a.sub', 'INBOX.b', 'INBOX.c.sub'];
    for (const name of folders) await a.account.createFolder(name);
    await assert.rejects(a.account.renameFolder(from, to), { kind });
    assert.deepEqual(await names(a), ['INBOX', ...folders]);
  });

test('a folder made under a former name has another UIDVALIDITY', async (t) => {
  const a = temporaryAccount(t);
  const seen = new Set<number>();
  for (let round = 0; round < 5; round++) {
    await a.account.createFolder('INBOX.a');
    seen.add((await uidsOf(a, 'INBOX.a')).uidValidity);
    if (round % 2 === 0) await a.account.deleteFolder('INBOX.a');
    else await a.account.renameFolder('INBOX.a', `INBOX.b${round}`);
  }
  assert.equal(seen.size, 5);
});

test('new values are never those of Courier in the same second, nor used twice when the record is lost', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.a');
  const { uidValidity } = await uidsOf(a, 'INBOX.a');
  assert.ok(uidValidity < Date.now() / 1000 - 1e9);
  writeFileSync(join(a.maildir, 'postrider-uidvalidity'), 'damaged');
  await a.account.createFolder('INBOX.b');
  assert.equal((await uidsOf(a, 'INBOX.b')).uidValidity, uidValidity + 1);
});

test('two folders of one UIDVALIDITY never show different messages under one name', async (t) => {
  const a = temporaryAccount(t);
  for (const entry of ['.a', '.b', '.c']) {
    makeFolderDirectory(join(a.maildir, entry));
    a.put(`${entry}/courierimapuiddb`, `1 700 2\n1 ${entry.slice(1)}\n`);
    a.put(`${entry}/cur/${entry.slice(1)}:2,`, 'x\n');
  }
  await a.account.renameFolder('INBOX.a', 'INBOX.elsewhere');
  assert.equal((await uidsOf(a, 'INBOX.elsewhere')).uidValidity, 700);
  await a.account.renameFolder('INBOX.b', 'INBOX.a');
  const taken = await uidsOf(a, 'INBOX.a');
  assert.notEqual(taken.uidValidity, 700, 'INBOX.a, 700, 1 was another message');
  assert.deepEqual(taken.uids, [1], 'the UIDs stay');
  await a.account.deleteFolder('INBOX.a');
  await a.account.renameFolder('INBOX.elsewhere', 'INBOX.a');
  assert.equal((await uidsOf(a, 'INBOX.a')).uidValidity, 700, 'the very folder may return');
  await a.account.deleteFolder('INBOX.a');
  await a.account.renameFolder('INBOX.c', 'INBOX.a');
  assert.notEqual((await uidsOf(a, 'INBOX.a')).uidValidity, 700);
});

test('a session that has a renamed or deleted folder open is told', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.a');
  const folder = await a.account.openFolder('INBOX.a');
  await a.account.renameFolder('INBOX.a', 'INBOX.b');
  await assert.rejects(folder.refresh(), { kind: 'notFound' });
  folder.close();
});

test('sessions of one process share an account', (t) => {
  const a = temporaryAccount(t);
  assert.equal(openAccount(a.maildir, { ...a.account.settings }), a.account);
  assert.notEqual(openAccount(a.maildir, { ...a.account.settings, durable: true }), a.account);
});

test('a maildir is one account however its path is spelt', async (t) => {
  const a = temporaryAccount(t);
  symlinkSync(a.maildir, join(a.maildir, '../link'));
  for (const path of [
    `${a.maildir}/`,
    `${a.maildir}/../Maildir`,
    `${a.maildir}/./`,
    join(a.maildir, '../link'),
  ])
    assert.equal(openAccount(path, a.account.settings), a.account);
});

test('a folder that is a symbolic link is the folder it leads to', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.a');
  symlinkSync('.a', join(a.maildir, '.link'));
  const folders = [await a.account.openFolder('INBOX.a'), await a.account.openFolder('INBOX.link')];
  assert.equal(folders[0], folders[1]);
  for (const folder of folders) folder.close();
});

test('an account that is not there is said to be so', async (t) => {
  const a = temporaryAccount(t);
  const account = openAccount(`${a.maildir}/none`, a.account.settings);
  await assert.rejects(account.listFolders(), { kind: 'unavailable' });
  assert.equal(existsSync(`${a.maildir}/none`), false);
});

test('a folder that is nothing but a name is removed by Courier’s rules', async (t) => {
  const a = temporaryAccount(t);
  a.put('.file');
  await assert.rejects(a.account.deleteFolder('INBOX.file'), { kind: 'notFound' });
  assert.ok(lstatSync(join(a.maildir, '.file')).isFile());
});
