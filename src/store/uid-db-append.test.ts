import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { after, test } from 'node:test';
import {
  databaseOf,
  folderToCopy,
  put,
  rowsOf,
  temporaryFolder,
  testSettings,
} from '../../test/support/store-folder.ts';
import type { Folder, StoreSettings } from './folder.ts';
import { folderStatus, forgetFolder, openFolder } from './registry.ts';
import { interceptSteps } from './steps.ts';
import { endOf, readAdded, stampOf } from './uid-db-append.ts';

const durable: StoreSettings = { ...testSettings, durable: true };
const messages = 510;

/** A folder large enough, with UIDs. */
const template = await folderToCopy(messages);
after(() => template.remove());

async function withCopy(use: (directory: string, database: string) => Promise<void>): Promise<void> {
  const { directory, remove } = template.copy();
  try {
    await use(directory, `${directory}/courierimapuiddb`);
  } finally {
    interceptSteps(undefined);
    forgetFolder(directory);
    forgetFolder(besideOf(directory));
    remove();
  }
}

/** As another process opens it. */
function open(directory: string, settings = durable): Promise<Folder> {
  forgetFolder(directory);
  return openFolder(directory, settings);
}

async function deliver(folder: Folder, ...names: readonly string[]): Promise<void> {
  for (const name of names) put(folder.directory, `new/${name}`);
  await folder.refresh();
}

