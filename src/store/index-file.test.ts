import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { put, rowsOf, temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import { openAccount } from './account.ts';
import { computed } from './computed.ts';
import { flag } from './flags.ts';
import type { Folder, StoreSettings } from './folder.ts';
import { folderStatus, forgetClosedFolders, forgetFolder, openFolder, saveFolders } from './registry.ts';
import { interceptSteps } from './steps.ts';

const settings: StoreSettings = { ...testSettings, keepsIndex: true };

interface Scene {
  readonly directory: string;
  /** As another process would: nothing is in memory. */
  readonly open: (changes?: Partial<StoreSettings>) => Promise<Folder>;
  /** Writes the index, long after the last change. */
  readonly save: () => Promise<void>;
}

async function withScene(use: (scene: Scene) => Promise<void>): Promise<void> {
  const { directory, remove } = temporaryFolder();
  for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,FT', '4.d:1,x']) put(directory, `cur/${name}`);
  try {
    await use({
      directory,
      open: (changes) => {
        forgetFolder(directory);
        return openFolder(directory, { ...settings, ...changes });
      },
      save: async () => {
        await old(directory);
        await saveFolders();
      },
    });
  } finally {
    forgetFolder(directory);
    remove();
  }
}

let past = Math.floor(Date.now() / 1000) - 3600;

/** Makes the directories look as if their last change were long ago, and lets the folder see them so. */
async function old(directory: string): Promise<void> {
  past += 0.5;
  for (const name of ['cur', 'new', 'courierimapkeywords']) utimesSync(`${directory}/${name}`, past, past);
  const folder = await openFolder(directory, settings);
  await folder.refresh();
  folder.close();
}

/** How often directories of the folder are listed meanwhile. */
async function listings(directory: string, task: () => Promise<unknown>): Promise<string[]> {
  const { Dir } = await import('node:fs');
  const read = Dir.prototype.readSync;
  const seen = new Set<string>();
  Dir.prototype.readSync = function (this: InstanceType<typeof Dir>) {
    seen.add(this.path.slice(directory.length + 1));
    return read.call(this);
  };
  try {
    await task();
  } finally {
    Dir.prototype.readSync = read;
  }
  return [...seen].sort((a, b) => (a < b ? -1 : 1));
}

test('a folder that has not changed is opened without reading a directory', async () => {
  await withScene(async ({ directory, open, save }) => {
    const first = await open();
    await first.storeFlags([1], { mode: 'add', flags: 0, keywords: ['Work'] });
    const rows = rowsOf(first);
    await save();
    assert.ok(existsSync(`${directory}/postrider-index`));
    let again: Folder | undefined;
    const listed = await listings(directory, async () => {
      again = await open();
    });
    assert.deepEqual(listed, []);
    assert.deepEqual(rowsOf(again!), rows);
    assert.equal(again!.uidValidity, first.uidValidity);
    assert.equal(again!.uidNext, first.uidNext);
    assert.equal(again!.highestModseq, first.highestModseq);
    assert.deepEqual([...again!.modseqs].slice(0, 4), [...first.modseqs].slice(0, 4));
    assert.deepEqual(again!.keywords, ['Work']);
  });
});

const foreign: [name: string, change: (directory: string) => void, listed: readonly string[]][] = [
  ['new mail', (directory) => put(directory, 'new/9.z'), ['new']],
  ['a message in cur', (directory) => put(directory, 'cur/9.z:2,F'), ['courierimapkeywords', 'cur', 'new']],
  [
    'a flag change',
    (directory) => renameSync(`${directory}/cur/2.b:2,`, `${directory}/cur/2.b:2,R`),
    ['cur', 'new'],
  ],
  ['a removal', (directory) => unlinkSync(`${directory}/cur/1.a:2,S`), ['cur', 'new']],
  [
    'a keyword',
    (directory) => writeFileSync(`${directory}/courierimapkeywords/3.c`, 'Later\n'),
    ['courierimapkeywords', 'new'],
  ],
  [
    'a UID database that gives other UIDs',
    (directory) => {
      const db = readFileSync(`${directory}/courierimapuiddb`, 'latin1').split('\n');
      const [version, validity] = db[0]!.split(' ');
      const lines = [`${version} ${validity} 9`, '1 1.a', '3 3.c', '4 4.d', '8 2.b', ''];
      writeFileSync(`${directory}/tmp/db`, lines.join('\n'));
      renameSync(`${directory}/tmp/db`, `${directory}/courierimapuiddb`);
    },
    ['courierimapkeywords', 'cur', 'new'],
  ],
  [
    'another UIDVALIDITY',
    (directory) => {
      writeFileSync(`${directory}/tmp/db`, '1 77 5\n1 4.d\n2 3.c\n3 2.b\n4 1.a\n');
      renameSync(`${directory}/tmp/db`, `${directory}/courierimapuiddb`);
    },
    ['courierimapkeywords', 'cur', 'new'],
  ],
  [
    'a UID database that is gone',
    (directory) => unlinkSync(`${directory}/courierimapuiddb`),
    ['courierimapkeywords', 'cur', 'new'],
  ],
  [
    'other directories',
    (directory) => {
      renameSync(`${directory}/cur`, `${directory}/old`);
      mkdirSync(`${directory}/cur`);
      put(directory, 'cur/5.e:2,');
    },
    ['courierimapkeywords', 'cur', 'new'],
  ],
];

for (const [name, change, expected] of foreign) {
  test(`${name} since the index was written is noticed, and is what it would be without`, async () => {
    await withScene(async ({ directory, open, save }) => {
      const first = await open();
      const { highestModseq } = first;
      await save();
      forgetFolder(directory);
      change(directory);
      let again: Folder | undefined;
      const listed = await listings(directory, async () => {
        again = await open();
      });
      assert.deepEqual(listed, expected);
      const withIndex = rowsOf(again!);
      assert.ok(again!.highestModseq > highestModseq, 'the mod-sequence goes on');
      const { uidValidity, uidNext } = again!;
      const without = await open({ keepsIndex: false });
      assert.deepEqual(withIndex, rowsOf(without));
      assert.deepEqual([uidValidity, uidNext], [without.uidValidity, without.uidNext]);
    });
  });
}

test('mod-sequences and removals outlive the process', async () => {
  await withScene(async ({ directory, open, save }) => {
    const first = await open();
    const since = first.highestModseq;
    await save();
    await first.expunge([2]);
    await first.storeFlags([3], { mode: 'add', flags: flag.seen, keywords: [] });
    const { highestModseq } = first;
    const modseqs = [...first.modseqs.subarray(0, first.count)];
    await save();
    const again = await open();
    assert.equal(again.highestModseq, highestModseq);
    assert.deepEqual([...again.modseqs.subarray(0, again.count)], modseqs);
    assert.deepEqual(again.expungedSince(since), [2]);
    assert.deepEqual(
      again.changesSince(since).map((row) => again.uids[row]),
      [3],
    );
    forgetFolder(directory);
    unlinkSync(`${directory}/cur/1.a:2,S`);
    const later = await open();
    assert.deepEqual(later.expungedSince(highestModseq), [1]);
    assert.deepEqual(later.expungedSince(since), [1, 2]);
    assert.deepEqual(later.changesSince(highestModseq), []);
  });
});

test('HIGHESTMODSEQ does not go back when the index is deleted', async () => {
  await withScene(async ({ directory, open, save }) => {
    const first = await open();
    await first.storeFlags([3], { mode: 'add', flags: flag.seen, keywords: [] });
    const { highestModseq } = first;
    await save();
    forgetFolder(directory);
    unlinkSync(`${directory}/postrider-index`);
    const again = await open();
    assert.ok(again.highestModseq > highestModseq);
    assert.equal(again.expungedSince(highestModseq), 'unknown');
    assert.equal(again.changesSince(highestModseq).length, again.count, 'every row may have changed');
  });
});

test('a change costs a write of its own size, not of the folder’s', async () => {
  await withScene(async ({ directory, open, save }) => {
    for (let i = 0; i < 2000; i++) put(directory, `cur/1${String(i).padStart(5, '0')}.x:2,`);
    const folder = await open();
    await save();
    const { size, ino } = statSync(`${directory}/postrider-index`);
    put(directory, 'new/900000.n');
    await folder.refresh();
    await folder.storeFlags([1], { mode: 'add', flags: flag.flagged, keywords: ['New'] });
    await folder.expunge([2]);
    const rows = rowsOf(folder);
    await save();
    const after = statSync(`${directory}/postrider-index`);
    assert.equal(after.ino, ino);
    assert.ok(after.size > size && after.size < size + 2000, `${after.size - size} octets`);
    let again: Folder | undefined;
    assert.deepEqual(
      await listings(directory, async () => {
        again = await open();
      }),
      [],
    );
    assert.deepEqual(rowsOf(again!), rows);
  });
});

test('STATUS of a folder that nobody has open reads no directory either, and counts new mail', async () => {
  await withScene(async ({ directory, open, save }) => {
    await open();
    await save();
    forgetFolder(directory);
    let status = {};
    const listed = await listings(directory, async () => {
      status = await folderStatus(directory, settings);
    });
    assert.deepEqual(listed, []);
    assert.deepEqual(status, await folderStatus(directory, testSettings));
    put(directory, 'new/9.z');
    const later = await folderStatus(directory, settings);
    assert.deepEqual(later, await folderStatus(directory, testSettings));
    assert.equal(later.messages, 5);
  });
});

test('places in the cache come with the index', async () => {
  await withScene(async ({ open, save }) => {
    const folder = await open();
    for (let row = 0; row < folder.count; row++)
      folder.computed.put(row, computed.facts, Buffer.from(`facts ${row}`));
    await save();
    const again = await open();
    for (let row = 0; row < again.count; row++)
      assert.equal(again.computed.get(row, computed.facts)?.toString(), `facts ${row}`);
  });
});

test('where nothing can be written there is no index and no error', async () => {
  await withScene(async ({ directory, open, save }) => {
    const indexDirectory = `${directory}/courierimapuiddb`;
    const folder = await open({ indexDirectory });
    const rows = rowsOf(folder);
    folder.computed.put(0, computed.facts, Buffer.from('x'));
    await save();
    assert.equal(folder.computed.get(0, computed.facts)?.toString(), 'x', 'it is still in memory');
    assert.deepEqual(rowsOf(await open({ indexDirectory })), rows);
  });
});

test('index and cache can be in a directory of their own', async () => {
  await withScene(async ({ directory, open }) => {
    const indexDirectory = `${directory}.index`;
    mkdirSync(indexDirectory);
    const folder = await open({ indexDirectory });
    folder.computed.put(0, computed.facts, Buffer.from('x'));
    await saveFolders();
    assert.equal(readdirSync(indexDirectory).length, 2);
    assert.ok(!existsSync(`${directory}/postrider-index`));
    const again = await open({ indexDirectory });
    assert.equal(again.computed.get(0, computed.facts)?.toString(), 'x');
    rmSync(indexDirectory, { recursive: true });
  });
});

test('in a directory of their own they follow a folder that is renamed, and go when it goes', async () => {
  await withScene(async ({ directory }) => {
    const indexDirectory = `${directory}.index`;
    mkdirSync(indexDirectory);
    const account = openAccount(directory, { ...settings, indexDirectory });
    await account.createFolder('INBOX.Old');
    const folder = await account.openFolder('INBOX.Old');
    const message = await folder.startAppend();
    await message.write(Buffer.from('Subject: x\r\n\r\nx\r\n'));
    await folder.commitAppends([message]);
    folder.computed.put(0, computed.facts, Buffer.from('facts'));
    await saveFolders();
    folder.close();
    const before = readdirSync(indexDirectory).sort((a, b) => (a < b ? -1 : 1));
    assert.equal(before.length, 2);
    await account.renameFolder('INBOX.Old', 'INBOX.New');
    const after = readdirSync(indexDirectory);
    assert.equal(after.length, 2);
    assert.ok(!after.includes(before[0]!));
    const renamed = await account.openFolder('INBOX.New');
    assert.equal(renamed.computed.get(0, computed.facts)?.toString(), 'facts');
    renamed.close();
    await account.deleteFolder('INBOX.New');
    assert.deepEqual(readdirSync(indexDirectory), []);
    rmSync(indexDirectory, { recursive: true });
  });
});

const damages: [name: string, damage: (octets: Buffer, random: number) => Buffer][] = [
  [
    'a flipped bit',
    (octets, random) => {
      const changed = Buffer.from(octets);
      const bit = Math.floor(random * octets.length * 8);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return changed;
    },
  ],
  ['a cut', (octets, random) => octets.subarray(0, Math.floor(random * octets.length))],
  [
    'noise',
    (octets, random) => {
      const changed = Buffer.from(octets);
      const start = Math.floor(random * octets.length);
      for (let i = start; i < Math.min(octets.length, start + 100); i++) changed[i] = (i * 2654435761) >>> 13;
      return changed;
    },
  ],
  ['zeros', (octets, random) => Buffer.from(octets).fill(0, Math.floor(random * octets.length))],
  ['rubbish at its end', (octets, random) => Buffer.concat([octets, octets.subarray(0, 1 + random * 90)])],
];

for (const [name, damage] of damages) {
  test(`an index with ${name} costs time and gives no wrong answer`, async () => {
    await withScene(async ({ directory, open, save }) => {
      const first = await open();
      await save();
      await first.storeFlags([2], { mode: 'add', flags: flag.answered, keywords: ['Work'] });
      await first.expunge([1]);
      await save();
      const expected = rowsOf(first);
      const { highestModseq, uidValidity, uidNext } = first;
      const whole = readFileSync(`${directory}/postrider-index`);
      const place = fc.integer({ min: 0, max: 999_999 }).map((millionths) => millionths / 1_000_000);
      await fc.assert(
        fc.asyncProperty(place, async (random) => {
          forgetFolder(directory);
          writeFileSync(`${directory}/postrider-index`, damage(whole, random));
          const folder = await open();
          assert.deepEqual(rowsOf(folder), expected);
          assert.deepEqual([folder.uidValidity, folder.uidNext], [uidValidity, uidNext]);
          assert.ok(folder.highestModseq >= highestModseq);
          await save();
          assert.deepEqual(rowsOf(await open()), expected);
        }),
        { numRuns: 50 },
      );
    });
  });
}

class Crash extends Error {}

test('stopping anywhere while index and cache are written leaves what the next process can use', async () => {
  for (let calls = 0; ; calls++) {
    let reached = false;
    await withScene(async ({ directory, open, save }) => {
      const first = await open();
      await save();
      first.computed.put(0, computed.facts, Buffer.from('facts'));
      await first.storeFlags([2], { mode: 'add', flags: flag.answered, keywords: [] });
      const { highestModseq } = first;
      const expected = rowsOf(first);
      await old(directory);
      let done = 0;
      interceptSteps((step) => {
        if (done++ >= calls) {
          reached = true;
          throw new Crash(step);
        }
      });
      await saveFolders();
      interceptSteps(undefined);
      const again = await open();
      assert.deepEqual(rowsOf(again), expected);
      assert.ok(again.highestModseq >= highestModseq);
      await save();
      assert.deepEqual(rowsOf(await open()), expected);
    });
    if (!reached) {
      assert.ok(calls > 2);
      break;
    }
  }
});

test('a process that ends waits for the index of a folder it has just let go', async () => {
  await withScene(async ({ directory, open }) => {
    (await open()).close();
    rmSync(`${directory}/postrider-index`, { force: true });
    forgetClosedFolders();
    assert.ok(!existsSync(`${directory}/postrider-index`), 'the index is written later');
    await saveFolders();
    assert.ok(existsSync(`${directory}/postrider-index`));
  });
});

test('a folder that goes while its index is written leaves none behind', async () => {
  await withScene(async ({ directory, open }) => {
    const elsewhere = `${directory}/elsewhere`;
    mkdirSync(elsewhere);
    const folder = await open({ indexDirectory: elsewhere });
    interceptSteps((call) => {
      if (call === 'write') forgetFolder(directory);
    });
    try {
      await saveFolders();
    } finally {
      interceptSteps(undefined);
    }
    const files = readdirSync(elsewhere, { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    );
    assert.deepEqual(
      files.map(({ name }) => name),
      [],
    );
    folder.close();
  });
});
