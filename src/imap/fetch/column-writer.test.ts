import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient } from '../../../test/support/imap-client.ts';
import { temporaryAccount } from '../../../test/support/temporary-account.ts';

async function clientWith(t: TestContext, files: readonly string[]): Promise<InProcessClient> {
  const { maildir } = temporaryAccount(t);
  for (const file of files) writeFileSync(join(maildir, 'cur', file), 'Subject: x\n\nx\n');
  const client = new InProcessClient(maildir);
  t.after(() => client.close());
  await client.line();
  await client.command('s', 'SELECT INBOX');
  return client;
}

test('UID and FLAGS in any order, and what is asked for twice comes once', async (t) => {
  const client = await clientWith(t, ['1.a:2,', '2.b:2,S', '3.c:2,FS']);
  await client.command('k', 'STORE 2 +FLAGS.SILENT ($Work)');
  await client.command('r', 'SELECT INBOX');
  assert.deepEqual(await client.command('1', 'FETCH 1:* (UID FLAGS)'), [
    '* 1 FETCH (UID 1 FLAGS ())',
    '* 2 FETCH (UID 2 FLAGS (\\Seen $Work))',
    '* 3 FETCH (UID 3 FLAGS (\\Flagged \\Seen))',
    '1 OK FETCH completed.',
  ]);
  assert.deepEqual(await client.command('2', 'FETCH 2 (FLAGS UID FLAGS)'), [
    '* 2 FETCH (FLAGS (\\Seen $Work) UID 2)',
    '2 OK FETCH completed.',
  ]);
  assert.deepEqual(await client.command('3', 'FETCH 3 FLAGS'), [
    '* 3 FETCH (FLAGS (\\Flagged \\Seen))',
    '3 OK FETCH completed.',
  ]);
});

test('lines go over from one block to the next, and a line may be longer than any', async (t) => {
  const client = await clientWith(
    t,
    Array.from({ length: 3000 }, (_, i) => `${1_000_000 + i}.x:2,S`),
  );
  const lines = await client.command('1', 'FETCH 1:* (UID FLAGS)');
  assert.equal(lines.length, 3001);
  for (let i = 0; i < 3000; i++)
    assert.equal(lines[i], `* ${i + 1} FETCH (UID ${i + 1} FLAGS (\\Seen \\Recent))`);
  const keywords = Array.from({ length: 30 }, (_, i) => `${'k'.repeat(2500)}${i}`);
  for (const keyword of keywords) await client.command('k', `STORE 7 +FLAGS.SILENT (${keyword})`);
  const [long] = await client.command('2', 'FETCH 7 (FLAGS)');
  assert.ok(long!.length > 65_536);
  for (const keyword of keywords) assert.ok(long!.includes(` ${keyword}`));
});
