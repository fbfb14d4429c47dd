import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TemporaryAccount, temporaryAccount } from '../../test/support/temporary-account.ts';
import { openAccount } from '../store/account.ts';
import { flag } from '../store/flags.ts';
import { chargeQuota, readQuota, recountQuota } from '../store/maildirsize.ts';
import { interceptSteps } from '../store/steps.ts';
import { defaultMailboxesSettings, Mailboxes, type MailboxesSettings } from './mailboxes.ts';
import type { OpenMailbox } from './open-mailbox.ts';

const change = (octets: number, messages: number) =>
  `${String(octets).padStart(12)} ${String(messages).padStart(12)}\n`;

interface Case extends TemporaryAccount {
  readonly mailboxes: Mailboxes;
  /** The lines behind the quota. */
  lines(): string[];
  usage(): Promise<[octets: number, messages: number]>;
}

/** An account whose INBOX has messages 1 and 2 of ten octets, with a quota. */
async function withQuota(
  t: TestContext,
  quota: string,
  settings: Partial<MailboxesSettings> = {},
): Promise<Case> {
  const a = temporaryAccount(t);
  a.put('cur/1.m,S=10:2,', '123456789\n');
  a.put('cur/2.m:2,S', '123456789\n');
  a.put('maildirsize', `${quota}\n${change(20, 2)}`);
  for (const name of ['INBOX.a', 'INBOX.Trash', 'INBOX.Bin']) await a.account.createFolder(name);
  return {
    ...a,
    mailboxes: new Mailboxes(a.account, { ...defaultMailboxesSettings, ...settings }),
    lines: () =>
      a
        .get('maildirsize')
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim().replace(/ +/, ' ')),
    async usage() {
      const before = (await readQuota(a.maildir, a.account.settings))!.usage;
      await recountQuota(a.maildir, a.account.settings);
      const after = (await readQuota(a.maildir, a.account.settings))!.usage;
      assert.deepEqual(before, after, 'what was counted is what is there');
      return [after.octets, after.messages];
    },
  };
}

async function opened(t: TestContext, c: Case, name: string): Promise<OpenMailbox> {
  const mailbox = await c.mailboxes.open(name, 'r');
  t.after(() => mailbox.close());
  return mailbox;
}

async function append(mailbox: OpenMailbox, octets: number, flags = 0): Promise<void> {
  const message = await mailbox.startAppend();
  message.flags = flags;
  await message.write(Buffer.from(`${'x'.repeat(octets - 1)}\n`));
  await mailbox.commitAppends([message]).finally(() => message.abort());
}

test('appending charges the quota, and too much is refused', async (t) => {
  const c = await withQuota(t, '100S,4C');
  const inbox = await opened(t, c, 'INBOX');
  await append(inbox, 30);
  assert.deepEqual(c.lines(), ['20 2', '30 1']);
  await assert.rejects(append(inbox, 60), { kind: 'overQuota' });
  assert.deepEqual(await c.usage(), [50, 3]);
  await append(inbox, 5);
  await assert.rejects(append(inbox, 5), { kind: 'overQuota' }, 'there are four messages');
  assert.deepEqual(await c.usage(), [55, 4]);
});

test('messages with \\Deleted and messages in Trash do not count', async (t) => {
  const c = await withQuota(t, '25S');
  await append(await opened(t, c, 'INBOX'), 1000, flag.deleted);
  await append(await opened(t, c, 'INBOX.Trash'), 1000);
  await assert.rejects(append(await opened(t, c, 'INBOX.Bin'), 1000), { kind: 'overQuota' });
  assert.deepEqual(await c.usage(), [20, 2]);
});

test('\\Deleted makes room, and taking it off needs room', async (t) => {
  const c = await withQuota(t, '25S');
  const inbox = await opened(t, c, 'INBOX');
  const store = (mode: 'add' | 'remove' | 'replace', flags: number, uids = [1]) =>
    inbox.storeFlags(uids, { mode, flags, keywords: [] });
  await store('add', flag.deleted);
  await store('add', flag.deleted);
  assert.deepEqual(c.lines(), ['20 2', '-10 -1']);
  await store('replace', flag.deleted | flag.seen);
  await store('add', flag.flagged);
  assert.deepEqual(await c.usage(), [10, 1]);
  await append(inbox, 10);
  await assert.rejects(store('remove', flag.deleted), { kind: 'overQuota' });
  await assert.rejects(store('replace', flag.seen), { kind: 'overQuota' });
  assert.notEqual(inbox.folder.flags[0] & flag.deleted, 0);
  await store('add', flag.deleted, [2]);
  await store('replace', 0);
  assert.deepEqual(await c.usage(), [20, 2]);
});

