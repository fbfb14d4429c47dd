/** One folder beside another program that works on the same files. */
import assert from 'node:assert/strict';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
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
import { MailError } from '../base/mail-error.ts';
import { flag } from './flags.ts';
import type { Folder } from './folder.ts';
import { folderStatus, forgetFolder, openFolder } from './registry.ts';
import { interceptSteps } from './steps.ts';

let place: TemporaryFolder;
let directory: string;

beforeEach(() => {
  place = temporaryFolder();
  directory = place.directory;
});

afterEach(() => {
  forgetFolder(directory);
  place.remove();
});

const open = (settings = testSettings) => openFolder(directory, settings);

const reopen = (settings = testSettings) => {
  forgetFolder(directory);
  return open(settings);
};

/** Waits for the folder to say that something changed. */
function changed(folder: Folder): Promise<void> {
  return new Promise((resolve) => {
    const stop = folder.onChange(() => {
      stop();
      resolve();
    });
  });
}

async function append(folder: Folder, text: string): Promise<number> {
  const message = await folder.startAppend();
  await message.write(Buffer.from(text));
  return (await folder.commitAppends([message])).uids[0]!;
}

test('the first open gives UIDs in Courier’s order and writes the database', async () => {
  put(directory, 'cur/20.b:2,S');
  put(directory, 'cur/3.a');
  put(directory, 'new/100.c');
  put(directory, 'new/10.d:2,F');
  put(directory, 'new/.hidden');
  const folder = await open();
  assert.deepEqual(rowsOf(folder), ['1 3.a', '2 10.d:2,F', '3 20.b:2,S', '4 100.c:2,']);
  assert.deepEqual(databaseOf(directory), [
    `1 ${folder.uidValidity} 5`,
    '1 3.a',
    '2 10.d',
    '3 20.b',
    '4 100.c',
  ]);
  assert.ok(Math.abs(folder.uidValidity - (Date.now() / 1000 - 1e9)) < 5);
  assert.deepEqual(listOf(directory, 'new'), ['.hidden']);
  assert.deepEqual(listOf(directory, 'tmp'), []);
  assert.deepEqual(listOf(directory, 'courierimapkeywords'), []);
});

test('what had no “:2,” is not recent; recent messages are taken once', async () => {
  put(directory, 'cur/3.a');
  put(directory, 'cur/4.a:2,S');
  put(directory, 'new/100.c');
  const folder = await open();
  assert.deepEqual(folder.claimRecent(), [2, 3]);
  assert.deepEqual(folder.recent, []);
  await append(folder, 'x');
  assert.deepEqual(folder.claimRecent(), []);
});

test('a database of Courier’s is taken over as it is', async () => {
  put(directory, 'cur/1.a:2,S');
  put(directory, 'cur/2.b:2,');
  writeFileSync(`${directory}/courierimapuiddb`, '1 42 9\n3 2.b\n8 1.a\n');
  const folder = await open();
  assert.deepEqual(rowsOf(folder), ['3 2.b:2,', '8 1.a:2,S']);
  assert.equal(folder.uidValidity, 42);
  assert.equal(folder.uidNext, 9);
});

for (const [what, database, rows, next] of [
  ['a next UID that is too small', '1 42 2\n5 1.a\n', ['5 1.a:2,'], 6],
  ['lines out of order', '1 42 9\n5 2.b\n3 1.a\n', ['3 1.a:2,', '5 2.b:2,'], 9],
  ['a UID given twice', '1 42 9\n3 1.a\n3 2.b\n', ['3 1.a:2,', '9 2.b:2,'], 10],
  ['a name listed twice', '1 42 9\n3 1.a\n4 1.a\n5 2.b\n', ['3 1.a:2,', '5 2.b:2,'], 9],
  ['a torn last line', '1 42 9\n3 1.a\n4 2.', ['3 1.a:2,', '9 2.b:2,'], 10],
] as const)
  test(`a database with ${what} is read safely`, async () => {
    put(directory, 'cur/1.a:2,');
    if (rows.some((row) => row.includes('2.b'))) put(directory, 'cur/2.b:2,');
    writeFileSync(`${directory}/courierimapuiddb`, database);
    const folder = await open();
    assert.deepEqual(rowsOf(folder), rows);
    assert.equal(folder.uidNext, next);
  });

