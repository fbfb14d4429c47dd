/**
 * Courier's programs and our authentication daemon, Courier's daemon and our client. Each test runs the programs of the
 * peer's tree in a mount namespace of its own, with a run directory and a configuration of the test's.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { peersDirectory } from '../../bench/servers/peers.ts';
import { createAuthClient } from '../../src/auth/client.ts';
import { Conversation, TestServer } from '../server/support.ts';
import { startTestDaemon } from '../support/auth-daemon.ts';
import { courierMissing, sharedMaildir } from '../support/peers.ts';
import { accepts, privateFolder, removeFolder } from '../support/private-server.ts';

const skip = courierMissing() ?? false;
const root = join(peersDirectory, 'courier');

/** A shell command inside the tree, where `run` and `etc` are directories of ours. */
function inCourier(run: string, etc: string, command: string): string[] {
  const mounts = `mount --bind ${run} ${root}/run/courier/authdaemon && mount --bind ${etc} ${root}/etc/courier`;
  return ['unshare', '-m', 'sh', '-c', `${mounts} && exec chroot ${root} /bin/sh -c '${command}'`];
}

async function output(command: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program, ...args] = command as [string, ...string[]];
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { encoding: 'latin1' });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const hash = '$1$saltsalt$9xy1btjgzLYfb7hivXtC//';
const userdb =
  `u1\tuid=5000|gid=5000|home=/srv/mail/u1|mail=/srv/mail/u1/Maildir|gecos=User One|quota=1000S|options=a=1|systempw=${hash}|` +
  'hmac-md5pw=cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56\n';

/** Courier's configuration with accounts of the test's. */
function configuration(t: TestContext): { etc: string; run: string } {
  const folder = privateFolder('courier');
  t.after(() => removeFolder(folder));
  const [etc, run] = [join(folder, 'etc'), join(folder, 'run')];
  cpSync(join(root, 'etc/courier'), etc, { recursive: true });
  mkdirSync(run);
  writeFileSync(join(etc, 'userdb'), userdb, { mode: 0o600 });
  const settings = 'authmodulelist="authuserdb"\ndaemons=2\nDEBUG_LOGIN=0\nDEFAULTOPTIONS="b=2"\n';
  writeFileSync(join(etc, 'authdaemonrc'), settings);
  return { etc, run };
}