test('expunging counts only what was not \\Deleted', async (t) => {
  const c = await withQuota(t, '100S');
  const inbox = await opened(t, c, 'INBOX');
  await inbox.storeFlags([1], { mode: 'add', flags: flag.deleted, keywords: [] });
  assert.deepEqual(await inbox.expunge([1]), [1]);
  assert.deepEqual(await c.usage(), [10, 1]);
  await inbox.expunge([2]);
  assert.deepEqual(await c.usage(), [0, 0]);
});

for (const [trashFolder, octets, messages] of [
  ['Trash', 0, 0],
  ['Bin', 20, 2],
] as const)
  test(`expunging into a trash folder called ${trashFolder}`, async (t) => {
    const c = await withQuota(t, '100S', { trashFolder, moveExpungeToTrash: true });
    const inbox = await opened(t, c, 'INBOX');
    await inbox.storeFlags([1], { mode: 'add', flags: flag.deleted, keywords: [] });
    await inbox.expunge([1, 2]);
    assert.deepEqual(await c.usage(), [octets, messages]);
  });

test('copying charges all messages at once, and a refusal copies none', async (t) => {
  const c = await withQuota(t, '45S');
  const [inbox, a, trash] = [
    await opened(t, c, 'INBOX'),
    await opened(t, c, 'INBOX.a'),
    await opened(t, c, 'INBOX.Trash'),
  ];
  await inbox.copyTo(a, [1, 2]);
  assert.deepEqual(c.lines(), ['20 2', '20 2']);
  await assert.rejects(inbox.copyTo(a, [1, 2]), { kind: 'overQuota' });
  await inbox.copyTo(trash, [1, 2]);
  assert.deepEqual(await c.usage(), [40, 4]);
});

test('moving costs nothing but where Trash is left', async (t) => {
  const c = await withQuota(t, '25S');
  const [inbox, a, trash] = [
    await opened(t, c, 'INBOX'),
    await opened(t, c, 'INBOX.a'),
    await opened(t, c, 'INBOX.Trash'),
  ];
  await inbox.moveTo(a, [1]);
  assert.deepEqual(c.lines(), ['20 2']);
  await inbox.moveTo(trash, [2]);
  assert.deepEqual(await c.usage(), [10, 1]);
  await append(inbox, 10);
  await assert.rejects(trash.moveTo(inbox, [1]), { kind: 'overQuota' });
  await a.expunge([1]);
  await trash.moveTo(inbox, [1]);
  assert.deepEqual(await c.usage(), [20, 2]);
});

test('what fails after the charge is given back', async (t) => {
  const c = await withQuota(t, '100S');
  const [inbox, a] = [await opened(t, c, 'INBOX'), await opened(t, c, 'INBOX.a')];
  t.after(() => interceptSteps(undefined));
  interceptSteps((call) => {
    if (call.includes('/.a/')) throw Object.assign(new Error('broken'), { code: 'EIO' });
  });
  await assert.rejects(inbox.copyTo(a, [1, 2]), { kind: 'unavailable' });
  interceptSteps(undefined);
  assert.deepEqual(c.lines(), ['20 2', '20 2', '-20 -2']);
});

test('deleting and renaming folders counts anew', async (t) => {
  const c = await withQuota(t, '100S');
  await append(await opened(t, c, 'INBOX.a'), 30);
  await c.mailboxes.rename('INBOX.a', 'INBOX.b');
  assert.deepEqual(c.lines(), ['50 3']);
  await c.mailboxes.delete('INBOX.b');
  assert.deepEqual(c.lines(), ['20 2']);
});

test('MAILDIRQUOTA makes the file, or changes it', async (t) => {
  const c = await withQuota(t, '100S', { maildirQuota: '25S' });
  await assert.rejects(append(await opened(t, c, 'INBOX'), 10), { kind: 'overQuota' });
  assert.ok(c.get('maildirsize').startsWith('25S\n'));
});

test('GETQUOTA counts what cannot be trusted', async (t) => {
  const c = await withQuota(t, '100S');
  assert.equal(c.mailboxes.quotas.rootOf('INBOX.none'), 'ROOT');
  assert.equal(await c.mailboxes.quotas.report('PUBLIC'), undefined);
  for (const text of [
    `100S\n${change(20, 2).repeat(200)}`,
    `100S\n${change(-1, 2)}`,
    `100S\n${change(1, 1)}x`,
  ]) {
    c.put('maildirsize', text);
    assert.deepEqual((await c.mailboxes.quotas.report('ROOT'))?.quota?.usage, { octets: 20, messages: 2 });
  }
});

test('an account without a quota file is not counted', async (t) => {
  const c = await withQuota(t, '100S');
  renameSync(join(c.maildir, 'maildirsize'), join(c.maildir, 'other'));
  await append(await opened(t, c, 'INBOX'), 1000);
  assert.equal((await c.mailboxes.quotas.report('ROOT'))?.quota, undefined);
  symlinkSync('other', join(c.maildir, 'maildirsize'));
  await append(await opened(t, c, 'INBOX'), 1000);
  assert.equal(
    readFileSync(join(c.maildir, 'other'), 'latin1'),
    `100S\n${change(20, 2)}`,
    'a symbolic link is none',
  );
});

