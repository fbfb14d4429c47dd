/** Debian's Courier and Postrider on one maildir: what one writes the other reads, also while both are at work. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
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

type Open = (t: TestContext, maildir: SharedMaildir) => Promise<ImapClient>;
const directions: [from: string, open: Open, to: string, open: Open][] = [
  ['Courier', courierSession, 'Postrider', postriderSession],
  ['Postrider', postriderSession, 'Courier', courierSession],
];

async function lines(client: ImapClient, command: string): Promise<string[]> {
  const { text } = await client.run(command, true);
  return text
    .split('\r\n')
    .filter((line) => line.startsWith('* '))
    .sort();
}

for (const [writerName, writer, readerName, reader] of directions) {
  test(`${readerName} reads UIDs, flags and keywords that ${writerName} wrote`, { skip }, async (t) => {
    const maildir = sharedMaildir(t);
    const ours = await writer(t, maildir);
    for (const subject of ['one', 'two', 'three', 'four']) {
      await ours.runWithLiteral('APPEND INBOX (\\Seen)', message(subject));
    }
    await ours.run('SELECT INBOX');
    await ours.run('STORE 1 +FLAGS (\\Flagged $Label1 Urgent)');
    await ours.run('STORE 3 FLAGS (\\Answered \\Draft)');
    await ours.run('STORE 2 +FLAGS (\\Deleted)');
    await ours.run('EXPUNGE');
    await ours.run('STORE 3 +FLAGS (Urgent)');
    const theirs = await look(await reader(t, maildir));
    assert.deepEqual(theirs, await look(ours));
    assert.deepEqual(theirs.slice(1), [
      '1 $Label1 Urgent \\Flagged \\Seen one',
      '3 \\Answered \\Draft three',
      '4 Urgent \\Seen four',
    ]);
  });

  test(`${readerName} reads folders and subscriptions that ${writerName} made`, { skip }, async (t) => {
    const maildir = sharedMaildir(t);
    const ours = await writer(t, maildir);
    for (const name of ['INBOX.Sent', 'INBOX.Gr&APwA3w-e', 'INBOX.Sent.2024', 'INBOX.Old']) {
      await ours.run(`CREATE ${name}`);
      await ours.run(`SUBSCRIBE ${name}`);
    }
    await ours.run('UNSUBSCRIBE INBOX.Sent.2024');
    await ours.run('DELETE INBOX.Old');
    await ours.run('RENAME INBOX.Sent INBOX.Posted');
    await ours.runWithLiteral('APPEND INBOX.Gr&APwA3w-e', message('umlaut'));
    const theirs = await reader(t, maildir);
    assert.deepEqual(await lines(theirs, 'LIST "" "INBOX.*"'), await lines(ours, 'LIST "" "INBOX.*"'));
    assert.deepEqual(await lines(theirs, 'LSUB "" "INBOX.%"'), await lines(ours, 'LSUB "" "INBOX.%"'));
    assert.deepEqual(await look(theirs, 'INBOX.Gr&APwA3w-e'), await look(ours, 'INBOX.Gr&APwA3w-e'));
    assert.deepEqual(await look(theirs, 'INBOX.Posted.2024'), await look(ours, 'INBOX.Posted.2024'));
  });

  test(`${readerName} at work learns what ${writerName} does`, { skip }, async (t) => {
    const maildir = sharedMaildir(t);
    const ours = await writer(t, maildir);
    await ours.runWithLiteral('APPEND INBOX', message('one'));
    const theirs = await reader(t, maildir);
    await theirs.run('SELECT INBOX');
    await ours.run('SELECT INBOX');
    await ours.run('STORE 1 +FLAGS (\\Flagged Later)');
    const flags = (await theirs.run('NOOP', true)).text;
    assert.match(flags, /\* 1 FETCH \(FLAGS \((?=[^)]*\\Flagged)(?=[^)]*Later)[^)]*\)\)/);
    await ours.runWithLiteral('APPEND INBOX', message('two'));
    assert.match((await theirs.run('NOOP', true)).text, /\* 2 EXISTS/);
    await ours.run('NOOP');
    await ours.run('STORE 1 +FLAGS (\\Deleted)');
    await ours.run('EXPUNGE');
    assert.match((await theirs.run('NOOP', true)).text, /\* 1 EXPUNGE/);
  });
}

test('Courier and Postrider take turns on one mailbox', { skip }, async (t) => {
  const maildir = sharedMaildir(t);
  const clients = [await courierSession(t, maildir), await postriderSession(t, maildir)];
  for (const client of clients) await client.run('SELECT INBOX');
  const actions: ((client: ImapClient, round: number) => Promise<unknown>)[] = [
    (client, round) => client.runWithLiteral('APPEND INBOX (\\Seen)', message(`appended ${round}`)),
    (_, round) =>
      Promise.resolve(
        runInCourier(['deliverquota', maildir.insidePath], `Subject: delivered ${round}\n\nx\n`),
      ),
    (client, round) => client.run(`STORE * +FLAGS (\\Flagged Round${round % 3})`),
    (client) => client.run('COPY 1 INBOX'),
    (client) => client.run('STORE 1 +FLAGS (\\Deleted)'),
    (client) => client.run('EXPUNGE'),
    (client, round) => client.run(`STORE 1:* -FLAGS (Round${(round + 1) % 3})`),
  ];
  await clients[0]!.runWithLiteral('APPEND INBOX', message('first'));
  await clients[0]!.runWithLiteral('APPEND INBOX', message('second'));
  let highest = 0;
  for (let round = 0; round < 42; round++) {
    const client = clients[round % 2]!;
    await client.run('NOOP');
    await actions[round % actions.length]!(client, round);
    const [seen, expected] = [await look(clients[0]!), await look(clients[1]!)];
    assert.deepEqual(seen, expected, `round ${round}`);
    // A UID is never given twice: new messages only ever get greater ones.
    const uids = seen.slice(1).map((line) => Number(line.split(' ')[0]));
    const newest = uids.at(-1) ?? 0;
    assert.ok(newest >= highest || round % 7 === 5, `round ${round}: ${newest} after ${highest}`);
    highest = Math.max(highest, newest);
  }
});

test('deliveries and both servers at once: every message once, with one UID', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const maildir = sharedMaildir(t);
  const open = [courierSession, postriderSession, courierSession, postriderSession];
  const clients = await Promise.all(open.map((each) => each(t, maildir)));
  for (const client of clients) await client.run('SELECT INBOX');
  const count = 25;
  const works = clients.map(async (client, lane) => {
    for (let i = 0; i < count; i++) {
      await client.runWithLiteral('APPEND INBOX (\\Seen)', message(`lane ${lane} ${i}`));
      if (i % 5 === 0)
        runInCourier(['deliverquota', maildir.insidePath], `Subject: delivery ${lane} ${i}\n\nx\n`);
      await client.run('NOOP');
      await client.run(`STORE * +FLAGS (Lane${lane})`);
    }
  });
  await Promise.all(works);
  // Each gets the last word of the others, then all agree.
  for (const client of clients) await client.run('NOOP');
  const views = [];
  for (const client of clients) views.push(await look(client));
  for (const view of views) assert.deepEqual(view, views[0]);
  const subjects = views[0]!.slice(1).map((line) => /(lane|delivery) .*/.exec(line)![0]);
  assert.equal(subjects.length, clients.length * (count + count / 5));
  assert.equal(new Set(subjects).size, subjects.length);
});
