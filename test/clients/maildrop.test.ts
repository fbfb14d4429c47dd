/** maildrop, the delivery agent of most Courier machines, puts mail into a maildir that clients work in. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ImapClient } from '../../bench/imap-client.ts';
import { programMissing } from '../support/peers.ts';
import { temporaryAccount } from '../support/temporary-account.ts';

const skip = programMissing('maildrop', 'maildrop') ?? false;
const program = join(import.meta.dirname, '../../bin/postrider');

function session(t: TestContext, maildir: string): Promise<ImapClient> {
  const child = spawn(program, ['imapd', maildir], {
    env: { ...process.env, AUTHENTICATED: 'test', IMAP_USELOCKS: '1', IMAP_KEYWORDS: '1' },
    cwd: dirname(maildir),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  return ImapClient.over(child.stdout!, child.stdin!);
}

async function deliver(filter: string, subject: string): Promise<void> {
  const child = spawn('maildrop', [filter], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.end(`From: ann@example.org\nSubject: ${subject}\n\nBody of ${subject}\n`);
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0, subject);
}

test('mail of two maildrops shows up while sessions file, flag and remove mail', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const { maildir, put } = temporaryAccount(t);
  put('maildirsize', '50000000S,5000C\n');
  const filter = join(dirname(maildir), 'filter');
  writeFileSync(filter, `to "${maildir}"\n`, { mode: 0o600 });
  const each = 30;
  const [idler, worker] = await Promise.all([session(t, maildir), session(t, maildir)]);
  await idler.run('SELECT INBOX');
  const { promise: allCame, resolve } = Promise.withResolvers<void>();
  let exists = 0;
  let removed = 0;
  const see = () => {
    if (exists + removed >= 2 * each) resolve();
  };
  await idler.idle((line) => {
    exists = Number(/^\* (\d+) EXISTS/.exec(line)?.[1] ?? exists);
    if (/^\* \d+ EXPUNGE/.test(line)) {
      exists--;
      removed++;
    }
    see();
  });

  const loop = async (name: string) => {
    for (let i = 0; i < each; i++) await deliver(filter, `${name}${i}`);
  };
  let delivering = true;
  const deliveries = Promise.all([loop('a'), loop('b')]).finally(() => {
    delivering = false;
  });
  await worker.run('CREATE INBOX.Filed');
  await worker.run('SELECT INBOX');
  const filed = new Set<number>();
  while (delivering) {
    const uids = /\* SEARCH(.*)/.exec((await worker.run('UID SEARCH UNFLAGGED', true)).text)![1]!;
    for (const uid of uids.trim().split(' ').filter(Boolean).map(Number)) {
      await worker.run(`UID STORE ${uid} +FLAGS (\\Flagged $Seen1)`);
      if (uid % 7 !== 0) continue;
      await worker.run(`UID MOVE ${uid} INBOX.Filed`);
      assert.ok(!filed.has(uid), `UID ${uid} came twice`);
      filed.add(uid);
    }
    await worker.run('NOOP');
  }
  await deliveries;
  await allCame;
  await idler.done();

  await worker.run('SELECT INBOX');
  const subjects = async () => {
    const { text } = await worker.run('UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])', true);
    return [...text.matchAll(/UID (\d+) [\s\S]*?Subject: (.*?)\r\n/g)].map(([, uid, subject]) => [
      uid,
      subject,
    ]);
  };
  const inbox = await subjects();
  await worker.run('SELECT INBOX.Filed');
  const there = filed.size === 0 ? [] : await subjects();
  const expected = ['a', 'b'].flatMap((name) => Array.from({ length: each }, (_, i) => `${name}${i}`));
  const found = [...inbox, ...there].map(([, subject]) => subject!);
  assert.deepEqual(new Set(found), new Set(expected));
  assert.equal(found.length, expected.length, 'every message once');
  assert.equal(new Set(inbox.map(([uid]) => uid)).size, inbox.length, 'every UID once');

  // What maildrop charged and what we charged add up to the files that are there.
  const files = ['cur', 'new', '.Filed/cur', '.Filed/new'].flatMap((directory) =>
    readdirSync(join(maildir, directory)).map((name) => statSync(join(maildir, directory, name)).size),
  );
  const [, ...charges] = readFileSync(join(maildir, 'maildirsize'), 'latin1').trim().split('\n');
  const sum = (column: number) =>
    charges.reduce((total, line) => total + Number(line.trim().split(/\s+/)[column]), 0);
  assert.equal(sum(1), files.length);
  assert.equal(
    sum(0),
    files.reduce((total, size) => total + size, 0),
  );
});
