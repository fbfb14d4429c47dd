/** What a session does to a folder: flags, keywords, APPEND, COPY, MOVE, EXPUNGE. */
import assert from 'node:assert/strict';
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  databaseOf,
  listOf,
  put,
  rowsOf,
  type TemporaryFolder,
  temporaryFolder,
  testSettings,
  textsOf,
} from '../../test/support/store-folder.ts';
import { flag } from './flags.ts';
import type { FlagChange, Folder, StoreSettings } from './folder.ts';
import { forgetFolder, openFolder } from './registry.ts';

let place: TemporaryFolder;
let directory: string;

beforeEach(() => {
  place = temporaryFolder();
  directory = place.directory;
});

afterEach(() => {
  forgetFolder(directory);
  forgetFolder(`${directory}/.Other`);
  place.remove();
});

const open = (settings: StoreSettings = testSettings) => openFolder(directory, settings);

const reopen = (settings?: StoreSettings) => {
  forgetFolder(directory);
  return open(settings);
};

function openOther(): Promise<Folder> {
  for (const name of ['', '/cur', '/new', '/tmp']) mkdirSync(`${directory}/.Other${name}`);
  return openFolder(`${directory}/.Other`, testSettings);
}

function store(folder: Folder, uids: number[], change: Partial<FlagChange>): Promise<void> {
  return folder.storeFlags(uids, { mode: 'add', flags: 0, keywords: [], ...change });
}

for (const [mode, flags, mask, name] of [
  ['add', flag.seen | flag.deleted, undefined, '1.a:2,FSTp'],
  ['remove', flag.flagged | flag.seen, undefined, '1.a:2,p'],
  ['replace', flag.draft, undefined, '1.a:2,Dp'],
  ['replace', flag.draft, flag.draft | flag.seen, '1.a:2,DFp'],
  ['add', flag.seen | flag.deleted, flag.seen, '1.a:2,FSp'],
] as const)
  test(`${mode} ${flags} with rights ${mask ?? 'for all'} makes ${name}`, async () => {
    put(directory, 'cur/1.a:2,Fp');
    const folder = await open();
    await store(folder, [1], { mode, flags, ...(mask === undefined ? {} : { mask }) });
    assert.deepEqual(listOf(directory, 'cur'), [name]);
    assert.deepEqual(rowsOf(folder), [`1 ${name}`]);
  });

test('flags that another program set meanwhile are honoured', async () => {
  put(directory, 'cur/1.a:2,');
  put(directory, 'cur/2.b:2,S');
  const folder = await open();
  renameSync(`${directory}/cur/1.a:2,`, `${directory}/cur/1.a:2,R`);
  renameSync(`${directory}/cur/2.b:2,S`, `${directory}/cur/2.b:2,R`);
  await store(folder, [1, 2, 77], { flags: flag.seen });
  assert.deepEqual(listOf(directory, 'cur'), ['1.a:2,RS', '2.b:2,RS']);
});

test('a change that changes nothing renames nothing', async () => {
  put(directory, 'cur/1.a:2,S');
  const folder = await open();
  const { highestModseq } = folder;
  await store(folder, [1], { flags: flag.seen });
  assert.equal(folder.highestModseq, highestModseq);
});

for (const keywords of [1, 2] as const)
  test(`keywords in mode ${keywords} are seen by the next process, and merged`, async () => {
    for (const name of ['1.a:2,', '2.b:2,']) put(directory, `cur/${name}`);
    const settings = { ...testSettings, keywords };
    const folder = await open(settings);
    await store(folder, [1, 2], { keywords: ['Work'] });
    await store(folder, [2], { keywords: ['home', 'WORK'] });
    await store(folder, [1], { mode: 'remove', keywords: ['work'] });
    assert.deepEqual(rowsOf(folder), ['1 1.a:2,', '2 2.b:2, home Work']);
    assert.deepEqual(rowsOf(await reopen(settings)), ['1 1.a:2,', '2 2.b:2, home Work']);
    assert.equal(readFileSync(`${directory}/courierimapkeywords/:list`, 'latin1'), 'home\nWork\n\n2.b:0 1\n');
    const slot = Math.floor(Date.now() / 300_000) + 1;
    const left = listOf(directory, 'courierimapkeywords').map((name) => name.replace(/^\.\d+\./, '.N.'));
    assert.deepEqual(left, ['.N.1.a', '.N.2.b', ':list']);
    assert.ok(
      listOf(directory, 'courierimapkeywords')
        .filter((name) => name.startsWith('.'))
        .every((name) => Math.abs(Number(name.split('.')[1]) - slot) <= 1),
    );
  });

