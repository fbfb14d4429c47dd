import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient } from '../../test/support/imap-client.ts';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';

interface Clients {
  readonly maildir: string;
  /** Has INBOX.x with two messages selected. */
  readonly one: InProcessClient;
  readonly other: InProcessClient;
}

async function twoClients(t: TestContext): Promise<Clients> {
  const home = mkdtempSync(join(tmpdir(), 'postrider-gone-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const maildir = join(home, 'Maildir');
  makeMaildir('two-messages', maildir);
  const [one, other] = [new InProcessClient(maildir), new InProcessClient(maildir)];
  for (const client of [one, other]) {
    t.after(() => client.close());
    await client.line();
  }
  await one.command('1', 'CREATE INBOX.x');
  await one.command('2', 'SELECT INBOX');
  await one.command('3', 'COPY 1:* INBOX.x');
  await one.command('4', 'SELECT INBOX.x');
  return { maildir, one, other };
}

const ways: Readonly<Record<string, (clients: Clients) => Promise<unknown>>> = {
  'deleted by another session': ({ other }) => other.command('d', 'DELETE INBOX.x'),
  'renamed by another session': ({ other }) => other.command('r', 'RENAME INBOX.x INBOX.y'),
  'removed by another program': async ({ maildir }) => {
    rmSync(join(maildir, '.x'), { recursive: true });
    // The next command comes through the event loop, behind the events of this.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  },
};
const text = 'The selected mailbox has been deleted or renamed.';

for (const [how, vanish] of Object.entries(ways)) {
  for (const command of [
    'NOOP',
    'CHECK',
    'FETCH 1 (BODY.PEEK[])',
    'STORE 1 +FLAGS (\\Deleted)',
    'EXPUNGE',
    'COPY 1 INBOX',
    'MOVE 1 INBOX',
  ])
    test(`${command} in a mailbox ${how} ends the session with the reason`, async (t) => {
      const clients = await twoClients(t);
      await vanish(clients);
      const lines = await clients.one.command('5', command);
      assert.deepEqual(lines, [`* BYE ${text}`, `5 NO [NONEXISTENT] ${text}`]);
      assert.ok(clients.one.connection.closed);
      assert.deepEqual(await clients.other.command('n', 'NOOP'), ['n OK NOOP completed']);
    });

  test(`IDLE in a mailbox ${how} ends the session at once`, async (t) => {
    const clients = await twoClients(t);
    clients.one.send(Buffer.from('5 IDLE\r\n'));
    assert.match(await clients.one.line(), /^\+ /);
    await vanish(clients);
    assert.equal(await clients.one.line(), `* BYE ${text}`);
    assert.equal(await clients.one.line(), `5 NO [NONEXISTENT] ${text}`);
  });

  test(`a mailbox ${how} can be left`, async (t) => {
    const clients = await twoClients(t);
    await vanish(clients);
    assert.deepEqual(await clients.one.command('5', 'UNSELECT'), ['5 OK mailbox closed.']);
    assert.match((await clients.one.command('6', 'SELECT INBOX')).at(-1)!, /^6 OK/);
  });
}

test('a mailbox that was deleted and made again is another one', async (t) => {
  const { one, other } = await twoClients(t);
  await other.command('d', 'DELETE INBOX.x');
  await other.command('c', 'CREATE INBOX.x');
  await other.command('s', 'SELECT INBOX');
  await other.command('y', 'COPY 1 INBOX.x');
  assert.deepEqual(await one.command('5', 'NOOP'), [`* BYE ${text}`, `5 NO [NONEXISTENT] ${text}`]);
});
