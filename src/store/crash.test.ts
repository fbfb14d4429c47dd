/**
 * Stops every operation before each of its changes to the disk, as if the process had died there, and looks what
 * another process finds.
 */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { put, rowsOf, temporaryFolder, testSettings, textsOf } from '../../test/support/store-folder.ts';
import { flag } from './flags.ts';
import type { Folder, StoreSettings } from './folder.ts';
import { forgetFolder, openFolder } from './registry.ts';
import { interceptSteps } from './steps.ts';

class Crash extends Error {}

/** Lets `calls` steps through; every later one fails, so that nothing can be tidied up either. */
function stopAfter(calls: number): { reached: () => boolean } {
  let done = 0;
  interceptSteps((step) => {
    if (done++ >= calls) throw new Crash(step);
  });
  return { reached: () => done > calls };
}

interface Scene {
  readonly folder: Folder;
  readonly other: Folder;
  readonly directory: string;
}

interface Operation {
  readonly name: string;
  readonly settings?: Partial<StoreSettings>;
  /** Before the folder is opened. */
  readonly prepare?: (directory: string) => void;
  readonly run: (scene: Scene) => Promise<unknown>;
  /** UIDs that may be gone afterwards. */
  readonly removes?: readonly number[];
  /** Texts that must be in one of the folders or in the trash afterwards, whatever happens. */
  readonly keeps?: readonly string[];
}