test('slow mode merges with what another program wrote; fast mode does not', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open({ ...testSettings, keywords: 2 });
  writeFileSync(`${directory}/courierimapkeywords/1.a`, 'Foreign\n');
  await store(folder, [1], { keywords: ['mine'] });
  assert.deepEqual(rowsOf(folder), ['1 1.a:2, Foreign mine']);
});

test('keywords another program sets are seen', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  const { highestModseq } = folder;
  writeFileSync(`${directory}/tmp/k`, 'Foreign\n');
  renameSync(`${directory}/tmp/k`, `${directory}/courierimapkeywords/1.a`);
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['1 1.a:2, Foreign']);
  assert.deepEqual(folder.changesSince(highestModseq), [0]);
});

test('many keyword files are merged by a refresh', async () => {
  for (let i = 1; i <= 120; i++) put(directory, `cur/${i}.a:2,`);
  const folder = await open();
  await store(folder, [...folder.uids.subarray(0, folder.count)], { keywords: ['k'] });
  put(directory, 'new/999.z');
  await folder.refresh();
  const names = listOf(directory, 'courierimapkeywords');
  assert.ok(names.includes(':list'));
  assert.ok(names.every((name) => name.startsWith('.') || name === ':list'));
  assert.equal(folder.flags.length > 0 && folder.keywordSets[folder.keywordSet[119]!]![0], 'k');
});

test('keywords given while all of the folder are read stay', async () => {
  const count = 2000;
  for (let i = 1; i <= count; i++) put(directory, `cur/${i}.a:2,`);
  const folder = await open({ ...testSettings, watch: false });
  for (let i = 1; i <= count; i++) writeFileSync(`${directory}/courierimapkeywords/${i}.a`, 'theirs\n');
  const refreshing = folder.refresh();
  while (folder.state.keywordsTaken === undefined) await setImmediate();
  // At every stage: some files have been read, others not.
  const changed: number[] = [];
  while (folder.state.keywordsTaken !== undefined) {
    changed.push(((changed.length * 389) % count) + 1);
    await store(folder, changed.slice(-1), { mode: 'replace', keywords: ['mine'] });
    await setImmediate();
  }
  await refreshing;
  const keywordsOf = (uid: number) => folder.keywordSets[folder.keywordSet[folder.rowOf(uid)]!]!.join();
  assert.ok(changed.length > 3, `${changed.length} changes`);
  assert.deepEqual([...new Set(changed.map(keywordsOf))], ['mine']);
  const other = Array.from({ length: count }, (_, i) => i + 1).find((uid) => !changed.includes(uid))!;
  assert.equal(keywordsOf(other), 'theirs');
});

test('with keywords off none is read or written', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open({ ...testSettings, keywords: 0 });
  await store(folder, [1], { keywords: ['k'] });
  await store(folder, [1], { mode: 'replace', keywords: ['k'] });
  assert.deepEqual(listOf(directory, 'courierimapkeywords'), []);
  assert.deepEqual(folder.keywords, []);
});

