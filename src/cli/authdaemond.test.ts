/** The daemon as a program: its verbs, its pid file, and what a SIGHUP changes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { privateFolder, removeFolder } from '../../test/support/private-server.ts';
import { createAuthClient } from '../auth/client.ts';
import { usageExit } from './command.ts';

const program = resolve(import.meta.dirname, '../../bin/postrider');
const hash = '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=';

/** A configuration of the test's; the daemon's lines are in `log`. */
function place(t: TestContext) {
  const folder = privateFolder('authdaemond');
  const log = join(folder, 'log');
  const configure = (...lines: string[]) =>
    writeFileSync(join(folder, 'authdaemonrc'), `authdaemonvar=${folder}/run\n${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'userdb'), `fred\tuid=1000|gid=1000|home=/h|systempw=${hash}\n`, {
    mode: 0o600,
  });
  mkdirSync(join(folder, 'run'), { mode: 0o750 });
  const output = openSync(log, 'a');
  /** @returns the exit code */
  const run = async (...args: string[]): Promise<number> => {
    const child = spawn(program, ['authdaemond', '--config', folder, ...args], {
      stdio: ['ignore', output, output],
    });
    const [code] = (await once(child, 'exit')) as [number];
    return code;
  };
  t.after(async () => {
    await run('stop');
    removeFolder(folder);
  });
  const logged = async (pattern: RegExp): Promise<void> => {
    const changes = watch(log);
    try {
      while (!pattern.test(readFileSync(log, 'latin1'))) await once(changes, 'change');
    } finally {
      changes.close();
    }
  };
  const client = createAuthClient({ socketPath: join(folder, 'run/socket') });
  const kind = async () => (await client.login('imap', 'fred', 'secret')).kind;
  return {
    folder,
    configure,
    run,
    logged,
    client,
    kind,
    pid: () => readFileSync(join(folder, 'run/pid'), 'latin1'),
  };
}

test('start, stop and restart, each also where there is nothing to do', { timeout: 60_000 }, async (t) => {
  const { folder, configure, run, logged, kind, pid } = place(t);
  configure('authmodulelist=authuserdb');
  assert.equal(await run('stop'), 0);
  assert.equal(await run('restart'), 0);
  assert.equal(await kind(), 'temporary');
  assert.equal(await run('start'), 0);
  assert.equal(await kind(), 'accepted');
  const first = pid();
  assert.match(first, /^\d+\n$/);
  assert.equal(statSync(join(folder, 'run/pid')).mode & 0o777, 0o644);
  assert.equal(await run('start'), 0);
  assert.equal(pid(), first);
  assert.equal(await run('restart'), 0);
  await logged(/restarting authdaemond children/);
  assert.equal(pid(), first);
  assert.equal(await run('stop'), 0);
  assert.equal(await kind(), 'temporary');
  // The file stays, as Courier's does; its number is nobody's.
  assert.equal(pid(), first);
  assert.equal(await run('stop'), 0);
  assert.equal(await run('start'), 0);
  assert.equal(await kind(), 'accepted');
});

test('a pid that is another program’s by now does not count', { timeout: 60_000 }, async (t) => {
  const { folder, configure, run, kind, pid } = place(t);
  configure('authmodulelist=authuserdb');
  writeFileSync(join(folder, 'run/pid'), `${process.pid}\n`);
  assert.equal(await run('stop'), 0);
  assert.equal(await run('start'), 0);
  assert.equal(await kind(), 'accepted');
  assert.notEqual(pid(), `${process.pid}\n`);
});

test('SIGHUP reads all settings again; with an error in them the old ones stay', {
  timeout: 60_000,
}, async (t) => {
  const { folder, configure, run, logged, client, kind, pid } = place(t);
  configure('authmodulelist=authuserdb', 'DEFAULTOPTIONS=a=1');
  assert.equal(await run('start'), 0);
  const options = async () => {
    const found = await client.lookup('imap', 'fred');
    return found.kind === 'accepted' ? [...found.account.options.keys()] : found.kind;
  };
  assert.deepEqual(await options(), ['a']);
  configure('authmodulelist=authuserdb', 'DEFAULTOPTIONS=b=1', 'DEBUG_LOGIN=1');
  await run('restart');
  await logged(/daemons=5[\s\S]*daemons=5[\s\S]*Installation complete: authuserdb\n$/);
  assert.deepEqual(await options(), ['b']);
  await logged(/DEBUG: authuserdb: trying this module/);
  // Settings of the guard and of the answers, in another file.
  writeFileSync(join(folder, 'postrider'), 'TRUSTED_ADDRESSES=192.0.2.1\nLOCK_ADDRESS_AFTER=1\n');
  await run('restart');
  await logged(/daemons=5[\s\S]*daemons=5[\s\S]*daemons=5[\s\S]*Installation complete: authuserdb\n/);
  const from = { remoteIp: '127.0.0.1' };
  await client.login('imap', 'fred', 'wrong', from);
  assert.equal((await client.login('imap', 'fred', 'secret', from)).kind, 'rejected');
  await logged(/locked out: user=fred/);
  configure('authmodulelist=authuserdb', 'daemons=none');
  assert.equal(await run('restart'), 1);
  process.kill(Number(pid()), 'SIGHUP');
  await logged(/authdaemonrc:3.*\n.*authdaemonrc:3.*\n.*the old settings stay in force/);
  assert.equal(await kind(), 'accepted');
  configure('authmodulelist=authcustom');
  await run('restart');
  await logged(/Installation complete: authcustom/);
  assert.equal(await kind(), 'rejected');
});

for (const args of [['reload'], ['start', 'stop'], ['--nothing']])
  test(`${args.join(' ')} is answered with the usage`, async (t) => {
    const { run, logged } = place(t);
    assert.equal(await run(...args), usageExit);
    await logged(/usage: postrider authdaemond/);
  });