test('a count is believed for a quarter of an hour, then made again', async (t) => {
  const c = await withQuota(t, '25S');
  c.put('maildirsize', `25S\n${change(25, 3)}`);
  const amount = { octets: 5, messages: 1 };
  assert.equal(await chargeQuota(c.maildir, amount, c.account.settings), false, 'nothing was counted anew');
  assert.deepEqual(c.lines(), ['25 3']);
  const old = Date.now() / 1000 - 901;
  utimesSync(join(c.maildir, 'maildirsize'), old, old);
  assert.equal(await chargeQuota(c.maildir, amount, c.account.settings), true);
  assert.deepEqual(c.lines(), ['20 2', '5 1']);
});

test('a directory that keeps changing lets the message in, uncounted', async (t) => {
  const c = await withQuota(t, '5S');
  c.put('maildirsize', `5S\n${change(-1, 0)}`);
  t.after(() => interceptSteps(undefined));
  let n = 0;
  interceptSteps((call) => {
    if (!/^rename .*maildirsize$/.test(call)) return;
    writeFileSync(join(c.maildir, `new/${n++}.new`), 'x\n');
    // Further apart than the file system's clock ticks.
    utimesSync(join(c.maildir, 'new'), n, Date.now() / 1000 + n);
  });
  assert.equal(await chargeQuota(c.maildir, { octets: 5, messages: 1 }, c.account.settings), true);
  assert.equal(n, 5);
});

test('with TRASHQUOTA everything counts', async (t) => {
  const c = await withQuota(t, '50S');
  const account = openAccount(c.maildir, { ...c.account.settings, countTrash: true });
  const mailboxes = new Mailboxes(account, defaultMailboxesSettings);
  const [inbox, trash] = [await mailboxes.open('INBOX', 'r'), await mailboxes.open('INBOX.Trash', 'r')];
  await inbox.storeFlags([1], { mode: 'add', flags: flag.deleted, keywords: [] });
  await append(trash, 20);
  await append(inbox, 10, flag.deleted);
  await assert.rejects(append(trash, 10), { kind: 'overQuota' });
  assert.deepEqual(c.lines(), ['50 4']);
  await inbox.expunge([1]);
  await recountQuota(c.maildir, account.settings);
  assert.deepEqual(c.lines(), ['40 3']);
  inbox.close();
  trash.close();
});

test('an account’s own quota is told before mail is stored', async (t) => {
  const c = await withQuota(t, '100S', { maildirQuota: '25S,7C' });
  renameSync(join(c.maildir, 'maildirsize'), join(c.maildir, 'other'));
  const report = await c.mailboxes.quotas.report('ROOT');
  assert.deepEqual(report?.quota?.limit, { octets: 25, messages: 7 });
  assert.deepEqual(report?.quota?.usage, { octets: 20, messages: 2 });
});

test('the owner is warned once a day when the account is nearly full', async (t) => {
  const c = await withQuota(t, '40S');
  const messageFile = join(c.maildir, 'quotawarnmsg');
  writeFileSync(messageFile, 'Subject: nearly full\n\nDelete something.\n');
  const mailboxes = new Mailboxes(c.account, {
    ...defaultMailboxesSettings,
    quotaWarning: { percent: 75, messageFile },
  });
  const warnings = () => readdirSync(join(c.maildir, 'new')).filter((name) => name.includes('_warn.'));
  const inbox = await mailboxes.open('INBOX', 'r');
  t.after(() => inbox.close());
  await append(inbox, 5);
  assert.deepEqual(warnings(), []);
  await append(inbox, 5);
  assert.equal(warnings().length, 1);
  assert.match(
    c.get(`new/${warnings()[0]}`),
    /^Date: .*\nMessage-Id: <\d+\.overquota@mx1>\nSubject: nearly full\n\n/,
  );
  await assert.rejects(append(inbox, 50), { kind: 'overQuota' });
  assert.equal(warnings().length, 1, 'once');
  utimesSync(join(c.maildir, 'quotawarn'), 1, 1);
  await assert.rejects(append(inbox, 50), { kind: 'overQuota' });
  assert.equal(warnings().length, 2, 'and again on another day, also when mail is refused');
});

test('there may be so many mailboxes and no more', async (t) => {
  const c = await withQuota(t, '100S', { mailboxLimit: 5 });
  await c.mailboxes.create('INBOX.five');
  await assert.rejects(c.mailboxes.create('INBOX.six'), { kind: 'overQuota' });
  assert.deepEqual((await c.mailboxes.quotas.report('ROOT'))?.mailboxes, { used: 5, limit: 5 });
});