test('lines without a file are dropped, and their UIDs are not given again', async () => {
  put(directory, 'cur/2.b:2,');
  writeFileSync(`${directory}/courierimapuiddb`, '1 42 9\n3 1.a\n5 2.b\n8 3.c\n');
  const folder = await open();
  assert.deepEqual(rowsOf(folder), ['5 2.b:2,']);
  assert.deepEqual(databaseOf(directory), ['1 42 9', '5 2.b']);
});

test('another program’s renames, removals and deliveries are seen', async () => {
  for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,']) put(directory, `cur/${name}`);
  const folder = await open();
  const before = folder.highestModseq;
  assert.equal(folder.isDirty(), false);
  renameSync(`${directory}/cur/1.a:2,S`, `${directory}/cur/1.a:2,FS`);
  unlinkSync(`${directory}/cur/2.b:2,`);
  put(directory, 'new/9.z');
  assert.equal(folder.isDirty(), true);
  await folder.refresh();
  assert.equal(folder.isDirty(), false);
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,FS', '3 3.c:2,', '4 9.z:2,']);
  assert.deepEqual(folder.changesSince(before), [0, 2]);
  assert.deepEqual(folder.expungedSince(before), [2]);
});

test('a delivery is told to the listener without anybody asking', async () => {
  const folder = await open();
  const told = changed(folder);
  put(directory, 'new/9.z');
  await told;
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['1 9.z:2,']);
});

test('own changes are told too, and leave nothing to be read', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  const told = changed(folder);
  await folder.storeFlags([1], { mode: 'add', flags: flag.seen, keywords: [] });
  await told;
  assert.equal(folder.hasNews(), false);
  await append(folder, 'x');
  assert.equal(folder.hasNews(), false);
  await folder.expunge([1]);
  assert.equal(folder.hasNews(), false);
});

test('without watches everything is seen all the same', async () => {
  put(directory, 'cur/1.a:2,S');
  put(directory, 'cur/2.b:2,');
  const folder = await open({ ...testSettings, watch: false });
  renameSync(`${directory}/cur/1.a:2,S`, `${directory}/cur/1.a:2,`);
  unlinkSync(`${directory}/cur/2.b:2,`);
  put(directory, 'new/9.z');
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,', '3 9.z:2,']);
});

test('a message that comes back under its old name gets a new UID', async () => {
  put(directory, 'cur/1.a:2,');
  put(directory, 'cur/2.b:2,');
  const folder = await open();
  unlinkSync(`${directory}/cur/1.a:2,`);
  await folder.refresh();
  put(directory, 'cur/1.a:2,S');
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['2 2.b:2,', '3 1.a:2,S']);
  assert.deepEqual(rowsOf(await reopen()), ['2 2.b:2,', '3 1.a:2,S']);
});

test('UIDs that another process gave are taken over', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  put(directory, 'cur/5.x:2,S');
  put(directory, 'cur/4.y:2,');
  writeFileSync(`${directory}/courierimapuiddb.new`, `1 ${folder.uidValidity} 9\n1 1.a\n6 5.x\n8 4.y\n`);
  renameSync(`${directory}/courierimapuiddb.new`, `${directory}/courierimapuiddb`);
  assert.equal(await append(folder, 'z'), 9);
  assert.deepEqual(rowsOf(folder).slice(0, 3), ['1 1.a:2,', '6 5.x:2,S', '8 4.y:2,']);
});

test('a database that was replaced or removed ends the open folder; a later UIDVALIDITY is greater', async () => {
  put(directory, 'cur/1.a:2,');
  writeFileSync(`${directory}/courierimapuiddb`, '1 2000000000 9\n3 1.a\n');
  const folder = await open();
  unlinkSync(`${directory}/courierimapuiddb`);
  put(directory, 'new/2.b');
  await assert.rejects(folder.refresh(), { kind: 'unavailable' });
  assert.equal(folder.isDirty(), true);
  const again = await open();
  assert.equal(again.uidValidity, 2000000001);
  assert.deepEqual(rowsOf(again), ['1 1.a:2,', '2 2.b:2,']);
});

test('a folder that was removed says so', async () => {
  const folder = await open();
  rmSync(directory, { recursive: true });
  await assert.rejects(folder.refresh(), { kind: 'notFound' });
  await assert.rejects(open(), { kind: 'notFound' });
});

