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

const hammer = fileURLToPath(new URL('../../test/support/store-hammer.ts', import.meta.url));

async function run(directory: string, name: string, rounds: number): Promise<string> {
  const child = spawn(process.execPath, [hammer, directory, name, String(rounds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  return output;
}

test('no UID is given twice and no message is lost', async () => {
  const { directory, remove } = temporaryFolder();
  for (let i = 0; i < 20; i++) put(directory, `cur/${i}.first:2,`, `first ${i}`);
  const folder = await openFolder(directory, testSettings);
  const { uidValidity } = folder;
  const initial = textsOf(folder);
  const outputs = await Promise.all(['a', 'b', 'c'].map((name) => run(directory, name, 150)));
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
  const again = await openFolder(directory, testSettings);
  assert.deepEqual(textsOf(again), texts, 'a new process sees the same');
  assert.equal(databaseOf(directory).length, texts.size + 1);
  forgetFolder(directory);
  remove();
});
