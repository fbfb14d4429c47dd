import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startTestDaemon } from '../../test/support/auth-daemon.ts';
import { privateFolder, removeFolder } from '../../test/support/private-server.ts';
import type { Log } from '../base/log.ts';
import { createAuthClient } from './client.ts';
import { createHomeMaker } from './home-directory.ts';

const isRoot = process.geteuid!() === 0;
const owner = isRoot ? { uid: 54_321, gid: 54_322 } : { uid: process.getuid!(), gid: process.getgid!() };

function place(t: TestContext) {
  const folder = privateFolder('homes');
  t.after(() => removeFolder(folder));
  const skeleton = join(folder, 'skeleton');
  for (const path of ['', 'Maildir', 'Maildir/tmp', 'Maildir/cur', 'Maildir/new', 'empty'])
    mkdirSync(join(skeleton, path), { mode: 0o700 });
  chmodSync(skeleton, 0o751);
  writeFileSync(join(skeleton, 'note'), 'hello', { mode: 0o640 });
  chmodSync(join(skeleton, 'note'), 0o4640);
  symlinkSync('/nowhere', join(skeleton, 'link'));
  execFileSync('mkfifo', [join(skeleton, 'pipe')]);
  const lines: string[] = [];
  const push = (line: string) => void lines.push(line);
  const log: Log = { error: push, warn: push, info: push, debug: push };
  const make = createHomeMaker(skeleton, async () => owner.uid, log);
  const account = { address: 'fred', ...owner, home: join(folder, 'fred') };
  return { folder, skeleton, lines, make, account, log };
}

test('a missing home is a copy of the skeleton that belongs to the account', async (t) => {
  const { folder, make, account, lines } = place(t);
  await make(account);
  const { home } = account;
  assert.deepEqual(readdirSync(home).sort(), ['Maildir', 'empty', 'link', 'note']);
  assert.equal(readFileSync(join(home, 'note'), 'utf8'), 'hello');
  assert.equal(readlinkSync(join(home, 'link')), '/nowhere');
  const modes: [string, number][] = [
    ['', 0o751],
    ['Maildir/cur', 0o700],
    ['note', 0o4640],
  ];
  for (const [path, mode] of modes) {
    const stats = statSync(join(home, path));
    assert.equal(stats.mode & 0o7777, mode, path);
    assert.deepEqual([stats.uid, stats.gid], [owner.uid, owner.gid]);
  }
  assert.deepEqual(readdirSync(folder).sort(), ['fred', 'skeleton']);
  assert.ok(lines.some((line) => /pipe is neither a file nor a directory/.test(line)));
});

test('a home that is there stays as it is, whatever it is', async (t) => {
  const { folder, make, account } = place(t);
  mkdirSync(account.home);
  await make(account);
  assert.deepEqual(readdirSync(account.home), []);
  const dangling = join(folder, 'dangling');
  symlinkSync(join(folder, 'elsewhere'), dangling);
  await make({ ...account, home: dangling });
  assert.ok(!existsSync(join(folder, 'elsewhere')));
});

test('only the last directory is made; what fails is said and leaves nothing', async (t) => {
  const { folder, make, account, lines } = place(t);
  await make({ ...account, home: join(folder, 'no/such/fred') });
  assert.ok(lines.some((line) => /fred: .*cannot be made: ENOENT/.test(line)));
  await make({ ...account, home: 'relative' });
  await make({ ...account, home: '/' });
  assert.deepEqual(readdirSync(folder), ['skeleton']);
});

test('many logins at once make one home; without a skeleton there is none', async (t) => {
  const { folder, make, account, log, lines } = place(t);
  await Promise.all(Array.from({ length: 20 }, () => make(account)));
  assert.deepEqual(readdirSync(folder).sort(), ['fred', 'skeleton']);
  assert.equal(lines.filter((line) => line.includes('made')).length, 1);
  const none = createHomeMaker(join(folder, 'absent'), async () => undefined, log);
  await none({ ...account, home: join(folder, 'eve') });
  assert.ok(!existsSync(join(folder, 'eve')));
});

test('the daemon makes homes for logins at our servers only, before it answers', async (t) => {
  const { folder, make } = place(t);
  const home = join(folder, 'fred');
  const userdb = `fred\tuid=${owner.uid}|gid=${owner.gid}|home=${home}|systempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==\n`;
  const settings = { minimumUid: 0 };
  const { daemon, client } = await startTestDaemon(t, { userdb, settings, daemon: { makeHome: make } });
  assert.equal((await client.login('imap', 'fred', 'secret')).kind, 'accepted');
  assert.ok(!existsSync(home));
  const server = createAuthClient({ socketPath: daemon.socketPath, startsSessions: true });
  assert.equal((await server.login('imap', 'fred', 'wrong')).kind, 'rejected');
  assert.ok(!existsSync(home));
  assert.equal((await server.login('imap', 'fred', 'secret')).kind, 'accepted');
  assert.ok(existsSync(join(home, 'Maildir/cur')));
});
