/** LIST and LSUB where ten thousand accounts are shared; `t.diagnostic` tells the times, `ms/processor ms/longest turn`. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaultMailboxesSettings, Mailboxes } from '../src/access/mailboxes.ts';
import { type ImapServices, startAuthenticatedImap } from '../src/imap/session.ts';
import { imapServices, testAccount } from './support/imap-client.ts';
import { MemoryConnection } from './support/memory-connection.ts';
import { type TemporaryAccount, temporaryAccount } from './support/temporary-account.ts';

const accounts = 10_000;
const identity = { login: 'me', groups: [], aclsDisabled: false };
const hourAgo = Date.now() / 1000 - 3600;

function touchOld(path: string): void {
  utimesSync(path, hourAgo, hourAgo);
}

/** Every account shows its INBOX, and every tenth a folder below it. */
function withManyAccounts(t: TestContext): TemporaryAccount & {
  home: string;
  /** Of all folders that are shared. */
  directories: string[];
  mailboxes: Mailboxes;
} {
  const a = temporaryAccount(t);
  const home = dirname(a.maildir);
  const lines: string[] = [];
  const directories: string[] = [];
  for (let i = 0; i < accounts; i++) {
    const maildir = join(home, `u${i}`);
    mkdirSync(maildir);
    writeFileSync(join(maildir, 'courierimapacl'), 'owner aceilrstwx\nanyone lr\n');
    if (i % 10 === 0) {
      mkdirSync(join(maildir, '.Pub'));
      touchOld(join(maildir, '.Pub'));
      directories.push(join(maildir, '.Pub'));
    }
    touchOld(maildir);
    directories.push(maildir);
    lines.push(`user${i}\t1000\t1000\t${home}\tu${i}\n`);
  }
  writeFileSync(join(home, 'index'), lines.join(''));
  const shared = { indexFile: join(home, 'index'), mungeNames: false };
  return {
    ...a,
    home,
    directories,
    mailboxes: new Mailboxes(a.account, { ...defaultMailboxesSettings, shared }, identity),
  };
}

interface Times {
  readonly ms: number;
  readonly cpuMs: number;
  readonly longestTurnMs: number;
}

/** Runs a task: its milliseconds, those of the processor, and the longest turn of the event loop meanwhile. */
async function timed(task: () => unknown): Promise<Times> {
  let longestTurnMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestTurnMs = Math.max(longestTurnMs, performance.now() - last);
    last = performance.now();
  }, 0);
  const [started, used] = [performance.now(), process.cpuUsage()];
  await task();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  clearInterval(timer);
  return { ms, cpuMs: (user + system) / 1000, longestTurnMs };
}

/**
 * Processor time of a task, in units of a task beside it: the median of some runs, after others in which the runtime
 * compiles it. What else the machine does counts for both.
 */
async function relativeCost(
  t: TestContext,
  name: string,
  task: () => unknown,
  unit: () => unknown,
): Promise<number> {
  const runs: Times[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < 15; i++) {
    const { cpuMs } = await timed(unit);
    const run = await timed(task);
    if (i < 4) continue;
    runs.push(run);
    ratios.push(run.cpuMs / cpuMs);
  }
  const median = ratios.sort((one, other) => one - other)[ratios.length >> 1]!;
  const figures = runs.map((run) => Object.values(run).map(Math.round).join('/'));
  t.diagnostic(`${name}: ${median.toFixed(2)}; ${figures.join(' ')}`);
  return median;
}

/** Speaks IMAP, and looks at answers no more than it must: `InProcessClient` would cost more than the server. */
async function imapSession(
  t: TestContext,
  services: ImapServices,
): Promise<(command: string) => Promise<void>> {
  let tail = '';
  let answered = () => {};
  const connection = new MemoryConnection((octets) => {
    tail = (tail + octets.toString('latin1', Math.max(0, octets.length - 99))).slice(-99);
    if (/(?:^|\n)a OK .*\r\n$/.test(tail)) answered();
  });
  t.after(() => connection.destroy());
  const answer = (cause: () => void) =>
    new Promise<void>((resolve) => {
      answered = resolve;
      cause();
    });
  const start = { leftover: Buffer.alloc(0), tag: 'a' };
  await answer(() => startAuthenticatedImap(connection, testAccount, services, start));
  return (command) => answer(() => connection.send(Buffer.from(`a ${command}\r\n`)));
}

test('listing ten thousand shared accounts again costs little more than a look at each', async (t) => {
  const { mailboxes, home, maildir, directories } = withManyAccounts(t);
  const list = async (pattern: string) => (await mailboxes.list('', [pattern])).map(({ name }) => name);
  const cold = await timed(() => list('#shared.*'));
  assert.equal((await list('#shared.*')).length, accounts * 1.1);
  assert.equal((await list('#shared.%')).length, accounts);
  t.diagnostic(`cold: ${JSON.stringify(cold)}`);
  const look = () => {
    for (const directory of directories) statSync(directory, { throwIfNoEntry: false });
  };
  const ask = await imapSession(
    t,
    imapServices(maildir, {
      identity,
      mailboxes: { shared: { indexFile: join(home, 'index'), mungeNames: false } },
    }),
  );
  for (const pattern of ['#shared.*', '#shared.%']) {
    const names = await relativeCost(t, `names of ${pattern}`, () => mailboxes.list('', [pattern]), look);
    assert.ok(names < 2.2, `${names} times as much as a look at each for the names`);
    const answer = await relativeCost(t, `LIST "" ${pattern}`, () => ask(`LIST "" ${pattern}`), look);
    assert.ok(answer < 2.6, `${answer} times as much for the answer`);
  }
  await mailboxes.subscribe('#shared.user77');
  const lsub = await relativeCost(t, 'LSUB', () => ask('LSUB "" #shared.*'), look);
  assert.ok(lsub < 0.2);

  const everyone = Array.from({ length: accounts }, (_, i) => `#shared.user${i}\n`);
  writeFileSync(join(maildir, 'courierimapsubscribed'), everyone.join(''));
  assert.equal((await mailboxes.lsub('', '#shared.%')).length, accounts);
  const all = await relativeCost(t, 'LSUB of all', () => mailboxes.lsub('', '#shared.*'), look);
  assert.ok(all < 4, `${all} times as much for ${accounts} subscriptions`);
  const answer = await relativeCost(t, 'LIST with these', () => mailboxes.list('', ['#shared.*']), look);
  assert.ok(answer < 2.8, `${answer} times as much for a list with ${accounts} subscriptions`);

  writeFileSync(join(home, 'u7/new-list'), 'owner aceilrstwx\n');
  renameSync(join(home, 'u7/new-list'), join(home, 'u7/courierimapacl'));
  assert.equal((await list('#shared.%')).length, accounts - 1, 'a list that was replaced counts at once');
  writeFileSync(join(home, 'u10/.Pub/new-list'), 'owner aceilrstwx\n');
  renameSync(join(home, 'u10/.Pub/new-list'), join(home, 'u10/.Pub/courierimapacl'));
  assert.equal((await list('#shared.*')).length, accounts * 1.1 - 2);
  mkdirSync(join(home, 'u11/.New'));
  assert.equal((await list('#shared.*')).length, accounts * 1.1 - 1);
});
