import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { folderToCopy, put, rowsOf, testSettings } from '../../test/support/store-folder.ts';
import type { Folder, StoreSettings } from './folder.ts';
import { forgetFolder, openFolder, saveFolders } from './registry.ts';
import { interceptSteps } from './steps.ts';
import { parseJournal, reservedUids } from './uid-journal.ts';
import { replaceUidValidity } from './uid-validity.ts';

const lazy: StoreSettings = { ...testSettings, lazyUids: true };
const messages = 510;

/** A folder large enough for a journal, with UIDs. */
const template = await folderToCopy(messages);
after(() => template.remove());

async function withCopy(use: (directory: string) => Promise<void>): Promise<void> {
  const { directory, remove } = template.copy();
  try {
    await use(directory);
  } finally {
    interceptSteps(undefined);
    forgetFolder(directory);
    remove();
  }
}

/** As another process opens it. */
function open(directory: string, settings = lazy): Promise<Folder> {
  forgetFolder(directory);
  return openFolder(directory, settings);
}

async function deliver(folder: Folder, ...names: readonly string[]): Promise<void> {
  for (const name of names) put(folder.directory, `new/${name}`);
  await folder.refresh();
}

/** UIDs of the messages that were delivered. */
function newRows(folder: Folder): string[] {
  return rowsOf(folder).slice(messages);
}

const header = (directory: string) => readFileSync(`${directory}/courierimapuiddb`, 'latin1').split('\n')[0]!;

test('a new message in a large folder costs a line of the journal', async () => {
  await withCopy(async (directory) => {
    const folder = await open(directory);
    await deliver(folder, '9000.first');
    const { ino, size } = statSync(`${directory}/courierimapuiddb`);
    const before = statSync(`${directory}/postrider-uids`).size;
    await deliver(folder, '9001.b', '9002.c');
    await deliver(folder, '9003.d');
    assert.deepEqual(newRows(folder), [
      '511 9000.first:2,',
      '512 9001.b:2,',
      '513 9002.c:2,',
      '514 9003.d:2,',
    ]);
    const after = statSync(`${directory}/courierimapuiddb`);
    assert.deepEqual([after.ino, after.size], [ino, size], 'the database is untouched');
    assert.ok(statSync(`${directory}/postrider-uids`).size - before < 150);
    assert.equal(folder.uidNext, 515);
  });
});

test('the next open writes the journal into the database', async () => {
  await withCopy(async (directory) => {
    await deliver(await open(directory), '9000.a');
    await deliver(await open(directory), '9001.b');
    const first = await open(directory);
    await deliver(first, '9002.c');
    const rows = rowsOf(first);
    const again = await open(directory);
    assert.deepEqual(rowsOf(again), rows);
    assert.equal(again.uidNext, first.uidNext);
    assert.match(readFileSync(`${directory}/courierimapuiddb`, 'latin1'), /\n513 9002\.c\n$/);
    const plain = await open(directory, testSettings);
    assert.deepEqual(rowsOf(plain), rows);
    await deliver(plain, '9003.d');
    assert.ok(!existsSync(`${directory}/postrider-uids`), 'without the setting there is none');
    assert.deepEqual(newRows(plain).at(-1), '514 9003.d:2,');
  });
});

test('with an index the journal stays until it is long, and goes when the setting does', async () => {
  await withCopy(async (directory) => {
    const settings = { ...lazy, keepsIndex: true };
    const first = await open(directory, settings);
    await deliver(first, '9000.a');
    await deliver(first, '9001.b');
    await saveFolders();
    const { ino } = statSync(`${directory}/courierimapuiddb`);
    const again = await open(directory, settings);
    await deliver(again, '9002.c');
    assert.equal(statSync(`${directory}/courierimapuiddb`).ino, ino);
    assert.deepEqual(newRows(again), ['511 9000.a:2,', '512 9001.b:2,', '513 9002.c:2,']);
    await saveFolders();
    const plain = await open(directory, { ...testSettings, keepsIndex: true });
    assert.deepEqual(rowsOf(plain), rowsOf(again));
    await plain.refresh();
    const database = await open(directory, testSettings);
    assert.deepEqual(rowsOf(database), rowsOf(again));
  });
});

test('UIDs of a journal that is lost are given to nobody else', async () => {
  await withCopy(async (directory) => {
    const folder = await open(directory);
    await deliver(folder, '9000.a');
    await deliver(folder, '9001.b');
    assert.equal(header(directory).split(' ')[2], String(512 + reservedUids));
    forgetFolder(directory);
    unlinkSync(`${directory}/postrider-uids`);
    const again = await open(directory);
    assert.deepEqual(newRows(again), ['511 9000.a:2,', `${512 + reservedUids} 9001.b:2,`]);
  });
});