async function appended(folder: Folder, text: string, keywords: readonly string[] = []) {
  const append = await folder.startAppend();
  append.keywords = keywords;
  append.flags = flag.seen;
  await append.write(Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`));
  return append;
}

const operations: readonly Operation[] = [
  {
    name: 'append',
    run: async ({ folder }) => folder.commitAppends([await appended(folder, 'new')]),
  },
  {
    name: 'durable multi-append with keywords',
    settings: { durable: true },
    run: async ({ folder }) =>
      folder.commitAppends([await appended(folder, 'one', ['Work']), await appended(folder, 'two')]),
  },
  { name: 'copy', run: ({ folder, other }) => other.copyFrom(folder, [1, 2, 3]) },
  {
    name: 'copy of another user’s message',
    prepare: (directory) => {
      if (process.geteuid?.() === 0) chownSync(join(directory, 'cur/1.a:2,S'), 1, 1);
    },
    run: ({ folder, other }) => other.copyFrom(folder, [1]),
  },
  {
    name: 'move',
    settings: { durable: true },
    run: ({ folder, other }) => other.moveFrom(folder, [1, 3]),
    removes: [1, 3],
    keeps: ['1.a', '3.c'],
  },
  { name: 'expunge', run: ({ folder }) => folder.expunge([2, 3]), removes: [2, 3] },
  {
    name: 'expunge to a trash folder that has to be made',
    settings: { durable: true },
    run: ({ folder, directory }) => folder.expunge([1, 2], { trash: `${directory}/.Trash` }),
    removes: [1, 2],
    keeps: ['1.a', '2.b'],
  },
  {
    name: 'store flags',
    run: ({ folder }) => folder.storeFlags([1, 2], { mode: 'replace', flags: flag.flagged, keywords: [] }),
  },
  {
    name: 'store keywords, fast',
    settings: { durable: true },
    run: ({ folder }) => folder.storeFlags([1, 2], { mode: 'add', flags: flag.answered, keywords: ['Work'] }),
  },
  {
    name: 'store keywords, slow',
    settings: { keywords: 2 },
    run: ({ folder }) => folder.storeFlags([1, 2], { mode: 'add', flags: 0, keywords: ['Work'] }),
  },
  {
    name: 'new mail',
    settings: { durable: true },
    run: async ({ folder, directory }) => {
      put(directory, 'new/9.y');
      put(directory, 'new/8.x');
      put(directory, 'cur/7.w:2,S');
      await folder.refresh();
    },
    keeps: ['9.y', '8.x', '7.w'],
  },
];

async function openScene(operation: Operation): Promise<Scene & { close: () => void }> {
  const { directory, remove } = temporaryFolder();
  for (const name of ['/.Other', '/.Other/cur', '/.Other/new', '/.Other/tmp']) mkdirSync(directory + name);
  for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,FT']) put(directory, `cur/${name}`, name.split(':')[0]);
  operation.prepare?.(directory);
  const settings = { ...testSettings, ...operation.settings };
  const folder = await openFolder(directory, settings);
  const other = await openFolder(`${directory}/.Other`, settings);
  return {
    directory,
    folder,
    other,
    close: () => {
      forgetFolder(directory);
      forgetFolder(`${directory}/.Other`);
      remove();
    },
  };
}

/** A process that knows nothing looks at the folders. */
async function reopen(scene: Scene, operation: Operation): Promise<Scene> {
  forgetFolder(scene.directory);
  forgetFolder(scene.other.directory);
  const settings = { ...testSettings, ...operation.settings };
  return {
    directory: scene.directory,
    folder: await openFolder(scene.directory, settings),
    other: await openFolder(scene.other.directory, settings),
  };
}

function trashTexts(directory: string): string[] {
  try {
    return readdirSync(`${directory}/.Trash/cur`).map((name) => {
      return readFileSync(`${directory}/.Trash/cur/${name}`, 'latin1');
    });
  } catch {
    return [];
  }
}

function check(before: Scene, texts: Map<number, string>, after: Scene, operation: Operation): void {
  const { folder, other, directory } = after;
  assert.equal(folder.uidValidity, before.folder.uidValidity, 'UIDVALIDITY stays');
  const now = textsOf(folder);
  for (const [uid, text] of texts) {
    if (now.has(uid)) assert.equal(now.get(uid), text, `UID ${uid} means the same message`);
    else assert.ok(operation.removes?.includes(uid), `UID ${uid} is lost`);
  }
  for (const uid of now.keys()) assert.ok(texts.has(uid) || uid > 3, `UID ${uid} is used again`);
  const everywhere = [...now.values(), ...textsOf(other).values(), ...trashTexts(directory)];
  for (const kept of operation.keeps ?? [])
    assert.ok(
      everywhere.some((text) => text.includes(`\n${kept}`) || text.includes(`/${kept}`)),
      `${kept} is lost`,
    );
}

for (const operation of operations) {
  test(`${operation.name}: stopping anywhere loses nothing and reuses no UID`, async () => {
    let stops = 0;
    for (let calls = 0; ; calls++) {
      const scene = await openScene(operation);
      try {
        const texts = textsOf(scene.folder);
        const stop = stopAfter(calls);
        let failure: unknown;
        await operation.run(scene).catch((error: unknown) => {
          failure = error;
        });
        interceptSteps(undefined);
        if (!stop.reached()) {
          assert.equal(failure, undefined);
          break;
        }
        stops++;
        const after = await reopen(scene, operation);
        check(scene, texts, after, operation);
        const known = textsOf(after.folder);
        await operation.run(after);
        check(scene, known, after, operation);
        const last = await reopen(after, operation);
        check(scene, textsOf(after.folder), last, operation);
        assert.deepEqual(rowsOf(last.folder), rowsOf(after.folder), 'both processes see the same');
      } finally {
        interceptSteps(undefined);
        scene.close();
      }
    }
    assert.ok(stops > 0);
  });
}

test('the first open: stopping anywhere loses nothing', async () => {
  for (let calls = 0; ; calls++) {
    const { directory, remove } = temporaryFolder();
    put(directory, 'cur/2.b:2,S');
    put(directory, 'new/1.a');
    const stop = stopAfter(calls);
    await openFolder(directory, testSettings).catch(() => undefined);
    interceptSteps(undefined);
    forgetFolder(directory);
    const folder = await openFolder(directory, testSettings);
    assert.deepEqual(rowsOf(folder), ['1 1.a:2,', '2 2.b:2,S']);
    forgetFolder(directory);
    remove();
    if (!stop.reached()) break;
    assert.ok(calls < 100);
  }
});

test('dropping stale lines of the UID database: stopping anywhere keeps every UID', async () => {
  for (let calls = 0; ; calls++) {
    const { directory, remove } = temporaryFolder();
    for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,']) put(directory, `cur/${name}`);
    const first = await openFolder(directory, testSettings);
    await first.expunge([1, 3]);
    forgetFolder(directory);
    const stop = stopAfter(calls);
    await openFolder(directory, testSettings).catch(() => undefined);
    interceptSteps(undefined);
    forgetFolder(directory);
    const folder = await openFolder(directory, testSettings);
    assert.deepEqual(rowsOf(folder), ['2 2.b:2,']);
    assert.equal(folder.uidNext, 4);
    assert.equal(folder.uidValidity, first.uidValidity);
    forgetFolder(directory);
    remove();
    if (!stop.reached()) break;
    assert.ok(calls < 100);
  }
});
