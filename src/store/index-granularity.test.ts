import assert from 'node:assert/strict';
import { renameSync, utimesSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { put, rowsOf, temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import type { StoreSettings } from './folder.ts';
import { forgetFolder, openFolder, saveFolders } from './registry.ts';

const settings: StoreSettings = { ...testSettings, keepsIndex: true };

/** A whole second an hour ago: what time stamps of whole seconds look like. */
const second = Math.floor(Date.now() / 1000) - 3600;

function setTimes(directory: string, seconds: number): void {
  for (const name of ['cur', 'new', 'courierimapkeywords'])
    utimesSync(`${directory}/${name}`, seconds, seconds);
}

/**
 * Has the index written so long after the last change, then changes a flag within the same time stamp.
 * @returns whether the next process sees it
 */
async function isSeen(context: TestContext, changed: number, savedMs: number): Promise<boolean> {
  const { directory, remove } = temporaryFolder();
  try {
    for (const name of ['1.a:2,S', '2.b:2,']) put(directory, `cur/${name}`);
    const folder = await openFolder(directory, settings);
    context.mock.timers.enable({ apis: ['Date'], now: changed * 1000 + savedMs });
    setTimes(directory, changed);
    await folder.refresh();
    await saveFolders();
    forgetFolder(directory);
    renameSync(`${directory}/cur/2.b:2,`, `${directory}/cur/2.b:2,R`);
    setTimes(directory, changed);
    return rowsOf(await openFolder(directory, settings)).includes('2 2.b:2,R');
  } finally {
    context.mock.timers.reset();
    forgetFolder(directory);
    remove();
  }
}

const cases: readonly [name: string, changed: number, savedMs: number, isSeen: boolean][] = [
  ['at once', second + 0.5, 0, true],
  ['19 ms later', second + 0.5, 19, true],
  // Nobody can have changed anything then: that the time stamp is believed shows that it was kept.
  ['21 ms later', second + 0.5, 21, false],
  ['99 ms later, where times are whole seconds', second, 99, true],
  ['2,099 ms later, where times are whole seconds', second, 2099, true],
  ['2,101 ms later, where times are whole seconds', second, 2101, false],
];

for (const [name, changed, savedMs, seen] of cases) {
  const what = seen ? 'is not trusted with' : 'stands for';
  test(`an index written ${name} ${what} what has the same time stamp`, async (context) => {
    assert.equal(await isSeen(context, changed, savedMs), seen);
  });
}
