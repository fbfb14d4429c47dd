/**
 * Debian's Courier changes a maildir between Postrider's processes, which leave index and cache behind: each of them
 * sees what Courier sees.
 */
import assert from 'node:assert/strict';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ImapClient } from '../../bench/imap-client.ts';
import {
  courierMissing,
  courierSession,
  postriderSession,
  runInCourier,
  type SharedMaildir,
  sharedMaildir,
} from '../support/peers.ts';
import { look, message } from './look.ts';

const skip = courierMissing() ?? false;

type Change = (client: ImapClient, maildir: SharedMaildir, round: number) => Promise<unknown>;

/** What Courier does while no Postrider runs. */
const changes: [name: string, change: Change][] = [
  ['nothing', async () => undefined],
  ['appends', (client, _, round) => client.runWithLiteral('APPEND INBOX', message(`courier ${round}`))],
  ['flags', (client) => client.run('STORE 1:* +FLAGS (\\Flagged)')],
  ['keywords', (client, _, round) => client.run(`STORE * +FLAGS (Round${round})`)],
  [
    'receives mail',
    async (_, maildir, round) =>
      runInCourier(['deliverquota', maildir.insidePath], `Subject: delivered ${round}\n\nx\n`),
  ],
  [
    'expunges',
    async (client) => {
      await client.run('STORE 1 +FLAGS (\\Deleted)');
      await client.run('EXPUNGE');
    },
  ],
  ['copies', (client) => client.run('COPY 1:2 INBOX')],
  [
    'starts anew with other UIDs',
    async (_, maildir) => {
      rmSync(`${maildir.path}/courierimapuiddb`);
    },
  ],
];

const items = '(UID RFC822.SIZE ENVELOPE BODYSTRUCTURE INTERNALDATE)';

/** One process of Postrider: what it sees, what it changes; index and cache stay behind. */
async function visit(client: ImapClient, round: number): Promise<{ seen: string[]; described: string }> {
  const seen = await look(client);
  const described = seen.length > 1 ? (await client.run(`UID FETCH 1:* ${items}`, true)).text : '';
  if (round % 3 === 1) await client.run('STORE 1 -FLAGS (\\Flagged)');
  if (round % 4 === 2) await client.runWithLiteral('APPEND INBOX (\\Seen)', message(`postrider ${round}`));
  return { seen, described };
}

test('between two processes of Postrider with an index, Courier changes whatever it likes', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const maildir = sharedMaildir(t);
  const first = await courierSession(t, maildir);
  for (const subject of ['one', 'two', 'three']) await first.runWithLiteral('APPEND INBOX', message(subject));
  await first.run('LOGOUT');
  let indexes = 0;
  for (let round = 0; round < 2 * changes.length; round++) {
    const [name, change] = changes[(round * 3) % changes.length]!;
    const courier = await courierSession(t, maildir);
    await courier.run('SELECT INBOX');
    await change(courier, maildir, round);
    await courier.run('LOGOUT');
    const before = existsSync(`${maildir.path}/postrider-index`);
    if (before) indexes++;
    const ours = await postriderSession(t, maildir);
    const { seen, described } = await visit(ours, round);
    const ended = ours.run('LOGOUT');
    await ended;
    const theirs = await courierSession(t, maildir);
    // What ours changed after it looked does not count: a third party with neither index nor cache repeats the look.
    const expected = await look(theirs);
    const plain = await postriderSession(t, maildir);
    assert.deepEqual(await look(plain), expected, `round ${round}: ${name}`);
    const again = (await plain.run(`UID FETCH 1:* ${items}`, true)).text;
    for (const line of described.split('\r\n').filter((text) => /^\* \d+ FETCH /.test(text))) {
      const uid = /\(UID (\d+) /.exec(line)![1]!;
      const now = again.split('\r\n').find((text) => text.includes(`(UID ${uid} `));
      if (now !== undefined) assert.equal(now.replace(/^\* \d+/, ''), line.replace(/^\* \d+/, ''));
    }
    assert.ok(seen.length > 1);
    await plain.run('LOGOUT');
    await theirs.run('LOGOUT');
  }
  assert.ok(indexes > changes.length, 'there was an index');
  assert.ok(statSync(`${maildir.path}/postrider-cache`).size > 1000);
  writeFileSync(`${maildir.path}/postrider-index`, 'no index');
  const last = await postriderSession(t, maildir);
  const withDamage = await look(last);
  assert.deepEqual(withDamage, await look(await courierSession(t, maildir)));
});