test('APPEND writes what Courier would: name, flags, size, line ends, date, keywords', async () => {
  const folder = await open();
  const message = await folder.startAppend();
  message.flags = flag.seen | flag.draft;
  message.keywords = ['K'];
  message.dateSeconds = 1_234_567_890;
  for (const piece of ['Subject: x\r', '\n\r\nbo', 'dy']) await message.write(Buffer.from(piece));
  const { uidValidity, uids } = await folder.commitAppends([message]);
  assert.deepEqual([uidValidity, uids], [folder.uidValidity, [1]]);
  const [name] = readdirSync(`${directory}/cur`);
  assert.match(
    name!,
    new RegExp(`^\\d{10}\\.M\\d{1,6}P${process.pid}V[0-9A-F]{16}I[0-9A-F]{16}_\\d+\\.test\\.host,S=17:2,DS$`),
  );
  const stats = statSync(`${directory}/cur/${name}`);
  assert.equal(name!.match(/I([0-9A-F]{16})/)![1], stats.ino.toString(16).toUpperCase().padStart(16, '0'));
  assert.equal(readFileSync(`${directory}/cur/${name}`, 'latin1'), 'Subject: x\n\nbody\n');
  assert.equal(folder.internalDate(0), 1_234_567_890);
  assert.equal(stats.mtimeMs, 1_234_567_890_000);
  assert.deepEqual(rowsOf(await reopen()), [`1 ${name} K`]);
});

test('APPEND of nothing makes an empty message', async () => {
  const folder = await open();
  await folder.commitAppends([await folder.startAppend()]);
  assert.deepEqual([...textsOf(folder).values()], ['']);
});

test('a large APPEND is written as it comes, and an aborted one leaves nothing', async () => {
  const folder = await open();
  const message = await folder.startAppend();
  const piece = Buffer.alloc(50_000, 'x\r\n');
  for (let i = 0; i < 5; i++) await message.write(piece);
  assert.equal(listOf(directory, 'tmp').length, 1);
  assert.ok(message.sizeOctets > 160_000);
  message.abort();
  message.abort();
  assert.deepEqual(listOf(directory, 'tmp'), []);
  assert.equal(folder.count, 0);
});

test('MULTIAPPEND gives consecutive UIDs in order, before new mail that waits', async () => {
  const folder = await open();
  put(directory, 'new/1.early');
  const messages = await Promise.all(['a', 'b', 'c'].map(() => folder.startAppend()));
  for (const [i, message] of messages.entries()) await message.write(Buffer.from(`${i}`));
  assert.deepEqual((await folder.commitAppends(messages)).uids, [1, 2, 3]);
  assert.deepEqual(
    [...textsOf(folder).values()].map((text) => text.trim().split('\n').at(-1)),
    ['0', '1', '2', 'new/1.early'],
  );
});

test('APPENDs of several sessions at once each get their own UID', async () => {
  const folder = await open({ ...testSettings, durable: true });
  const uids = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const message = await folder.startAppend();
      await message.write(Buffer.from(`${i}`));
      const given = (await folder.commitAppends([message])).uids[0]!;
      assert.equal(textsOf(folder).get(given), `${i}\n`);
      return given;
    }),
  );
  assert.deepEqual(
    uids.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  assert.equal(databaseOf(directory).length, 21);
});

