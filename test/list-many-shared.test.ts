/** LIST and LSUB where ten thousand accounts are shared; `t.diagnostic` tells the times. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaultMailboxesSettings, Mailboxes } from '../src/access/mailboxes.ts';
import { InProcessClient } from './support/imap-client.ts';
import { type TemporaryAccount, temporaryAccount } from './support/temporary-account.ts';

const accounts = 10_000;
const identity = { login: 'me', groups: [], aclsDisabled: false };
const hourAgo = Date.now() / 1000 - 3600;

function touchOld(path: string): void {
  utimesSync(path, hourAgo, hourAgo);
}

/** Every account shows its INBOX, and every tenth a folder below it. */
function withManyAccounts(t: TestContext): TemporaryAccount & { home: string; mailboxes: Mailboxes } {
  const a = temporaryAccount(t);
  const home = dirname(a.maildir);
  const lines: string[] = [];
  for (let i = 0; i < accounts; i++) {
    const maildir = join(home, `u${i}`);
    mkdirSync(maildir);
    writeFileSync(join(maildir, 'courierimapacl'), 'owner aceilrstwx\nanyone lr\n');
    if (i % 10 === 0) {
      mkdirSync(join(maildir, '.Pub'));
      touchOld(join(maildir, '.Pub'));
    }
    touchOld(maildir);
    lines.push(`user${i}\t1000\t1000\t${home}\tu${i}\n`);
  }
  writeFileSync(join(home, 'index'), lines.join(''));
  const shared = { indexFile: join(home, 'index'), mungeNames: false };
  return {
    ...a,
    home,
    mailboxes: new Mailboxes(a.account, { ...defaultMailboxesSettings, shared }, identity),
  };
}

interface Times {
  readonly ms: number;
  readonly cpuMs: number;
  readonly longestTurnMs: number;
}

/** Runs a task: its milliseconds, those of the processor, and the longest turn of the event loop meanwhile. */
async function timed(task: () => Promise<unknown>): Promise<Times> {
  let longestTurnMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestTurnMs = Math.max(longestTurnMs, performance.now() - last);
    last = performance.now();
  }, 0);
  const [started, used] = [performance.now(), process.cpuUsage()];
  await task();
  const ms = Math.round(performance.now() - started);
  const { user, system } = process.cpuUsage(used);
  clearInterval(timer);
  return { ms, cpuMs: Math.round((user + system) / 1000), longestTurnMs: Math.round(longestTurnMs) };
}

test('listing ten thousand shared accounts again takes a fraction of a second', async (t) => {
  const { mailboxes, home, maildir } = withManyAccounts(t);
  const list = async (pattern: string) => (await mailboxes.list('', [pattern])).map(({ name }) => name);
  const cold = await timed(() => list('#shared.*'));
  assert.equal((await list('#shared.*')).length, accounts * 1.1);
  assert.equal((await list('#shared.%')).length, accounts);
  t.diagnostic(`cold: ${JSON.stringify(cold)}`);
  for (const pattern of ['#shared.*', '#shared.%']) {
    const runs: Times[] = [];
    for (let i = 0; i < 5; i++) runs.push(await timed(() => list(pattern)));
    t.diagnostic(`LIST "" ${pattern}: ${JSON.stringify(runs)}`);
    assert.ok(Math.min(...runs.map(({ cpuMs }) => cpuMs)) < 250);
  }
  const client = new InProcessClient(maildir, {
    identity,
    mailboxes: { shared: { indexFile: join(home, 'index'), mungeNames: false } },
  });
  t.after(() => client.close());
  await client.line();
  for (const pattern of ['#shared.*', '#shared.%']) {
    const runs: Times[] = [];
    for (let i = 0; i < 3; i++) runs.push(await timed(() => client.command('a', `LIST "" "${pattern}"`)));
    t.diagnostic(`IMAP LIST "" ${pattern}: ${JSON.stringify(runs)}`);
    assert.ok(Math.min(...runs.map(({ cpuMs }) => cpuMs)) < 400);
  }
  await mailboxes.subscribe('#shared.user77');
  const lsub = await timed(() => mailboxes.lsub('', '#shared.*'));
  t.diagnostic(`LSUB: ${JSON.stringify(lsub)}`);
  assert.ok(lsub.cpuMs < 250);

  writeFileSync(join(home, 'u7/new-list'), 'owner aceilrstwx\n');
  renameSync(join(home, 'u7/new-list'), join(home, 'u7/courierimapacl'));
  assert.equal((await list('#shared.%')).length, accounts - 1, 'a list that was replaced counts at once');
  writeFileSync(join(home, 'u10/.Pub/new-list'), 'owner aceilrstwx\n');
  renameSync(join(home, 'u10/.Pub/new-list'), join(home, 'u10/.Pub/courierimapacl'));
  assert.equal((await list('#shared.*')).length, accounts * 1.1 - 2);
  mkdirSync(join(home, 'u11/.New'));
  assert.equal((await list('#shared.*')).length, accounts * 1.1 - 1);
});
