/** Who is at the other end of the daemon's socket: what he may see, and one that does not read. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startTestDaemon, type TestDaemon } from '../../test/support/auth-daemon.ts';
import type { AuthModule } from './modules/module.ts';

const asRoot = process.geteuid!() === 0 ? {} : { skip: 'needs root: peers of several uids' };

const ask = `
  const socket = require('node:net').connect(process.argv[1], () => socket.write(process.argv[2], 'latin1'));
  socket.pipe(process.stdout);
`;

/** What the daemon answers to somebody of this uid and these groups. */
async function answerTo(
  { daemon, folder }: TestDaemon,
  { uid, gid, groups }: { uid: number; gid: number; groups: number[] },
  request: string,
): Promise<string> {
  // The tests' own directory lets everybody in.
  for (const path of [folder, `${folder}/run`]) chmodSync(path, 0o755);
  const who = ['--reuid', String(uid), '--regid', String(gid)];
  const also = groups.length > 0 ? ['--groups', groups.join(',')] : ['--clear-groups'];
  const command = [process.execPath, '-e', ask, daemon.socketPath, request];
  return (await promisify(execFile)('setpriv', [...who, ...also, ...command])).stdout;
}

const [pre, auth] = ['PRE . imap fred\n', 'AUTH 22\nimap\nlogin\nfred\nsecret\n'];

const peers: [string, { uid: number; gid: number; groups: number[] }, boolean][] = [
  ['root', { uid: 0, gid: 0, groups: [] }, true],
  ['somebody else', { uid: 54_321, gid: 54_321, groups: [] }, false],
  ['somebody of the group of root', { uid: 54_321, gid: 0, groups: [0] }, false],
  ['somebody whose group is PASSWORD_GROUP', { uid: 54_321, gid: 4711, groups: [] }, true],
  ['somebody who is also in PASSWORD_GROUP', { uid: 54_321, gid: 54_321, groups: [7, 4711] }, true],
];
for (const [name, who, sees] of peers) {
  test(`${name} is ${sees ? '' : 'not '}told stored passwords`, asRoot, async (t) => {
    const daemon = await startTestDaemon(t, { daemon: { passwordGroup: 4711 } });
    const looked = await answerTo(daemon, who, pre);
    assert.match(looked, /^UID=1000\n[\s\S]*\n\.\n$/);
    assert.equal(/^PASSWD=\{SHA256\}/m.test(looked), sees);
    // Who has sent the right password gets that one back, and the hash no more than before.
    const authenticated = await answerTo(daemon, who, auth);
    assert.match(authenticated, /^PASSWD2=secret$/m);
    assert.equal(/^PASSWD=/m.test(authenticated), sees);
  });
}

/** Stored clear passwords, which PRE and CRAM find. */
const clearModule: AuthModule = {
  name: 'clear',
  login: async () => undefined,
  cram: async () => undefined,
  lookup: async () => ({ address: 'x', uid: 5, gid: 5, home: '/x', clearPassword: 'geheim' }),
  close: async () => {},
};
test('a stored clear password is shown to root only', asRoot, async (t) => {
  const daemon = await startTestDaemon(t, { modules: [clearModule] });
  const shown = async (uid: number) =>
    /^PASSWD2=geheim$/m.test(await answerTo(daemon, { uid, gid: uid, groups: [] }, pre));
  assert.deepEqual([await shown(0), await shown(54_321)], [true, false]);
});

test('a peer that does not read its list is cut off, others are served meanwhile', async (t) => {
  const given = Promise.withResolvers<void>();
  const endless: AuthModule = {
    ...clearModule,
    async *enumerate() {
      try {
        for (let i = 0; ; i++) yield { address: `u${i}`, uid: 5, gid: 5, home: '/home/of/somebody' };
      } finally {
        given.resolve();
      }
    },
  };
  const { daemon, client } = await startTestDaemon(t, {
    modules: [endless],
    daemon: { writeTimeoutMs: 100 },
  });
  const socket = connect({ path: daemon.socketPath });
  socket.on('error', () => {});
  socket.pause();
  socket.write('ENUMERATE\n');
  const closed = once(socket, 'close');
  assert.equal((await client.lookup('imap', 'x')).kind, 'accepted');
  await given.promise;
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.resume();
  await closed;
  assert.match(text, /^# clear\n\nu0\t/);
  assert.doesNotMatch(text, /\n\.\n$/);
});

test('a list that a back end is slow with is not cut off', async (t) => {
  const slow: AuthModule = {
    ...clearModule,
    async *enumerate() {
      yield { address: 'a', uid: 5, gid: 5, home: '/a' };
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield { address: 'b', uid: 5, gid: 5, home: '/b' };
    },
  };
  const { client } = await startTestDaemon(t, { modules: [slow], daemon: { writeTimeoutMs: 20 } });
  assert.deepEqual(
    (await client.enumerate()).map(({ address }) => address),
    ['a', 'b'],
  );
});