test('a cur directory that cannot be listed costs no UIDs', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  renameSync(`${directory}/cur`, `${directory}/away`);
  await assert.rejects(folder.refresh(), { kind: 'unavailable' });
  renameSync(`${directory}/away`, `${directory}/cur`);
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,']);
});

test('directories, links and FIFOs are no messages', async () => {
  put(directory, 'cur/1.a:2,');
  mkdirSync(`${directory}/cur/2.dir`);
  symlinkSync('/etc/passwd', `${directory}/cur/3.link:2,`);
  symlinkSync('/etc/passwd', `${directory}/new/4.link`);
  assert.deepEqual(rowsOf(await open()), ['1 1.a:2,']);
});

test('a message that became a link is not followed', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  unlinkSync(`${directory}/cur/1.a:2,`);
  symlinkSync('/etc/passwd', `${directory}/cur/1.a:2,`);
  assert.throws(() => folder.open(0), { kind: 'unavailable' });
});

test('a renamed message is found when it is opened, and its flags are taken over', async () => {
  put(directory, 'cur/1.a:2,', 'text');
  put(directory, 'cur/2.b:2,', 'other');
  const folder = await open();
  renameSync(`${directory}/cur/1.a:2,`, `${directory}/cur/1.a:2,FS`);
  renameSync(`${directory}/cur/2.b:2,`, `${directory}/cur/2.b:2,Sxyz`);
  const message = folder.open(0);
  assert.equal(message.readAll().toString(), 'Subject: text\n\ntext\n');
  message.close();
  assert.equal(folder.flags[0], flag.flagged | flag.seen);
  folder.open(1).close();
  assert.equal(folder.flags[1], flag.seen);
});

test('a message that has gone is reported as expunged, without a listing each time', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  unlinkSync(`${directory}/cur/1.a:2,`);
  for (let i = 0; i < 2; i++) assert.throws(() => folder.open(0), { kind: 'expunged' });
});

test('the internal date is the file’s time', async () => {
  put(directory, 'cur/1.a:2,');
  utimesSync(`${directory}/cur/1.a:2,`, 1_000_000_000, 1_234_567_890.9);
  assert.equal((await open()).internalDate(0), 1_234_567_890);
});

test('new mail never takes the place of a message of the same name', async () => {
  put(directory, 'cur/1.a:2,', 'first');
  const folder = await open();
  put(directory, 'new/1.a', 'second');
  await folder.refresh();
  assert.deepEqual(
    [...textsOf(folder).values()],
    ['Subject: first\n\nfirst\n', 'Subject: second\n\nsecond\n'],
  );
});

test('two files of one name are one message, and neither is lost', async () => {
  put(directory, 'cur/1.a:2,', 'first');
  linkSync(`${directory}/cur/1.a:2,`, `${directory}/cur/1.a:2,S`);
  const folder = await open();
  assert.equal(folder.count, 1);
  await folder
    .storeFlags([1], { mode: 'replace', flags: folder.flags[0]! ^ flag.seen, keywords: [] })
    .catch((error: unknown) => assert.ok(error instanceof MailError));
  assert.deepEqual(listOf(directory, 'cur'), ['1.a:2,', '1.a:2,S']);
});

test('STATUS moves nothing and counts what is new', async () => {
  put(directory, 'cur/1.a:2,S');
  put(directory, 'cur/2.b:2,T');
  (await open()).close();
  forgetFolder(directory);
  put(directory, 'new/9.z');
  put(directory, 'cur/3.c:2,');
  const status = await folderStatus(directory, testSettings);
  assert.deepEqual(
    { ...status, uidValidity: 0 },
    { messages: 4, recent: 2, unseen: 3, deleted: 1, uidNext: 5, uidValidity: 0 },
  );
  assert.deepEqual(listOf(directory, 'new'), ['9.z']);
  const folder = await open();
  assert.deepEqual(folder.claimRecent(), [3, 4]);
  assert.equal((await folderStatus(directory, testSettings)).messages, 4);
});

test('STATUS without a database makes UIDVALIDITY last', async () => {
  const { uidValidity } = await folderStatus(directory, testSettings);
  assert.equal((await reopen()).uidValidity, uidValidity);
});

