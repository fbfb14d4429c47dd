/** Writers that race at the limit of a quota, in one process, in several, and with programs that lock nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fillQuota } from '../../test/support/quota-hammer.ts';
import { type TemporaryAccount, temporaryAccount } from '../../test/support/temporary-account.ts';
import { readQuota, recountQuota } from '../store/maildirsize.ts';
import { interceptSteps } from '../store/steps.ts';
import { defaultMailboxesSettings, Mailboxes } from './mailboxes.ts';

const hammer = fileURLToPath(new URL('../../test/support/quota-hammer.ts', import.meta.url));

const program = fileURLToPath(new URL('../../bin/postrider', import.meta.url));

const line = (octets: number, messages: number) =>
  `${String(octets).padStart(12)} ${String(messages).padStart(12)}\n`;

async function withQuota(t: TestContext, quota: string): Promise<TemporaryAccount> {
  const a = temporaryAccount(t);
  a.put('maildirsize', `${quota}\n${line(0, 0)}`);
  for (const name of ['INBOX.a', 'INBOX.b']) await a.account.createFolder(name);
  return a;
}

function messagesIn(maildir: string): number {
  return ['cur', 'new', '.a/cur', '.a/new', '.b/cur', '.b/new']
    .map((name) => readdirSync(join(maildir, name)).length)
    .reduce((sum, each) => sum + each);
}

async function usageOf({ maildir, account }: TemporaryAccount): Promise<[octets: number, messages: number]> {
  const { usage } = (await readQuota(maildir, account.settings))!;
  return [usage.octets, usage.messages];
}

async function assertRight(a: TemporaryAccount): Promise<void> {
  const before = await usageOf(a);
  await recountQuota(a.maildir, a.account.settings);
  assert.deepEqual(before, await usageOf(a), 'what was counted is what is there');
  assert.ok(!existsSync(join(a.maildir, 'tmp/postrider-quota.lock')));
}

test('ten sessions of one process end exactly at the limit, and the file is right', async (t) => {
  const a = await withQuota(t, '60C');
  const kept = await fillQuota(a.maildir, 10, 12);
  assert.equal(kept, messagesIn(a.maildir));
  assert.ok(kept <= 60 && kept > 50, `${kept} messages`);
  await assertRight(a);
});

test('ten sessions of several processes end exactly at the limit, and the file is right', async (t) => {
  const a = await withQuota(t, '60C');
  const stored = await Promise.all([3, 3, 4].map((sessions) => run(a.maildir, sessions, 12)));
  assert.equal(
    stored.reduce((sum, each) => sum + each),
    messagesIn(a.maildir),
  );
  assert.ok(messagesIn(a.maildir) <= 60 && messagesIn(a.maildir) > 50, `${messagesIn(a.maildir)} messages`);
  await assertRight(a);
});

test('sessions and deliveries of deliverquota end exactly at the limit', async (t) => {
  const a = await withQuota(t, '20C');
  const deliveries = Array.from({ length: 6 }, () => deliver(a.maildir));
  const kept = await fillQuota(a.maildir, 4, 6);
  const codes = await Promise.all(deliveries);
  const delivered = codes.filter((code) => code === 0).length;
  assert.ok(
    codes.every((code) => code === 0 || code === 75),
    `exit codes ${codes}`,
  );
  assert.equal(kept + delivered, messagesIn(a.maildir));
  assert.ok(messagesIn(a.maildir) <= 20, `${messagesIn(a.maildir)} messages`);
  await assertRight(a);
});

async function deliver(maildir: string): Promise<number> {
  const child = spawn(program, ['deliverquota', maildir], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end('Subject: delivered\n\n');
  const [code] = (await once(child, 'exit')) as [number];
  return code;
}

async function run(maildir: string, sessions: number, tries: number): Promise<number> {
  const child = spawn(process.execPath, [hammer, maildir, String(sessions), String(tries)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return Number(await text(child.stdout));
}

test('what a program without locks charges during a count is kept, what it gives back is not', async (t) => {
  const a = await withQuota(t, '60C');
  a.put('cur/1.m,S=10:2,', '123456789\n');
  t.after(() => interceptSteps(undefined));
  interceptSteps((call) => {
    if (!/^rename .*maildirsize$/.test(call)) return;
    appendFileSync(join(a.maildir, 'maildirsize'), line(20, 1) + line(-7, -1));
  });
  await recountQuota(a.maildir, a.account.settings);
  interceptSteps(undefined);
  assert.deepEqual(await usageOf(a), [30, 2]);
});

test('stopping anywhere leaves a usage that is not too low, and no lock that stops others', async (t) => {
  t.after(() => interceptSteps(undefined));
  for (let stopAt = 1; ; stopAt++) {
    const a = await withQuota(t, '60C');
    a.put('cur/1.m,S=10:2,', '123456789\n');
    await recountQuota(a.maildir, a.account.settings);
    let steps = 0;
    const inbox = await new Mailboxes(a.account, defaultMailboxesSettings).open('INBOX', 'r');
    interceptSteps((call) => {
      if (++steps >= stopAt) throw Object.assign(new Error(`stopped before ${call}`), { code: 'ESTOP' });
    });
    await change(inbox).catch(() => undefined);
    interceptSteps(undefined);
    inbox.close();
    const [, messages] = await usageOf(a);
    assert.ok(messages >= messagesIn(a.maildir), `stop ${stopAt}: ${messages} counted`);
    assert.equal(await fillQuota(a.maildir, 1, 1), 1);
    if (steps >= stopAt) continue;
    assert.ok(stopAt > 10, 'there are steps');
    return;
  }
});

async function change(inbox: Awaited<ReturnType<Mailboxes['open']>>): Promise<void> {
  const message = await inbox.startAppend();
  await message.write(Buffer.from('a message\n'));
  await inbox.commitAppends([message]);
  await inbox.expunge([1]);
}

test('a recount of many messages lets other sessions in', async (t) => {
  const a = await withQuota(t, '1000000C');
  const count = 20_000;
  for (let i = 0; i < count; i++) a.put(`cur/${i}.m,S=10:2,S`);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await recountQuota(a.maildir, a.account.settings);
  clearInterval(timer);
  assert.equal((await usageOf(a))[1], count);
  assert.ok(turns > 2, `${turns} turns`);
});
