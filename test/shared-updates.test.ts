/** What the owner of a shared mailbox does, in another process, reaches those who idle in it, and the other way round. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient, spawnedClient } from './support/imap-client.ts';
import { makeFolderDirectory } from './support/temporary-account.ts';
import type { Client } from './support/transcript.ts';

const program = resolve(import.meta.dirname, '../bin/postrider');
const all = 'aceilrstwx';

/** Ann in this process, who may do everything in bob's Pub, and bob in a process of his own. */
async function annAndBob(t: TestContext): Promise<{ ann: InProcessClient; bob: Client; home: string }> {
  const home = mkdtempSync(join(tmpdir(), 'postrider-updates-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  for (const folder of ['ann', 'bob', 'bob/.Pub']) makeFolderDirectory(join(home, folder));
  writeFileSync(
    join(home, 'bob/.Pub/courierimapacl'),
    `owner ${all}\nadministrators ${all}\nuser=ann ${all}\n`,
  );
  writeFileSync(join(home, 'bob/.Pub/cur/1.a:2,'), 'a: b\n');
  writeFileSync(join(home, 'index'), `bob\t1000\t1000\t${home}\tbob\n`);
  const ann = new InProcessClient(join(home, 'ann'), {
    identity: { login: 'ann', groups: [], aclsDisabled: false },
    mailboxes: { shared: { indexFile: join(home, 'index'), mungeNames: false } },
  });
  const bob = spawnedClient(program, ['imapd', join(home, 'bob')], {
    ...process.env,
    AUTHENTICATED: 'bob',
    IMAP_KEYWORDS: '1',
  });
  t.after(() => {
    ann.close();
    bob.close();
  });
  await ann.line();
  await bob.line();
  await say(bob, 'SELECT INBOX.Pub');
  await ann.command('s', 'SELECT #shared.bob.Pub');
  return { ann, bob, home };
}

let count = 0;

/** Sends a command and waits for its end; what came before that. */
async function say(client: Client, command: string): Promise<string[]> {
  const tag = `t${++count}`;
  client.send(Buffer.from(`${tag} ${command}\r\n`));
  const lines: string[] = [];
  for (;;) {
    const line = await client.line();
    lines.push(line);
    if (line.startsWith(`${tag} `)) return lines;
  }
}

async function until(client: Client, wanted: RegExp): Promise<void> {
  for (let line = ''; !wanted.test(line); ) line = await client.line();
}

test('changes by the owner in another process reach an idling user of the mailbox', async (t) => {
  const { ann, bob } = await annAndBob(t);
  ann.send(Buffer.from('i IDLE\r\n'));
  await until(ann, /^\+/);
  await say(bob, 'STORE 1 +FLAGS (\\Flagged)');
  await until(ann, /^\* 1 FETCH \(FLAGS \([^)]*\\Flagged/);
  await say(bob, 'STORE 1 +FLAGS (urgent)');
  await until(ann, /^\* 1 FETCH \(FLAGS \([^)]*urgent/);
  await say(bob, 'APPEND INBOX.Pub {6+}\r\nc: d\r\n');
  await until(ann, /^\* 2 EXISTS/);
  await say(bob, 'STORE 1 +FLAGS (\\Deleted)');
  await say(bob, 'EXPUNGE');
  await until(ann, /^\* 1 EXPUNGE/);
});

test('changes by a user of the mailbox reach its owner, who idles in another process', async (t) => {
  const { ann, bob } = await annAndBob(t);
  bob.send(Buffer.from('i IDLE\r\n'));
  await until(bob, /^\+/);
  await ann.command('a', 'STORE 1 +FLAGS (\\Answered)');
  await until(bob, /^\* 1 FETCH \(FLAGS \([^)]*\\Answered/);
  await ann.command('b', 'APPEND #shared.bob.Pub {6+}\r\nc: d\r\n');
  await until(bob, /^\* 2 EXISTS/);
});

test('rights that the owner takes away in another process are gone for a user at work', async (t) => {
  const { ann, bob } = await annAndBob(t);
  assert.match((await say(bob, 'SETACL INBOX.Pub ann lr')).at(-1)!, / OK /);
  const lines = await ann.command('a', 'STORE 1 +FLAGS (\\Flagged)');
  assert.deepEqual(
    lines.filter((line) => line.includes('\\Flagged')),
    [],
  );
  assert.match((await ann.command('b', 'EXPUNGE')).at(-1)!, /ACL "e" required/);
  assert.equal((await ann.command('c', 'MYRIGHTS #shared.bob.Pub'))[0], '* MYRIGHTS "#shared.bob.Pub" "lr"');
});
