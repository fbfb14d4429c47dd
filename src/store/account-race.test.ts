/** Two processes change one account's folders at the same time, and one is killed in the middle. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type TemporaryAccount,
  temporaryAccount,
  testStoreSettings,
} from '../../test/support/temporary-account.ts';
import { Account } from './account.ts';

/** Says a line after each round, until it is killed or has done them all. */
const worker = `
import { openAccount } from ${JSON.stringify(new URL('./account.ts', import.meta.url).href)};
const [maildir, task, rounds, settings] = process.argv.slice(1);
const log = { error() {}, warn() {}, info() {}, debug() {} };
const account = openAccount(maildir, { ...JSON.parse(settings), log });
const ignore = () => undefined;
for (let round = 0; round < Number(rounds); round++) {
  if (task === 'make') {
    await account.createFolder('INBOX.x').catch(ignore);
    await account.deleteFolder('INBOX.x').catch(ignore);
  } else {
    await account.renameFolder('INBOX.one', 'INBOX.two').catch(ignore);
    await account.renameFolder('INBOX.two', 'INBOX.one').catch(ignore);
  }
  console.log(round);
}
`;

function start(a: TemporaryAccount, task: string, rounds: number): ChildProcess {
  // The kernel's host name, or a dead process would not be known for one.
  const settings = JSON.stringify({ ...testStoreSettings, hostname: hostname() });
  const args = ['--input-type=module', '-e', worker, a.maildir, task, String(rounds), settings];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

const names = async (account: Account) => [...(await account.listFolders()).keys()].slice(1);

test('two processes that make and delete one folder leave nothing half done', async (t) => {
  const a = temporaryAccount(t);
  const children = [start(a, 'make', 60), start(a, 'make', 60)];
  for (const child of children) child.stdout!.resume();
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  assert.deepEqual(codes, [0, 0]);
  assert.deepEqual(readdirSync(join(a.maildir, 'tmp')), []);
  for (const name of await names(a.account))
    assert.ok(existsSync(join(a.account.directoryOf(name), 'courierimapuiddb')));
});

test('a process that is killed while it renames leaves whole hierarchies', async (t) => {
  const a = temporaryAccount(t);
  const below = ['', '.a', '.b', '.c', '.d'];
  for (const name of below) await a.account.createFolder(`INBOX.one${name}`);
  for (let rounds = 1; rounds <= 4; rounds++) {
    const child = start(a, 'rename', 10_000);
    let said = 0;
    for await (const chunk of child.stdout!) {
      said += String(chunk).split('\n').length;
      if (said > 3 * rounds) break;
    }
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const next = new Account(a.maildir, { ...testStoreSettings, hostname: hostname() });
    await next.repair();
    const found = await names(next);
    const whole = below.map((name) => `${found[0]}${name}`);
    assert.deepEqual(found, whole);
    assert.match(found[0], /^INBOX\.(?:one|two)$/);
    if (found[0] === 'INBOX.two') await next.renameFolder('INBOX.two', 'INBOX.one');
  }
});