test('another UIDVALIDITY keeps the UIDs of the journal', async () => {
  await withCopy(async (directory) => {
    const folder = await open(directory);
    await deliver(folder, '9000.a');
    await deliver(folder, '9001.b');
    const rows = rowsOf(folder);
    forgetFolder(directory);
    await replaceUidValidity(directory, 4711, lazy);
    const again = await open(directory);
    assert.equal(again.uidValidity, 4711);
    assert.deepEqual(rowsOf(again), rows);
  });
});

test('a message that comes back under its name gets a new UID', async () => {
  await withCopy(async (directory) => {
    const folder = await open(directory);
    await deliver(folder, '9000.a');
    await deliver(folder, '9001.b');
    await folder.expunge([1]);
    put(directory, 'cur/1000.a:2,');
    await folder.refresh();
    assert.equal(newRows(folder).at(-1), '513 1000.a:2,');
    assert.deepEqual(rowsOf(await open(directory)), rowsOf(folder));
  });
});

test('batches that are damaged count for nothing, others stay', async () => {
  await withCopy(async (directory) => {
    const folder = await open(directory);
    for (let i = 0; i < 6; i++) await deliver(folder, `900${i}.m`);
    const octets = readFileSync(`${directory}/postrider-uids`);
    const whole = parseJournal(octets)!;
    const lines = whole.lines.toString('latin1').trimEnd().split('\n');
    assert.equal(lines.length, 5);
    assert.equal(whole.soundOctets, octets.length);
    fc.assert(
      fc.property(fc.nat(octets.length * 8 - 1), fc.constantFrom('flip', 'cut'), (bit, how) => {
        const damaged = how === 'cut' ? octets.subarray(0, bit >> 3) : Buffer.from(octets);
        if (how === 'flip') damaged[bit >> 3]! ^= 1 << (bit & 7);
        const parsed = parseJournal(damaged);
        if (!parsed) return;
        const left = parsed.lines.toString('latin1').split('\n').slice(0, -1);
        for (const line of left) assert.ok(lines.includes(line), line);
        assert.ok(left.length >= lines.length - 2 || how === 'cut');
        assert.ok(parsed.soundOctets <= damaged.length);
      }),
    );
    assert.equal(parseJournal(Buffer.alloc(0)), undefined);
  });
});

class Crash extends Error {}

test('stopping anywhere loses no UID and gives none twice', async () => {
  for (let calls = 0; ; calls++) {
    let reached = false;
    await withCopy(async (directory) => {
      const folder = await open(directory);
      await deliver(folder, '9000.a');
      // What a crash has cut off before.
      writeFileSync(`${directory}/postrider-uids`, '512 90', { flag: 'a' });
      const told = new Map(rowsOf(folder).map((row) => row.split(' ') as [string, string]));
      put(directory, 'new/9001.b');
      put(directory, 'new/9002.c');
      let done = 0;
      interceptSteps((step) => {
        if (done++ < calls) return;
        reached = true;
        throw new Crash(step);
      });
      const failure = await folder.refresh().then(
        () => undefined,
        (error: unknown) => error,
      );
      interceptSteps(undefined);
      if (failure === undefined)
        for (const row of rowsOf(folder)) told.set(...(row.split(' ') as [string, string]));
      const check = (other: Folder) => {
        const now = new Map(rowsOf(other).map((row) => row.split(' ') as [string, string]));
        for (const [uid, name] of told) assert.equal(now.get(uid), name, `UID ${uid} after ${calls} calls`);
        assert.equal(other.count, messages + 4);
        for (const [uid, name] of now) told.set(uid, name);
      };
      // It would come before those whose UIDs were lost.
      put(directory, 'cur/8000.z:2,');
      check(await open(directory));
      const later = await open(directory);
      await deliver(later, '9003.d');
      assert.ok(!told.has(String(later.uids[later.count - 1])), 'a new UID');
      const rows = rowsOf(later);
      assert.deepEqual(rowsOf(await open(directory, testSettings)), rows);
    });
    if (!reached) {
      assert.ok(calls > 4);
      break;
    }
  }
});

test('stopping anywhere while the journal goes into the database loses no UID and gives none twice', async () => {
  for (let calls = 0; ; calls++) {
    let reached = false;
    await withCopy(async (directory) => {
      const folder = await open(directory);
      await deliver(folder, '9000.a');
      await deliver(folder, '9001.b');
      const rows = rowsOf(folder);
      forgetFolder(directory);
      let done = 0;
      interceptSteps((step) => {
        if (done++ < calls) return;
        reached = true;
        throw new Crash(step);
      });
      await open(directory).catch(() => undefined);
      interceptSteps(undefined);
      const again = await open(directory);
      assert.deepEqual(rowsOf(again), rows, `after ${calls} calls`);
      await deliver(again, '9002.c');
      assert.ok(Number(newRows(again).at(-1)!.split(' ')[0]) >= 513);
      assert.deepEqual(rowsOf(await open(directory, testSettings)), rowsOf(again));
    });
    if (!reached) {
      assert.ok(calls > 4);
      break;
    }
  }
});
