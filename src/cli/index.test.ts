import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startTestDaemon } from '../../test/support/auth-daemon.ts';
import { run } from './index.ts';
import { barLine, startProgress } from './index-progress.ts';

/** Somebody else where the test may give files away. */
const isRoot = process.getuid!() === 0;
const owner = isRoot ? { uid: 54321, gid: 54321 } : { uid: process.getuid!(), gid: process.getgid!() };

/** `ann` with 30 messages in INBOX and 3 in another folder, the authentication daemon, and the command. */
async function withAccount(t: TestContext, settings: string) {
  const directory = mkdtempSync(join(tmpdir(), 'postrider-index-'));
  chmodSync(directory, 0o755);
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const maildir = join(directory, 'mail');
  const give = (path: string) => chownSync(path, owner.uid, owner.gid);
  for (const [folder, messages] of [
    ['', 30],
    ['.Few', 3],
  ] as const) {
    for (const name of ['', 'cur', 'new', 'tmp']) {
      mkdirSync(join(maildir, folder, name), { recursive: true });
      give(join(maildir, folder, name));
    }
    for (let i = 0; i < messages; i++) {
      const path = join(maildir, folder, `cur/${i}.x:2,`);
      writeFileSync(path, `Subject: ${i}\n\ntext ${i}\n`);
      give(path);
    }
  }
  const userdb = `ann\tuid=${owner.uid}|gid=${owner.gid}|home=/|mail=${maildir}\n`;
  const { daemon } = await startTestDaemon(t, { userdb });
  writeFileSync(join(directory, 'imapd'), '');
  writeFileSync(join(directory, 'authdaemonrc'), `authdaemonvar=${dirname(daemon.socketPath)}\n`);
  writeFileSync(join(directory, 'postrider'), settings);
  const index = async (...args: string[]) => {
    let stdout = '';
    let stderr = '';
    const code = await run({
      name: 'index',
      args,
      environment: { POSTRIDER_CONFIG: directory },
      stdout: (text) => (stdout += text),
      stderr: (text) => (stderr += text),
    });
    return { code, stdout, stderr };
  };
  return { file: join(maildir, 'postrider-text'), maildir, index };
}

test('index build makes the index of large folders as their owner, says so, and adds what is new later', async (t) => {
  const { file, maildir, index } = await withAccount(t, 'TEXT_INDEX_FROM=20\n');
  const built = await index('build', 'ann');
  assert.deepEqual(built, { code: 0, stdout: 'ann INBOX: 30 messages, 30 added\n', stderr: '' });
  assert.equal(statSync(file).uid, owner.uid);
  assert.ok(!existsSync(join(maildir, '.Few/postrider-text')));
  writeFileSync(join(maildir, 'cur/99.x:2,'), 'Subject: new\n\nnew\n', { mode: 0o644 });
  assert.equal((await index('build', 'ann')).stdout, 'ann INBOX: 31 messages, 1 added\n');
  assert.equal((await index('build', 'ann')).stdout, 'ann INBOX: 31 messages, 0 added\n');
  assert.equal(process.geteuid!(), process.getuid!());
});

test('index remove removes it, and is content where there is none', async (t) => {
  const { file, index } = await withAccount(t, 'TEXT_INDEX_FROM=20\n');
  await index('build', 'ann');
  assert.deepEqual(await index('remove', 'ann'), { code: 0, stdout: 'ann INBOX: removed\n', stderr: '' });
  assert.ok(!existsSync(file));
  assert.deepEqual(await index('remove', 'ann'), { code: 0, stdout: '', stderr: '' });
});

test('an account that does not exist is told, the others are done', async (t) => {
  const { index } = await withAccount(t, 'TEXT_INDEX_FROM=20\n');
  const { code, stdout, stderr } = await index('build', 'bob', 'ann');
  assert.equal(code, 1);
  assert.equal(stderr, 'postrider: bob: there is no such account\n');
  assert.match(stdout, /^ann INBOX: 30 messages/);
});

test('index build where there is no index to be', async (t) => {
  const { index } = await withAccount(t, 'TEXT_INDEX_FROM=0\n');
  const { code, stderr } = await index('build', 'ann');
  assert.equal(code, 1);
  assert.match(stderr, /TEXT_INDEX_FROM=0/);
});

for (const args of [[], ['build'], ['nonsense', 'ann'], ['build', '--nonsense', 'ann']])
  test(`"postrider index ${args.join(' ')}" prints the usage, exit 64`, async () => {
    let stderr = '';
    const code = await run({
      name: 'index',
      args,
      environment: {},
      stdout() {},
      stderr: (text) => (stderr += text),
    });
    assert.equal(code, 64);
    assert.match(stderr, /^usage: postrider index build/);
  });

for (const [done, total, elapsedMs, expected] of [
  [0, 10_000, 0, 'INBOX [--------------------]   0 % 0 of 10,000'],
  [5000, 10_000, 12_000, 'INBOX [##########----------]  50 % 5,000 of 10,000, 12 s left'],
  [1, 3000, 1000, 'INBOX [--------------------]   0 % 1 of 3,000, 50 min left'],
  [3000, 3000, 9000, 'INBOX [####################] 100 % 3,000 of 3,000, 0 s left'],
  [0, 0, 0, 'INBOX [####################] 100 % 0 of 0'],
] as const)
  test(`the bar at ${done} of ${total}`, () =>
    assert.equal(barLine('INBOX', done, total, elapsedMs), expected));

test('on a terminal the bar is drawn ten times a second, within the width, and goes when it is done', () => {
  let text = '';
  let now = 0;
  const write = (more: string) => (text += more);
  const progress = startProgress('INBOX', { write, columns: 30, nowMs: () => now });
  for (let i = 1; i <= 100; i++) {
    progress.step(i, 1000);
    now += 10;
  }
  progress.finish('done');
  const drawn = text.split('\r').slice(1);
  assert.equal(drawn.length, 11);
  for (const line of drawn.slice(0, -1)) assert.equal(line.replace('\x1b[K', '').length, 29);
  assert.equal(drawn.at(-1), '\x1b[KINBOX: done\n');
});

test('elsewhere there is one line', () => {
  let text = '';
  const progress = startProgress('INBOX', {
    write: (more) => (text += more),
    columns: undefined,
    nowMs: () => 0,
  });
  progress.step(1, 2);
  progress.finish('done');
  assert.equal(text, 'INBOX: done\n');
});