async function startCourierDaemon(t: TestContext, { etc, run } = configuration(t)) {
  const daemon = '/usr/lib/courier/courier-authlib/authdaemond';
  const command = inCourier(
    run,
    etc,
    `makeuserdb && set -a && . /etc/courier/authdaemonrc && exec ${daemon}`,
  );
  const [program, ...args] = command as [string, ...string[]];
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore', detached: true });
  t.after(async () => {
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGTERM');
    await ended;
  });
  const socketPath = join(run, 'socket');
  for (let tries = 0; ; tries++) {
    try {
      await accepts({ path: socketPath });
      return { socketPath, etc, run };
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test("our client asks Courier's authdaemond", { skip }, async (t) => {
  const { socketPath } = await startCourierDaemon(t);
  const client = createAuthClient({ socketPath });
  const peer = { remoteIp: '192.0.2.7' };
  const accepted = await client.login('imap', 'u1', 'secret', peer);
  assert.ok(accepted.kind === 'accepted');
  const { address, uid, gid, home, maildir, fullName, quota, options } = accepted.account;
  assert.deepEqual(
    { address, uid, gid, home, maildir, fullName, quota, options: [...options] },
    {
      address: 'u1',
      uid: 5000,
      gid: 5000,
      home: '/srv/mail/u1',
      maildir: '/srv/mail/u1/Maildir',
      fullName: 'User One',
      quota: '1000S',
      options: [
        ['a', ['1']],
        ['b', ['2']],
      ],
    },
  );
  assert.equal((await client.login('imap', 'u1', 'wrong', peer)).kind, 'rejected');
  assert.equal((await client.login('imap', 'nobody', 'secret', peer)).kind, 'rejected');
  assert.equal((await client.lookup('imap', 'u1', peer)).kind, 'accepted');
  const digest = createHmac('md5', 'secret').update('<1@h>').digest('hex');
  assert.equal(
    (await client.cram('imap', 'cram-md5', base64('<1@h>'), base64(`u1 ${digest}`), peer)).kind,
    'accepted',
  );
  assert.deepEqual(
    (await client.enumerate()).map((each) => each.address),
    ['u1'],
  );
  assert.equal(await client.changePassword('imap', 'u1', 'wrong', 'other', peer), 'rejected');
  assert.equal(await client.changePassword('imap', 'u1', 'secret', 'other', peer), 'changed');
  assert.equal((await client.login('imap', 'u1', 'other', peer)).kind, 'accepted');
});

/** What the daemons answer to the same octets. */
const requests: [string, string][] = [
  ['PRE', 'PRE . imap u1\n'],
  ['PRE of an unknown id', 'PRE . imap nobody\n'],
  ['PRE of a module that is not loaded', 'PRE authpam imap u1\n'],
  ['PRE with CR', 'PRE . imap u1\r\n'],
  ['PRE with too few words', 'PRE . imap\n'],
  ['metadata', 'TCPREMOTEIP=::1\nX=y\nPRE . imap u1\n'],
  ['AUTH', 'AUTH 20\nimap\nlogin\nu1\nsecret\n'],
  ['AUTH with a wrong password', 'AUTH 19\nimap\nlogin\nu1\nwrong\n'],
  ['AUTH with an empty password', 'AUTH 14\nimap\nlogin\nu1\n'],
  ['AUTH without service', 'AUTH 16\n\nlogin\nu1\nsecret\n'],
  ['AUTH with an unknown authtype', 'AUTH 20\nimap\nLOGIN\nu1\nsecret\n'],
  ['AUTH with empty parts', 'AUTH 22\nimap\nlogin\n\nu1\n\nsecret\n'],
  ['PASSWD with a wrong password', 'PASSWD imap\tu1\twrong\tnew\n'],
  ['PASSWD with too few fields', 'PASSWD imap\tu1\twrong\n'],
  ['ENUMERATE', 'ENUMERATE\n'],
  ['lower case', 'pre . imap u1\n'],
  ['an unknown command', 'HELLO\n'],
];

async function exchange(socketPath: string, request: string): Promise<string> {
  const socket = connect({ path: socketPath });
  let reply = '';
  socket.on('data', (chunk) => {
    reply += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(request, 'latin1');
  await once(socket, 'close');
  return reply;
}

test("our daemon answers as Courier's does, octet by octet", { skip }, async (t) => {
  const courier = await startCourierDaemon(t);
  const ours = await startTestDaemon(t, { userdb, settings: { defaultOptions: 'b=2' } });
  for (const [name, request] of requests) {
    await t.test(name, async () => {
      const expected = await exchange(courier.socketPath, request);
      assert.equal(await exchange(ours.daemon.socketPath, request), expected);
    });
  }
});

test("Courier's tools ask our daemon", { skip }, async (t) => {
  const { etc } = configuration(t);
  const ours = await startTestDaemon(t, { userdb });
  const run = join(ours.folder, 'run');
  const tool = (command: string) => output(inCourier(run, etc, command));
  const lookup = await tool('authtest -s imap u1');
  assert.equal(lookup.code, 0, lookup.stderr);
  assert.match(lookup.stdout, /Authenticated: u1\s+\(uid 5000, gid 5000\)/);
  assert.ok(lookup.stdout.includes(`Encrypted Password: ${hash}`));
  assert.equal((await tool('authtest u1 secret')).code, 0);
  const wrong = await tool('authtest u1 wrong');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /Operation not permitted/);
  assert.match(
    (await tool('authenumerate')).stdout,
    /^u1\t5000\t5000\t\/srv\/mail\/u1\t\/srv\/mail\/u1\/Maildir$/m,
  );
  const changed = await tool('authtest u1 secret other');
  assert.match(changed.stderr, /Password change succeeded/);
  assert.equal((await tool('authtest u1 other')).code, 0);
});

test("Courier's imaplogin logs in through our daemon", { skip, timeout: 30_000 }, async (t) => {
  const { etc } = configuration(t);
  const home = dirname(sharedMaildir(t).insidePath);
  const ours = await startTestDaemon(t, { userdb: userdb.replaceAll('/srv/mail/u1', home) });
  const environment =
    'IMAP_CAPABILITY=IMAP4rev1 TCPREMOTEIP=127.0.0.1 TCPREMOTEPORT=1 TCPLOCALIP=127.0.0.1 TCPLOCALPORT=143';
  const login = '/usr/lib/courier/courier/imaplogin /usr/bin/imapd Maildir';
  const [program, ...args] = inCourier(join(ours.folder, 'run'), etc, `exec env ${environment} ${login}`);
  const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  let received = '';
  /** imaplogin loses what a client sends before its answer. */
  const until = async (pattern: RegExp) => {
    while (!pattern.test(received)) received += String((await once(child.stdout, 'data'))[0]);
  };
  await until(/^\* OK /m);
  child.stdin.write('1 LOGIN u1 secret\r\n');
  await until(/^1 OK LOGIN Ok\.\r\n/m);
  child.stdin.write('2 SELECT INBOX\r\n');
  await until(/^2 OK .*\r\n/m);
  child.stdin.end('3 LOGOUT\r\n');
  await until(/^3 OK /m);
});

test("Postrider logs in through Courier's authdaemond", { skip, timeout: 60_000 }, async (t) => {
  const courier = configuration(t);
  for (const path of [dirname(courier.run), courier.run]) chmodSync(path, 0o755);
  const server = await TestServer.start([{ name: 'ann', uid: 50_001 }], {
    authdaemonrc: [`authdaemonvar=${courier.run}`],
    postrider: ['AUTHENTICATION_DAEMON=external'],
    imapd: ['IMAP_CAPABILITY="IMAP4rev1 AUTH=PLAIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-256"'],
  });
  t.after(() => server.stop());
  const unanswered = await Conversation.plain(server.ports.plain);
  unanswered.send('l LOGIN ann secret\r\n');
  assert.match(await unanswered.rest(), /^\* BYE .*Temporary problem/m);
  unanswered.close();
  const account = userdb
    .replace('u1', 'ann')
    .replaceAll('5000', '50001')
    .replace('/srv/mail/u1', server.home('ann'));
  writeFileSync(join(courier.etc, 'userdb'), account.replace('|mail=/srv/mail/u1/Maildir', ''), {
    mode: 0o600,
  });
  await startCourierDaemon(t, courier);
  // Another uid than the workers': a session of its own, although Courier signs nothing.
  const client = await Conversation.plain(server.ports.plain);
  assert.match(await client.login(), /^l OK/m);
  assert.match(await client.command('s', 'SELECT INBOX'), /^s OK/m);
  client.close();
  const cram = await Conversation.plain(server.ports.plain);
  cram.send('c AUTHENTICATE CRAM-MD5\r\n');
  const challenge = /^\+ (\S+)/m.exec(await cram.until(/^\+ .*\r\n/m))![1]!;
  const digest = createHmac('md5', 'secret').update(Buffer.from(challenge, 'base64')).digest('hex');
  cram.send(`${base64(`ann ${digest}`)}\r\n`);
  assert.match(await cram.until(/^c .*\r\n/m), /^c OK/m);
  cram.close();
  const wrong = await Conversation.plain(server.ports.plain);
  assert.match(await wrong.command('w', 'LOGIN ann wrong'), /^w NO Login failed/m);
  // Courier's daemon does not know the mechanism: no accident, a refusal.
  const scram = Buffer.from('n,,n=ann,r=abc').toString('base64');
  assert.match(await wrong.command('x', `AUTHENTICATE SCRAM-SHA-256 ${scram}`), /^x NO/m);
  wrong.close();
});

test('the manual makes the text of a userdb out of its compiled files', { skip }, async (t) => {
  const { etc, run } = configuration(t);
  assert.equal((await output(inCourier(run, etc, 'makeuserdb'))).code, 0);
  rmSync(join(etc, 'userdb'));
  const manual = readFileSync(join(import.meta.dirname, '../../docs/taking-over.md'), 'utf8');
  const command = /```\n(umask 077\nperl [\s\S]*?)```/.exec(manual)![1]!;
  const { code, stderr } = await output(['sh', '-c', `cd ${etc} && ${command}`]);
  assert.equal(code, 0, stderr);
  const fields = (text: string) => text.trim().split(/[\t|]/).sort();
  assert.deepEqual(fields(readFileSync(join(etc, 'userdb'), 'latin1')), fields(userdb));
  const { client } = await startTestDaemon(t, { userdb: readFileSync(join(etc, 'userdb'), 'latin1') });
  assert.equal((await client.login('imap', 'u1', 'secret')).kind, 'accepted');
});
