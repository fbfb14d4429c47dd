import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { put, temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import { computed } from './computed.ts';
import type { Folder, StoreSettings } from './folder.ts';
import { forgetFolder, openFolder } from './registry.ts';

const settings: StoreSettings = { ...testSettings, keepsIndex: true };
const content = (row: number, kind: number) => Buffer.from(`${kind}:${row} `.repeat(1 + ((row * 7) % 40)));

async function withFolder(
  messages: number,
  use: (directory: string, open: (changes?: Partial<StoreSettings>) => Promise<Folder>) => Promise<void>,
): Promise<void> {
  const { directory, remove } = temporaryFolder();
  for (let i = 0; i < messages; i++) put(directory, `cur/${i}.a:2,`);
  try {
    await use(directory, async (changes) => {
      forgetFolder(directory);
      const folder = await openFolder(directory, { ...settings, ...changes });
      await folder.computed.ready();
      return folder;
    });
  } finally {
    forgetFolder(directory);
    remove();
  }
}

function fill({ computed: cache, count }: Folder): void {
  for (let row = 0; row < count; row++) {
    cache.put(row, computed.description, content(row, computed.description));
    if (row % 3 === 0) cache.put(row, computed.facts, content(row, computed.facts));
  }
}

/** Also what a new file was written for first. */
async function flush({ computed: cache }: Folder): Promise<void> {
  cache.flush();
  await cache.ready();
  cache.flush();
}

/** How many answers there are; each must be the right one. */
function check({ computed: cache, count, uids }: Folder): number {
  let found = 0;
  for (let row = 0; row < count; row++) {
    for (const kind of [computed.description, computed.facts]) {
      const got = cache.get(row, kind);
      if (!got) continue;
      assert.deepEqual(got, content(uids[row]! - 1, kind));
      found++;
    }
  }
  return found;
}

test('what one process computed another finds', async () => {
  await withFolder(300, async (directory, open) => {
    const first = await open();
    fill(first);
    assert.equal(check(first), 400);
    first.computed.flush();
    assert.equal(check(first), 400);
    assert.equal(check(await open()), 400);
    assert.equal(statSync(`${directory}/postrider-cache`).mode & 0o777, 0o600);
  });
});

test('without a file it is kept in memory', async () => {
  await withFolder(300, async (directory, open) => {
    const folder = await open({ keepsIndex: false });
    fill(folder);
    folder.computed.flush();
    assert.equal(check(folder), 400);
    assert.ok(!existsSync(`${directory}/postrider-cache`));
  });
});

test('a message that goes takes its records along, and the rest stays in place', async () => {
  await withFolder(60, async (_, open) => {
    const folder = await open();
    fill(folder);
    await folder.expunge([1, 2, 30]);
    assert.equal(check(folder), 60 + 20 - 3 - 1);
    folder.computed.flush();
    await folder.expunge([31]);
    assert.equal(check(folder), 60 + 20 - 4 - 2);
  });
});

test('a record is not taken for that of another message which has the UID now', async () => {
  await withFolder(10, async (directory, open) => {
    const folder = await open();
    fill(folder);
    await flush(folder);
    const database = readFileSync(`${directory}/courierimapuiddb`, 'latin1');
    writeFileSync(`${directory}/tmp/db`, database.replace('1 0.a\n2 1.a\n', '1 1.a\n2 0.a\n'));
    renameSync(`${directory}/tmp/db`, `${directory}/courierimapuiddb`);
    const again = await open();
    assert.deepEqual([again.baseName(0), again.baseName(1)], ['1.a', '0.a']);
    for (const row of [0, 1]) assert.equal(again.computed.get(row, computed.description), undefined);
    assert.deepEqual(again.computed.get(2, computed.description), content(2, computed.description));
  });
});

test('records that are mostly dead are left behind', async () => {
  await withFolder(300, async (directory, open) => {
    const folder = await open();
    for (let round = 0; round < 8; round++) {
      fill(folder);
      await flush(folder);
    }
    assert.equal(check(folder), 400);
    const all = content(0, 1).length;
    assert.ok(all > 0);
    const { size } = statSync(`${directory}/postrider-cache`);
    const again = await open();
    assert.equal(check(again), 400);
    assert.ok(size < 400 * 250 * 5, `${size} octets`);
  });
});

test('a file that is full takes nothing more', async () => {
  await withFolder(300, async (directory, open) => {
    const folder = await open({ cacheFileOctets: 20_000 });
    for (let round = 0; round < 8; round++) {
      fill(folder);
      await flush(folder);
    }
    assert.equal(check(folder), 400);
    assert.ok((statSync(`${directory}/postrider-cache`, { throwIfNoEntry: false })?.size ?? 0) <= 20_000);
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
      for (let i = start; i < Math.min(octets.length, start + 300); i++) changed[i] = (i * 2654435761) >>> 13;
      return changed;
    },
  ],
  ['zeros', (octets, random) => Buffer.from(octets).fill(0, Math.floor(random * octets.length))],
  [
    'a piece that is missing',
    (octets, random) => {
      const start = Math.floor(random * octets.length);
      return Buffer.concat([octets.subarray(0, start), octets.subarray(start + 40)]);
    },
  ],
  [
    'another folder’s records',
    (octets, random) => Buffer.concat([octets, octets.subarray(Math.floor(random * 50))]),
  ],
];

for (const [name, damage] of damages) {
  test(`a cache file with ${name} costs time and gives no wrong answer`, async () => {
    await withFolder(40, async (directory, open) => {
      const first = await open();
      fill(first);
      first.computed.flush();
      const whole = readFileSync(`${directory}/postrider-cache`);
      const place = fc.integer({ min: 0, max: 999_999 }).map((millionths) => millionths / 1_000_000);
      const before = check(await open());
      assert.equal(before, 54);
      await fc.assert(
        fc.asyncProperty(place, fc.boolean(), async (random, isOpen) => {
          forgetFolder(directory);
          writeFileSync(`${directory}/postrider-cache`, whole);
          const live = isOpen ? await open() : undefined;
          if (live) assert.equal(check(live), 54);
          writeFileSync(`${directory}/postrider-cache`, damage(whole, random));
          if (live) {
            assert.ok(check(live) <= 54);
            fill(live);
            await flush(live);
            assert.equal(check(live), 54);
          }
          const folder = await open();
          check(folder);
          fill(folder);
          await flush(folder);
          assert.equal(check(folder), 54);
          assert.equal(check(await open()), 54, 'repaired');
        }),
        { numRuns: 25 },
      );
    });
  });
}
