/** Several processes work on one folder at once. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  databaseOf,
  listOf,
  put,
  temporaryFolder,
  testSettings,
  textsOf,
} from '../../test/support/store-folder.ts';
import { forgetFolder, openFolder } from './registry.ts';
import type { StoreSettings } from './settings.ts';

const hammer = fileURLToPath(new URL('../../test/support/store-hammer.ts', import.meta.url));

async function run(
  directory: string,
  name: string,
  rounds: number,
  changes: Partial<StoreSettings>,
): Promise<string> {
  const child = spawn(process.execPath, [hammer, directory, name, String(rounds), JSON.stringify(changes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  return output;
}

const manners: [name: string, changes: Partial<StoreSettings>, messages: number][] = [
  ['that keep nothing', {}, 20],
  ['that keep index and cache', { keepsIndex: true }, 20],
  ['that give UIDs lazily', { keepsIndex: true, lazyUids: true }, 600],
];

for (const [name, changes, messages] of manners)
  test(`processes ${name}: no UID is given twice and no message is lost`, () =>
    hammerFolder(changes, messages));

async function hammerFolder(changes: Partial<StoreSettings>, messages: number): Promise<void> {
  const { directory, remove } = temporaryFolder();
  for (let i = 0; i < messages; i++) put(directory, `cur/${i}.first:2,`, `first ${i}`);
  const folder = await openFolder(directory, { ...testSettings, ...changes });
  const { uidValidity } = folder;
  const initial = textsOf(folder);
  const outputs = await Promise.all(['a', 'b', 'c'].map((name) => run(directory, name, 120, changes)));
  await folder.refresh();

  const told = outputs
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ['append', number, string] | ['expunge', number]);
  const given = told.filter((each) => each[0] === 'append');
  const expunged = new Set(told.filter((each) => each[0] === 'expunge').map(([, uid]) => uid));
  assert.ok(given.length > 50);
  assert.equal(new Set(given.map(([, uid]) => uid)).size, given.length, 'every UID once');

  const texts = textsOf(folder);
  for (const [uid, content] of [...initial, ...given.map(([, uid, content]) => [uid, content] as const)])
    if (!expunged.has(uid)) assert.equal(texts.get(uid), content, `UID ${uid}`);
  for (const uid of expunged) assert.ok(!texts.has(uid), `UID ${uid} is gone`);
  assert.equal(folder.uidValidity, uidValidity);
  assert.equal(listOf(directory, 'cur').length, texts.size, 'every file has a UID');
  assert.deepEqual(listOf(directory, 'tmp'), []);

  forgetFolder(directory);
  const withIndex = await openFolder(directory, { ...testSettings, ...changes });
  assert.deepEqual(textsOf(withIndex), texts, 'a new process sees the same');
  forgetFolder(directory);
  const again = await openFolder(directory, testSettings);
  assert.deepEqual(textsOf(again), texts, 'also without index and journal');
  assert.equal(databaseOf(directory).length, texts.size + 1);
  forgetFolder(directory);
  remove();
}
