/** Folders shared by file permissions between system users: needs root, to act as two of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ImapClient } from '../bench/imap-client.ts';

const skip = process.geteuid!() !== 0 && 'needs root';
const program = resolve(import.meta.dirname, '../bin/postrider');
const [ann, bob] = [5000, 5001];

function makeFolder(path: string, uid: number, mode: number, inner: number): void {
  for (const [directory, bits] of [
    [path, mode],
    [`${path}/cur`, inner],
    [`${path}/new`, inner],
    [`${path}/tmp`, inner],
  ] as const) {
    mkdirSync(directory, { recursive: true });
    chownSync(directory, uid, uid);
    chmodSync(directory, bits);
  }
}

function putMessage(path: string, uid: number, mode = 0o644): void {
  writeFileSync(path, 'a: b\n');
  chownSync(path, uid, uid);
  chmodSync(path, mode);
}

/** A session of ann's, and bob's sharable maildir with folders as `maildirmake -s` makes them. */
async function annAndBob(t: TestContext): Promise<{ client: ImapClient; home: string }> {
  const home = mkdtempSync(join(tmpdir(), 'postrider-users-'));
  chmodSync(home, 0o755);
  t.after(() => rmSync(home, { recursive: true, force: true }));
  makeFolder(join(home, 'ann'), ann, 0o700, 0o700);
  makeFolder(join(home, 'bob'), bob, 0o755, 0o700);
  makeFolder(join(home, 'bob/.Read'), bob, 0o755, 0o755);
  makeFolder(join(home, 'bob/.Write'), bob, 0o1755, 0o1777);
  makeFolder(join(home, 'bob/.Secret'), bob, 0o700, 0o700);
  for (const folder of ['.Read', '.Write', '.Secret'])
    putMessage(join(home, 'bob', folder, 'cur/1.m:2,S'), bob);
  putMessage(join(home, 'bob/.Write/new/2.m'), bob);
  putMessage(join(home, 'bob/.Write/cur/3.m:2,'), bob, 0o600);
  writeFileSync(join(home, 'ann/shared-maildirs'), `pub ${home}/bob\n`);
  const child = spawn(program, ['imapd', join(home, 'ann')], {
    env: {
      PATH: process.env['PATH'] ?? '',
      AUTHENTICATED: 'ann',
      IMAP_KEYWORDS: '1',
      NODE_COMPILE_CACHE: '',
    },
    cwd: home,
    uid: ann,
    gid: ann,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill());
  return { client: await ImapClient.over(child.stdout, child.stdin), home };
}

test('what may be read is listed and opened read-only', { skip }, async (t) => {
  const { client } = await annAndBob(t);
  const { text } = await client.run('LIST "" shared.*', true);
  assert.deepEqual(
    [...text.matchAll(/"(shared\.pub\.[^"]*)"/g)].map(([, name]) => name),
    ['shared.pub.Read', 'shared.pub.Write'],
  );
  assert.match((await client.run('SELECT shared.pub.Read')).status, /^OK \[READ-ONLY\]/);
  assert.match((await client.run('FETCH 1 BODY.PEEK[]', true)).text, /a: b/);
  await assert.rejects(client.run('COPY 1 shared.pub.Read'), /ACL "i" required/);
  await assert.rejects(client.run('SELECT shared.pub.Secret'), /does not exist/);
});

test('where all may write, messages are added, and only one’s own removed', { skip }, async (t) => {
  const { client, home } = await annAndBob(t);
  const selected = await client.run('SELECT shared.pub.Write', true);
  assert.match(selected.status, /^OK \[READ-WRITE\]/);
  assert.match(selected.text, /^\* 2 EXISTS/m, 'new mail of the owner that may not be moved is not seen');
  await client.runWithLiteral('APPEND shared.pub.Write (\\Flagged)', Buffer.from('a: mine\r\n'));
  await client.run('STORE 1:3 +FLAGS (\\Deleted)');
  const { text } = await client.run('EXPUNGE', true);
  assert.match(text, /^\* 3 EXPUNGE/m);
  assert.doesNotMatch(text, /^\* [12] EXPUNGE/m);
  const flags = (await client.run('FETCH 1:2 FLAGS', true)).text;
  assert.doesNotMatch(flags, /Deleted/, 'what could not be removed is not marked any more');
  assert.deepEqual(readdirSync(join(home, 'bob/.Write/cur')).sort(), ['1.m:2,S', '3.m:2,']);
  assert.deepEqual(readdirSync(join(home, 'bob/.Write/tmp')), []);
  const unreadable = await client.run('FETCH 2 BODY.PEEK[]', true).then(({ status }) => status, String);
  assert.doesNotMatch(unreadable, /SERVERBUG/);
});
