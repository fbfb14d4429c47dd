/** Quotas on the wire: what clients are told at the limit, and SETQUOTA of administrators. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient, type InProcessOptions } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { temporaryAccount } from './support/temporary-account.ts';

const alert = '* NO [ALERT] You exceeded your mail quota.';

/** A session on an account of two messages, which count as `octets` and 2. */
async function withSession(
  t: TestContext,
  limit: string,
  octets: number,
  options: InProcessOptions = {},
): Promise<InProcessClient> {
  const { maildir } = temporaryAccount(t);
  makeMaildir('two-messages', maildir);
  writeFileSync(join(maildir, 'maildirsize'), `${limit}\n${octets} 2\n`);
  const client = new InProcessClient(maildir, options);
  t.after(() => client.close());
  await client.line();
  return client;
}

for (const command of ['APPEND INBOX {6+}\r\na: b\r\n', 'COPY 1 INBOX'])
  test(`${command.split(' ')[0]} beyond the quota has an alert and the code OVERQUOTA`, async (t) => {
    const client = await withSession(t, '2C', 100);
    await client.command('s', 'SELECT INBOX');
    const refusal = 'a NO [OVERQUOTA] You exceeded your mail quota.';
    assert.deepEqual(await client.command('a', command), [alert, refusal]);
    assert.deepEqual(await client.command('b', 'NOOP'), ['b OK NOOP completed'], 'and nothing else');
  });

test('taking \\Deleted off beyond the quota is refused, and the flags told are the true ones', async (t) => {
  const client = await withSession(t, '2C', 100);
  await client.command('s', 'SELECT INBOX');
  await client.command('a', 'STORE 1 +FLAGS.SILENT (\\Deleted)');
  await client.command('b', 'APPEND INBOX {6+}\r\na: b\r\n');
  assert.equal(
    (await client.command('c', 'STORE 1 -FLAGS (\\Deleted)')).at(-1),
    'c NO [OVERQUOTA] You exceeded your mail quota.',
  );
  assert.match((await client.command('d', 'FETCH 1 FLAGS')).join(), /FETCH \(FLAGS \([^)]*\\Deleted/);
});

test('administrators set limits, which replace those before', async (t) => {
  const identity = { login: 'chief', groups: ['administrators'], aclsDisabled: false };
  const client = await withSession(t, '9000S', 1500, { identity, mailboxes: { mailboxLimit: 50 } });
  assert.deepEqual(await client.command('a', 'GETQUOTA ROOT'), [
    '* QUOTA "ROOT" (STORAGE 2 9 MAILBOX 2 50)',
    'a OK GETQUOTA Ok.',
  ]);
  const [line] = await client.command('b', 'SETQUOTA "ROOT" (MESSAGE 20)');
  assert.equal(line, '* QUOTA "ROOT" (MESSAGE 2 20 MAILBOX 2 50)');
  assert.equal((await client.command('c', 'SETQUOTA "ROOT" ()'))[0], '* QUOTA "ROOT" (MAILBOX 2 50)');
  assert.deepEqual(await client.command('d', 'SETQUOTA "x" (STORAGE 1)'), [
    'd NO [NONEXISTENT] There is no such quota root.',
  ]);
});