test('one APPEND that fails does not fail those it shares the lock with', async () => {
  const folder = await open();
  const [good, bad] = [await folder.startAppend(), await folder.startAppend()];
  await good.write(Buffer.from('good'));
  await bad.write(Buffer.alloc(70_000, 'x'));
  const results = await Promise.allSettled([
    folder.commitAppends([good]),
    (async () => {
      const committed = folder.commitAppends([bad]);
      for (const name of listOf(directory, 'tmp'))
        if (statSync(`${directory}/tmp/${name}`).size > 1000) unlinkSync(`${directory}/tmp/${name}`);
      return committed;
    })(),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected'],
  );
  assert.deepEqual([...textsOf(folder).values()], ['good\n']);
  assert.deepEqual(listOf(directory, 'tmp'), []);
});

test('COPY keeps flags, keywords and dates, takes the order given, and passes over what has gone', async () => {
  for (const name of ['1.a:2,S', '2.b:2,FT', '3.c:2,']) put(directory, `cur/${name}`);
  const folder = await open();
  await store(folder, [1], { keywords: ['K'] });
  const other = await openOther();
  unlinkSync(`${directory}/cur/3.c:2,`);
  const copied = await other.copyFrom(folder, [2, 3, 1, 99], { flagMask: 31 & ~flag.deleted });
  assert.equal(copied.uidValidity, other.uidValidity);
  assert.deepEqual(copied.pairs, [
    [2, 1],
    [1, 2],
  ]);
  assert.deepEqual(
    rowsOf(other).map((row) => row.replace(/^(\d+) \S+:/, '$1 ')),
    ['1 2,F', '2 2,S K'],
  );
  assert.deepEqual(
    [...textsOf(other).values()],
    ['Subject: cur/2.b:2,FT\n\ncur/2.b:2,FT\n', 'Subject: cur/1.a:2,S\n\ncur/1.a:2,S\n'],
  );
  assert.equal(other.internalDate(0), folder.internalDate(1));
  assert.deepEqual(other.claimRecent(), []);
  assert.deepEqual((await other.copyFrom(folder, [1], { keywords: false })).pairs, [[1, 3]]);
  assert.equal(other.keywordSet[2], 0);
});

test('COPY of another user’s message makes a file of our own', async () => {
  put(directory, 'cur/1.a:2,', 'text');
  const owner = process.geteuid!() === 0 ? 1 : process.geteuid!();
  chownSync(`${directory}/cur/1.a:2,`, owner, process.getegid!());
  const folder = await open();
  const other = await openOther();
  await other.copyFrom(folder, [1]);
  assert.deepEqual([...textsOf(other).values()], ['Subject: text\n\ntext\n']);
  assert.equal(statSync(`${directory}/.Other/cur/${other.fileName(0)}`).uid, process.geteuid!());
  assert.equal(other.internalDate(0), folder.internalDate(0));
});

test('COPY into a folder without tmp says so, and takes nothing', async () => {
  put(directory, 'cur/1.a:2,S');
  const folder = await open();
  const other = await openOther();
  rmSync(`${directory}/.Other/tmp`, { recursive: true });
  await assert.rejects(other.moveFrom(folder, [1]), { kind: 'unavailable' });
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,S']);
});

test('MOVE within and between folders', async () => {
  for (const name of ['1.a:2,S', '2.b:2,']) put(directory, `cur/${name}`);
  const folder = await open();
  const other = await openOther();
  assert.deepEqual((await other.moveFrom(folder, [2])).pairs, [[2, 1]]);
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,S']);
  assert.deepEqual(listOf(directory, 'cur'), ['1.a:2,S']);
  assert.deepEqual((await folder.moveFrom(folder, [1])).pairs, [[1, 3]]);
  assert.deepEqual([...folder.uids.subarray(0, folder.count)], [3]);
});

test('MOVE keeps the base name unless the target has it, also if two sessions move the message', async () => {
  for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,F']) put(directory, `cur/${name}`);
  const folder = await open();
  const other = await openOther();
  put(`${directory}/.Other`, 'cur/2.b:2,T');
  await other.refresh();
  await store(folder, [3], { keywords: ['Work'] });
  await other.moveFrom(folder, [2, 3]);
  const names = rowsOf(other).map((row) => row.split(' ')[1]!);
  assert.deepEqual([names[0], names[2]], ['2.b:2,T', '3.c:2,F']);
  assert.match(names[1]!, /^\d+\.M.*:2,$/);
  assert.deepEqual(other.keywordSets[other.keywordSet[2]!], ['Work']);
  await Promise.all([other.moveFrom(folder, [1]), other.moveFrom(folder, [1])]);
  const [one, two] = [other.baseName(3), other.baseName(4)];
  assert.equal(one, '1.a');
  assert.notEqual(two, one);
});

test('an internal date can be changed, and a size is told without reading the message', async () => {
  put(directory, 'cur/1.a,S=1234:2,');
  put(directory, 'cur/2.b:2,');
  const folder = await open();
  folder.setInternalDate(1, 1_060_128_002);
  assert.deepEqual(
    [folder.fileOctets(0), folder.fileOctets(1)],
    [1234, statSync(`${directory}/cur/2.b:2,`).size],
  );
  await reopen();
  assert.equal(folder.internalDate(1), 1_060_128_002);
  assert.equal(statSync(`${directory}/cur/2.b:2,`).mtimeMs, 1_060_128_002_000);
});

test('what was removed is remembered by name and flags', async () => {
  for (const name of ['1.a:2,ST', '2.b:2,']) put(directory, `cur/${name}`);
  const folder = await open();
  const before = folder.highestModseq;
  await folder.expunge([1]);
  assert.deepEqual(
    [...folder.removedSince(before)],
    [[1, { baseName: '1.a', flags: flag.seen | flag.deleted }]],
  );
  assert.equal(folder.removedSince(folder.highestModseq).size, 0);
});

test('EXPUNGE removes files and rows, and tells which', async () => {
  for (const name of ['1.a:2,T', '2.b:2,', '3.c:2,T']) put(directory, `cur/${name}`);
  const folder = await open();
  const { uids, count, highestModseq } = folder;
  assert.deepEqual(await folder.expunge([3, 1]), [1, 3]);
  assert.deepEqual(listOf(directory, 'cur'), ['2.b:2,']);
  assert.deepEqual(folder.expungedSince(highestModseq), [1, 3]);
  assert.deepEqual([...uids.subarray(0, count)], [1, 2, 3], 'a session’s view stays');
});

test('EXPUNGE leaves a message whose \\Deleted was taken away meanwhile', async () => {
  for (const name of ['1.a:2,T', '2.b:2,T', '3.c:2,T']) put(directory, `cur/${name}`);
  const folder = await open();
  renameSync(`${directory}/cur/1.a:2,T`, `${directory}/cur/1.a:2,S`);
  renameSync(`${directory}/cur/2.b:2,T`, `${directory}/cur/2.b:2,ST`);
  unlinkSync(`${directory}/cur/3.c:2,T`);
  assert.deepEqual(await folder.expunge([1, 2, 3]), [2, 3]);
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,S']);
});

test('EXPUNGE into a trash folder never overwrites a message there', async () => {
  put(directory, 'cur/1.a:2,T', 'mine');
  const folder = await open();
  for (const name of ['', '/cur', '/new', '/tmp']) mkdirSync(`${directory}/.Trash${name}`);
  put(directory, '.Trash/cur/1.a:2,', 'there');
  assert.deepEqual(await folder.expunge([1], { trash: `${directory}/.Trash` }), [1]);
  const texts = listOf(directory, '.Trash/cur').map(
    (name) => readFileSync(`${directory}/.Trash/cur/${name}`, 'latin1').split('\n')[2],
  );
  assert.deepEqual(new Set(texts), new Set(['mine', 'there']));
  assert.equal(texts.length, 2);
  assert.deepEqual(listOf(directory, 'cur'), []);
});

test('EXPUNGE keeps a message that cannot be moved to the trash', async () => {
  put(directory, 'cur/1.a:2,T');
  const folder = await open();
  writeFileSync(`${directory}/.Trash`, 'a file in the way');
  assert.deepEqual(await folder.expunge([1], { trash: `${directory}/.Trash` }), []);
  assert.deepEqual(listOf(directory, 'cur'), ['1.a:2,T']);
  assert.equal(folder.count, 1);
});

test('octets that are no ASCII in names do no harm', async () => {
  const name = Buffer.concat([
    Buffer.from(`${directory}/cur/1.`),
    Buffer.from([0xe9, 0xff]),
    Buffer.from(':2,'),
  ]);
  writeFileSync(name, 'x\n');
  const folder = await open();
  await store(folder, [1], { flags: flag.seen, keywords: ['K'] });
  assert.deepEqual(rowsOf(await reopen()), ['1 1.\xe9\xff:2,S K']);
});
