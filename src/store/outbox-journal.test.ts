import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import { beginSending } from './outbox-journal.ts';
import type { StoreSettings } from './settings.ts';
import { interceptSteps } from './steps.ts';

const sha256 = 'ab'.repeat(32);
/** The number of a process that has ended. */
const deadPid = spawnSync('true').pid;

function maildirFor(t: TestContext): string {
  const { directory, remove } = temporaryFolder();
  t.after(remove);
  return directory;
}

class Crash extends Error {}

/** As if the process that holds the entries had died. */
function die(maildir: string, hostname: string): void {
  interceptSteps(undefined);
  const path = join(maildir, 'postrider-outbox', `${sha256}.sending`);
  if (existsSync(path)) writeFileSync(path, `${deadPid}:${hostname}\n`);
}

/** What a client's APPEND does. @returns what the client was told */
async function sendAndStore(maildir: string, settings: StoreSettings, world: { sent: number }) {
  const begun = await beginSending(maildir, settings, sha256);
  if (begun.kind === 'running' || begun.kind === 'unknown') return begun.kind;
  if (begun.kind === 'new') {
    world.sent++;
    await begun.entry.sent();
  }
  begun.entry.forget();
  return begun.kind;
}

test('a stop before any step sends nothing twice without a word', async (t) => {
  const settings = { ...testSettings, durable: true };
  let crashed = true;
  for (let calls = 0; crashed; calls++) {
    const maildir = maildirFor(t);
    const world = { sent: 0 };
    let done = 0;
    interceptSteps((step) => {
      if (done++ >= calls) throw new Crash(step);
    });
    crashed = await sendAndStore(maildir, settings, world).then(
      () => false,
      () => true,
    );
    die(maildir, settings.hostname);
    const sentBefore = world.sent;
    const told = await sendAndStore(maildir, settings, world);
    if (told === 'new' && crashed)
      assert.equal(sentBefore, 0, `sent twice after a stop before step ${calls}`);
    if (told === 'unknown') assert.equal(await sendAndStore(maildir, settings, world), 'new');
    assert.ok(world.sent > 0, `never sent after a stop before step ${calls}`);
    assert.deepEqual(readdirSync(join(maildir, 'postrider-outbox')), []);
  }
});

test('a message that is being sent is not sent by somebody else', async (t) => {
  const settings = testSettings;
  const maildir = maildirFor(t);
  const begun = await beginSending(maildir, settings, sha256);
  assert.ok(begun.kind === 'new');
  assert.equal((await beginSending(maildir, settings, sha256)).kind, 'running');
  assert.equal((await beginSending(maildir, settings, 'cd'.repeat(32))).kind, 'new');
  begun.entry.forget();
  assert.equal((await beginSending(maildir, settings, sha256)).kind, 'new');
});

for (const [what, content, ageSeconds, kind] of [
  ['of a live process of this host', `${process.ppid}:HOST\n`, 0, 'running'],
  ['of a dead process of this host', `${deadPid}:HOST\n`, 0, 'unknown'],
  ['of our own number, but not ours', `${process.pid}:HOST\n`, 0, 'unknown'],
  ['of another host', '1:elsewhere\n', 0, 'running'],
  ['of another host, two hours old', '1:elsewhere\n', 7300, 'unknown'],
  ['with nonsense in it', 'what', 0, 'running'],
  ['with nonsense in it, two hours old', 'what', 7300, 'unknown'],
  ['four days old', `${deadPid}:HOST\n`, 4 * 86_400, 'new'],
] as const)
  test(`an entry ${what} is ${kind}`, async (t) => {
    const settings = testSettings;
    const maildir = maildirFor(t);
    (await entryOf(maildir, settings)).forget();
    const path = join(maildir, 'postrider-outbox', `${sha256}.sending`);
    writeFileSync(path, content.replace('HOST', settings.hostname));
    const seconds = Date.now() / 1000 - ageSeconds;
    utimesSync(path, seconds, seconds);
    assert.equal((await beginSending(maildir, settings, sha256)).kind, kind);
  });

test('that a message was sent is known for three days', async (t) => {
  const settings = testSettings;
  const maildir = maildirFor(t);
  await (await entryOf(maildir, settings)).sent();
  assert.equal((await beginSending(maildir, settings, sha256)).kind, 'sent');
  const seconds = Date.now() / 1000 - 3 * 86_400 - 10;
  utimesSync(join(maildir, 'postrider-outbox', `${sha256}.sent`), seconds, seconds);
  assert.equal((await beginSending(maildir, settings, sha256)).kind, 'new');
});

test('what cannot be noted is not sent', async (t) => {
  const maildir = maildirFor(t);
  writeFileSync(join(maildir, 'postrider-outbox'), '');
  await assert.rejects(beginSending(maildir, testSettings, sha256), { name: 'MailError' });
});

async function entryOf(maildir: string, settings: StoreSettings) {
  const begun = await beginSending(maildir, settings, sha256);
  assert.ok(begun.kind === 'new');
  return begun.entry;
}