test('a closed folder is kept: opening it again reads nothing, but notices changes', async () => {
  put(directory, 'cur/1.a:2,');
  const first = await open();
  first.close();
  assert.equal(await open(), first);
  first.close();
  put(directory, 'new/2.b');
  // A client's command comes through the event loop, behind the events of whatever was done before.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.deepEqual(rowsOf(await open()), ['1 1.a:2,', '2 2.b:2,']);
});

test('a message that is renamed and then removed while its events are read is removed', async () => {
  put(directory, 'cur/1.a:2,');
  put(directory, 'cur/2.b:2,');
  const folder = await open();
  renameSync(`${directory}/cur/1.a:2,`, `${directory}/cur/1.a:2,T`);
  const watch = folder.state.watch!;
  const take = watch.take.bind(watch);
  watch.take = (name) => {
    // Its names are taken, and the event of this comes when nobody expects it any more.
    if (name === 'cur') rmSync(`${directory}/cur/1.a:2,T`, { force: true });
    return take(name);
  };
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['2 2.b:2,']);
});

test('a burst of events beyond the kernel’s queue is made good by a scan', async () => {
  put(directory, 'cur/0.a:2,');
  const folder = await open();
  // The loop is blocked meanwhile: no event is read.
  for (let i = 0; i < 20_000; i++)
    renameSync(`${directory}/cur/0.a:2,${i % 2 ? 'S' : ''}`, `${directory}/cur/0.a:2,${i % 2 ? '' : 'S'}`);
  put(directory, 'cur/1.b:2,F');
  unlinkSync(`${directory}/cur/0.a:2,`);
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['2 1.b:2,F']);
});

test('a folder that cannot be written can be read', async () => {
  put(directory, 'new/2.b', 'text');
  put(directory, 'cur/1.a:2,S', 'other');
  interceptSteps(() => {
    throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
  });
  try {
    const folder = await open();
    assert.deepEqual(
      [...textsOf(folder)],
      [
        [1, 'Subject: other\n\nother\n'],
        [2, 'Subject: text\n\ntext\n'],
      ],
    );
    put(directory, 'new/3.c', 'more');
    await folder.refresh();
    assert.equal(folder.count, 3);
    await assert.rejects(append(folder, 'x'), { kind: 'noPermission' });
  } finally {
    interceptSteps(undefined);
  }
});

test('a UID database that cannot be written keeps new mail waiting, and the old database', async () => {
  put(directory, 'cur/1.a:2,');
  const folder = await open();
  const database = databaseOf(directory);
  put(directory, 'new/2.b');
  interceptSteps((step) => {
    if (step.includes('imapuid')) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  });
  try {
    await folder.refresh();
    assert.deepEqual(rowsOf(folder), ['1 1.a:2,']);
    assert.deepEqual(databaseOf(directory), database);
    await assert.rejects(append(folder, 'x'), { kind: 'overQuota' });
    // Behind the append, whose lock has gone then.
    await folder.refresh();
    assert.deepEqual(listOf(directory, 'cur'), ['1.a:2,', '2.b:2,']);
    assert.deepEqual(listOf(directory, 'tmp'), []);
  } finally {
    interceptSteps(undefined);
  }
  await folder.refresh();
  assert.deepEqual(rowsOf(folder), ['1 1.a:2,', '2 2.b:2,']);
});

test('files in tmp are not purged by a modification time they claim', async () => {
  put(directory, 'tmp/young');
  utimesSync(`${directory}/tmp/young`, 1, 1);
  put(directory, 'new/1.a');
  await open();
  assert.deepEqual(listOf(directory, 'tmp'), ['young']);
});

test('the marker and modes of a trash folder made on the way are Courier’s', async () => {
  put(directory, 'cur/1.a:2,DFST');
  const folder = await open();
  assert.deepEqual(await folder.expunge([1], { trash: `${directory}/.Trash` }), [1]);
  assert.deepEqual(listOf(directory, '.Trash/cur'), ['1.a:2,FS']);
  assert.deepEqual(listOf(directory, '.Trash'), ['cur', 'maildirfolder', 'new', 'tmp']);
  assert.equal(readFileSync(`${directory}/.Trash/maildirfolder`).length, 0);
});