async function append(folder: Folder, text: string): Promise<number> {
  const message = await folder.startAppend();
  await message.write(Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`));
  return (await folder.commitAppends([message])).uids[0]!;
}

const told = (folder: Folder) => new Map(rowsOf(folder).map((row) => row.split(' ') as [string, string]));

test('lines are added where the database lies, and it is what it would be written anew', async () => {
  await withCopy(async (directory, database) => {
    const { ino } = statSync(database);
    const folder = await open(directory);
    await deliver(folder, '9002.c', '9001.b');
    await append(folder, 'ours');
    const steps: string[] = [];
    interceptSteps((step) => steps.push(step.split(' ', 1)[0]!));
    await deliver(folder, '9003.d');
    interceptSteps(undefined);
    assert.deepEqual(steps.slice(-6), ['fsync', 'write', 'fsync', 'write', 'fsync', 'unlink']);
    assert.equal(statSync(database).ino, ino);
    const lines = databaseOf(directory);
    assert.equal(lines[0], `1 ${folder.uidValidity} 515`);
    const rows = rowsOf(folder).map((row) => row.slice(0, row.lastIndexOf(':')));
    assert.deepEqual(lines.slice(1), rows);
    assert.deepEqual(rowsOf(await open(directory)), rowsOf(folder));
  });
});

test('what another process adds in its place counts at once', async () => {
  await withCopy(async (directory) => {
    const folder = await open(directory);
    await deliver(folder, '9001.b');
    const [head, ...lines] = databaseOf(directory);
    put(directory, 'cur/9002.c:2,');
    writeFileSync(
      `${directory}/courierimapuiddb`,
      `${[head!.replace(/512$/, '513'), ...lines, '512 9002.c'].join('\n')}\n`,
    );
    await folder.refresh();
    assert.equal(rowsOf(folder).at(-1), '512 9002.c:2,');
    await deliver(folder, '9003.d');
    assert.equal(rowsOf(await open(directory)).at(-1), '513 9003.d:2,');
  });
});

test('processes that take turns see all that the others add', async () => {
  await withCopy(async (directory, database) => {
    const { ino } = statSync(database);
    const [one, two] = [await open(directory), await openBeside(directory, durable)];
    for (let turn = 0; turn < 6; turn++) await append(turn % 2 === 0 ? one : two, `${turn}`);
    await one.refresh();
    await two.refresh();
    assert.deepEqual(rowsOf(one), rowsOf(two));
    assert.deepEqual([one.count, one.uidNext, two.uidNext], [messages + 6, 517, 517]);
    assert.equal(statSync(database).ino, ino);
    assert.deepEqual(rowsOf(await open(directory)), rowsOf(two));
  });
});

test('a line that another process has added for a message that has gone is not doubled', async () => {
  await withCopy(async (directory) => {
    const [one, two] = [await open(directory), await openBeside(directory, durable)];
    await deliver(two, '9000.a');
    await one.refresh();
    await deliver(two, '9001.b');
    await two.expunge([512]);
    await one.refresh();
    await deliver(one, '9002.c');
    await deliver(one, '9001.b');
    assert.deepEqual(rowsOf(one).slice(messages), ['511 9000.a:2,', '513 9002.c:2,', '514 9001.b:2,']);
    assert.deepEqual(rowsOf(await open(directory)), rowsOf(one));
  });
});

const known = '1 77 104\n100 a\n101 b\n103 d\n';
const changes: readonly [name: string, now: string, added: readonly string[] | undefined][] = [
  ['lines were added', '1 77 106\n100 a\n101 b\n103 d\n104 e\n105 f\n', ['104 e', '105 f']],
  ['nothing was added but a promise', '1 77 105\n100 a\n101 b\n103 d\n', undefined],
  ['a line has gone', '1 77 106\n100 a\n103 d\n104 e\n105 f\n', undefined],
  ['a line has another name', '1 77 106\n100 a\n101 b\n103 c\n104 e\n', undefined],
  ['the last line is cut off', '1 77 106\n100 a\n101 b\n103 d\n104 e\n10', undefined],
  ['UIDNEXT has another digit', '1 77 1060\n100 a\n101 b\n103 d\n104 e\n', undefined],
  ['there is no header', 'x 77 106\n100 a\n101 b\n103 d\n104 e\n', undefined],
  ['it is shorter', '1 77 106\n100 a\n', undefined],
];

for (const [name, now, added] of changes) {
  test(`of a known database ${added ? 'new lines are' : 'not only the end is'} read where ${name}`, () => {
    const { directory, remove } = temporaryFolder();
    const path = `${directory}/courierimapuiddb`;
    try {
      writeFileSync(path, known);
      const end = endOf(Buffer.from(known), 9, stampOf(statSync(path)))!;
      writeFileSync(path, now);
      const read = readAdded(path, end, 9);
      const lines: string[] = [];
      while (read?.reader.next() === true) lines.push(`${read.reader.uid} ${read.reader.name}`);
      assert.deepEqual(read && lines, added);
      assert.equal(read?.end.stamp, added && stampOf(statSync(path)));
      writeFileSync(`${path}.new`, now);
      renameSync(`${path}.new`, path);
      assert.equal(readAdded(path, end, 9), undefined, 'another file');
    } finally {
      remove();
    }
  });
}

const replaced: readonly [name: string, settings: StoreSettings, change: (database: string) => void][] = [
  ['nothing is synced', testSettings, () => undefined],
  ['there are no locks', { ...durable, useLocks: false }, () => undefined],
  ['it has a second name', durable, (database) => linkSync(database, `${database}.backup`)],
  ['its last line was cut off', durable, (database) => appendFileSync(database, '511 90')],
  [
    'it is a symbolic link',
    durable,
    (database) => {
      renameSync(database, `${database}.backup`);
      symlinkSync(`${database}.backup`, database);
    },
  ],
];

for (const [name, settings, change] of replaced) {
  test(`the database is written anew where ${name}`, async () => {
    await withCopy(async (directory, database) => {
      change(database);
      const { ino } = statSync(database);
      const backup = existsSync(`${database}.backup`) && readFileSync(`${database}.backup`);
      const folder = await open(directory, settings);
      await deliver(folder, '9001.b');
      assert.notEqual(statSync(database).ino, ino);
      await deliver(folder, '9002.c');
      assert.equal(databaseOf(directory)[0], `1 ${folder.uidValidity} 513`);
      assert.deepEqual(databaseOf(directory).slice(-2), ['511 9001.b', '512 9002.c']);
      assert.deepEqual(rowsOf(await open(directory)), rowsOf(folder));
      if (backup !== false) assert.deepEqual(readFileSync(`${database}.backup`), backup);
    });
  });
}

test('the database is written anew where UIDNEXT gets another digit', async () => {
  await withCopy(async (directory, database) => {
    writeFileSync(database, readFileSync(database, 'latin1').replace(/ 511\n/, ' 998\n'));
    const { ino } = statSync(database);
    const folder = await open(directory);
    await deliver(folder, '9001.b');
    assert.equal(statSync(database).ino, ino);
    await deliver(folder, '9002.c');
    assert.notEqual(statSync(database).ino, ino);
    assert.equal(databaseOf(directory)[0], `1 ${folder.uidValidity} 1000`);
    assert.deepEqual(databaseOf(directory).slice(-2), ['998 9001.b', '999 9002.c']);
  });
});

class Crash extends Error {}

/** Fails the steps that `fails` picks by their number. */
function failSteps(fails: (step: number) => boolean): { reached: () => boolean } {
  let steps = 0;
  let reached = false;
  interceptSteps((step) => {
    if (!fails(steps++)) return;
    reached = true;
    throw new Crash(step);
  });
  return { reached: () => reached };
}

const lazy: StoreSettings = { ...durable, lazyUids: true };
const failures: readonly [string, StoreSettings, (at: number) => (step: number) => boolean][] = [
  ['stopping anywhere', durable, (at) => (step) => step >= at],
  ['a failure anywhere', durable, (at) => (step) => step === at],
  ['a failure anywhere, with a journal,', lazy, (at) => (step) => step === at],
];

for (const [name, settings, fails] of failures) {
  test(`${name} loses no UID and gives none twice`, async () => {
    for (let at = 0; ; at++) {
      let reached = false;
      await withCopy(async (directory) => {
        const folder = await open(directory, settings);
        await deliver(folder, '9000.a');
        const uids = told(folder);
        put(directory, 'new/9001.b');
        put(directory, 'new/9002.c');
        const failing = failSteps(fails(at));
        const results = await Promise.allSettled([folder.refresh(), append(folder, 'ours')]);
        interceptSteps(undefined);
        reached = failing.reached();
        const check = (now: Folder) => {
          const rows = told(now);
          for (const [uid, base] of uids) assert.equal(rows.get(uid), base, `UID ${uid}, step ${at}`);
          for (const [uid, base] of rows) uids.set(uid, base);
        };
        assertPromised(directory);
        // What other processes see now, they tell their clients.
        check(await openBeside(directory, settings));
        forgetFolder(besideOf(directory));
        const appended = results[1].status === 'fulfilled' ? [results[1].value] : [];
        for (const uid of appended) assert.ok(uids.has(String(uid)));
        // It would come before those whose UIDs were lost.
        put(directory, 'cur/8000.z:2,');
        if (name.startsWith('a failure')) {
          await deliver(folder, '9003.d');
          check(folder);
        }
        const later = await open(directory, settings);
        check(later);
        await deliver(later, '9004.e');
        assert.ok(!uids.has(String(later.uids[later.count - 1])), 'a new UID');
        assert.ok(later.count >= messages + 5 + appended.length);
        assert.deepEqual(rowsOf(await open(directory, testSettings)), rowsOf(later));
      });
      if (!reached) {
        assert.ok(at > 10);
        break;
      }
    }
  });
}

/** Courier believes the header, whatever UIDs there are in the lines. */
function assertPromised(directory: string): void {
  const [head, ...lines] = databaseOf(directory);
  const uidNext = Number(head!.split(' ')[2]);
  for (const line of lines) assert.ok(Number.parseInt(line, 10) < uidNext, `${line} with UIDNEXT ${uidNext}`);
}

/** As another process opens it while this one goes on: the same directory by another path. */
async function openBeside(directory: string, settings: StoreSettings): Promise<Folder> {
  const other = besideOf(directory);
  if (!existsSync(other)) symlinkSync(directory, other);
  return openFolder(other, settings);
}

function besideOf(directory: string): string {
  return `${directory}/../Beside`;
}

test('STATUS waits where a message has its UID in the header but no line yet', async () => {
  await withCopy(async (directory, database) => {
    put(directory, 'cur/9001.b:2,');
    put(directory, 'new/9002.c');
    writeFileSync(`${directory}/tmp/courier.lock`, `${process.ppid}:${durable.hostname}`);
    writeFileSync(database, readFileSync(database, 'latin1').replace(/ 511\n/, ' 512\n'));
    const asked = folderStatus(directory, durable);
    let isAnswered = false;
    void asked.then(() => {
      isAnswered = true;
    });
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    assert.ok(!isAnswered);
    appendFileSync(database, '511 9001.b\n');
    unlinkSync(`${directory}/tmp/courier.lock`);
    const { uidNext, messages: count } = await asked;
    assert.deepEqual([uidNext, count], [513, messages + 2]);
  });
});

test('STATUS counts a message that a crash has left without its line', async () => {
  await withCopy(async (directory, database) => {
    put(directory, 'cur/9001.b:2,');
    writeFileSync(database, readFileSync(database, 'latin1').replace(/ 511\n/, ' 512\n'));
    const { uidNext } = await folderStatus(directory, durable);
    const folder = await open(directory);
    assert.deepEqual([uidNext, folder.uidNext], [513, 513]);
  });
});
