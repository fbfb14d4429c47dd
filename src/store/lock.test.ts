import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { existsSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, test } from 'node:test';
import {
  listOf,
  type TemporaryFolder,
  temporaryFolder,
  testSettings,
} from '../../test/support/store-folder.ts';
import { forgetSource, inTurn, takeDotLock } from './lock.ts';
import { interceptSteps } from './steps.ts';

let place: TemporaryFolder;
let lock: string;

beforeEach(() => {
  place = temporaryFolder();
  lock = `${place.directory}/tmp/courier.lock`;
});

afterEach(() => place.remove());

const take = () => takeDotLock(place.directory, testSettings);

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid!;
}

test('the lock says pid and host, and is gone when released', async () => {
  const release = await take();
  assert.equal(readFileSync(lock, 'latin1'), `${process.pid}:test.host`);
  assert.deepEqual(listOf(place.directory, 'tmp'), ['courier.lock']);
  release();
  assert.deepEqual(listOf(place.directory, 'tmp'), []);
});

test('without locks in the settings nothing is written', async () => {
  (await takeDotLock(place.directory, { ...testSettings, useLocks: false }))();
  assert.deepEqual(listOf(place.directory, 'tmp'), []);
});

for (const [what, content, ageSeconds] of [
  ['our own pid, which nobody here holds', `${process.pid}:test.host`, 0],
  ['another host, old', '1:other', 121],
  ['nonsense, old', 'nonsense', 121],
  ['nothing, old', '', 121],
] as const)
  test(`a lock with ${what} is stale`, async () => {
    writeFileSync(lock, content);
    const time = Date.now() / 1000 - ageSeconds;
    utimesSync(lock, time, time);
    const release = await take();
    assert.equal(readFileSync(lock, 'latin1'), `${process.pid}:test.host`);
    release();
    assert.deepEqual(listOf(place.directory, 'tmp'), []);
  });

test('a lock of a process that has ended is stale at once', async () => {
  writeFileSync(lock, `${await deadPid()}:test.host`);
  (await take())();
  assert.equal(existsSync(lock), false);
});

for (const [what, content, ageSeconds] of [
  ['a process that lives, however old', '1:test.host', 1000],
  ['another host, young', '1:other', 0],
  ['nonsense, young', 'nonsense', 0],
] as const)
  test(`a lock of ${what} is waited for, and its removal is noticed`, async () => {
    writeFileSync(lock, content);
    const time = Date.now() / 1000 - ageSeconds;
    utimesSync(lock, time, time);
    const events: string[] = [];
    const taking = take().then((release) => {
      events.push('taken');
      release();
    });
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    events.push('removed');
    unlinkSync(lock);
    const startedMs = performance.now();
    await taking;
    assert.deepEqual(events, ['removed', 'taken']);
    assert.ok(performance.now() - startedMs < 900, 'the watch, not the timer, noticed');
  });

test('a lock that is released and taken again before it is watched is waited for, not for the time to pass', async (context) => {
  const content = `${process.ppid}:test.host`;
  writeFileSync(lock, content);
  const { watch } = fs;
  let watches = 0;
  context.mock.method(fs, 'watch', (path: Buffer, listener: () => void) => {
    if (watches++ > 0) {
      setImmediate(() => unlinkSync(lock));
      return watch(path, listener);
    }
    unlinkSync(lock);
    try {
      return watch(path, listener);
    } finally {
      writeFileSync(lock, content);
    }
  });
  syncBuiltinESMExports();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  try {
    (await take())();
    assert.equal(watches, 2);
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test('a folder without tmp cannot be locked', async () => {
  place.remove();
  await assert.rejects(take(), { kind: 'unavailable' });
});

test('tasks of one key run one after the other, in order, also after a failure', async () => {
  const log: string[] = [];
  const task =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([
    inTurn('k', task('a')),
    inTurn('k', task('b', true)),
    inTurn('k', task('c')),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(
    log,
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

/** Takes and releases the lock until its file is kept. */
async function keepBusy(): Promise<string> {
  for (let i = 0; i < 20; i++) (await take())();
  const kept = listOf(place.directory, 'tmp');
  assert.equal(kept.length, 1);
  return `${place.directory}/tmp/${kept[0]}`;
}

test('in a busy folder the file that becomes the lock is kept, until the folder rests or is renamed', async () => {
  const kept = await keepBusy();
  utimesSync(kept, 1, 1);
  const release = await take();
  assert.equal(statSync(lock).ino, statSync(kept).ino);
  assert.ok(statSync(lock).mtimeMs > Date.now() - 60_000, 'other hosts judge a lock by its age');
  release();
  assert.ok(!existsSync(lock));
  forgetSource(place.directory);
  assert.deepEqual(listOf(place.directory, 'tmp'), []);
});

test('a kept file that somebody has purged is made anew', async () => {
  unlinkSync(await keepBusy());
  const release = await take();
  assert.equal(readFileSync(lock, 'latin1'), `${process.pid}:test.host`);
  release();
  forgetSource(place.directory);
});

test('stopping before any step of a busy folder’s lock leaves it free for the next', async () => {
  await keepBusy();
  for (let stop = 1; stop <= 3; stop++) {
    let step = 0;
    interceptSteps(() => {
      if (++step === stop) throw new Error('killed');
    });
    try {
      await assert.rejects(async () => (await take())(), /killed/);
    } finally {
      interceptSteps(undefined);
    }
    const release = await take();
    assert.equal(readFileSync(lock, 'latin1'), `${process.pid}:test.host`);
    release();
  }
  forgetSource(place.directory);
  assert.deepEqual(listOf(place.directory, 'tmp'), []);
});
