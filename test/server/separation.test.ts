/** As root: every session under its account's uid, in a process of its own, and what may be read from there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startTestDaemon } from '../support/auth-daemon.ts';
import { Conversation, password, socketsOf, TestServer, workerUser } from './support.ts';

const asRoot = process.geteuid!() === 0 ? {} : { skip: 'needs root: accounts of several uids' };

/** What /proc says about a process. */
function ids(pid: number): { uid: string; gid: string; groups: string } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)![1]!;
  return { uid: field('Uid'), gid: field('Gid'), groups: field('Groups') };
}

/** Whether a process of this uid, and its group alone, can read a file or list a directory. */
function canRead(uid: number, path: string): boolean {
  const words = ['-c', 'if [ -d "$0" ]; then ls "$0"; else cat "$0"; fi >/dev/null 2>&1', path];
  return spawnSync('/bin/sh', words, { uid, gid: uid }).status === 0;
}

describe('accounts of three uids', { timeout: 60_000, ...asRoot }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start([
      { name: 'ann', uid: 50_001 },
      { name: 'bob', uid: 50_002 },
      { name: 'eve', uid: workerUser.uid },
      { name: 'root', uid: 0 },
    ]);
    for (const name of ['ann', 'bob']) {
      writeFileSync(
        join(server.home(name), 'Maildir/new/1.a.b'),
        `Subject: for ${name}\n\nsecret of ${name}\n`,
      );
    }
  });
  after(() => server.stop());

  for (const [name, uid] of [
    ['ann', 50_001],
    ['bob', 50_002],
  ] as const) {
    test(`${name}'s session runs as uid ${uid} and nothing else`, async () => {
      const client = await Conversation.plain(server.ports.plain);
      await client.login(name);
      const hosts = server.children('session-host').map(ids);
      const own = hosts.filter(({ uid: of }) => of === `${uid}\t${uid}\t${uid}\t${uid}`);
      assert.deepEqual(own, [
        { uid: `${uid}\t${uid}\t${uid}\t${uid}`, gid: `${uid}\t${uid}\t${uid}\t${uid}`, groups: String(uid) },
      ]);
      client.close();
    });
  }

  test('the processes that strangers talk to are not root', () => {
    const workers = server.children('worker-main').map(ids);
    assert.equal(workers.length, 2);
    for (const { uid } of workers) assert.match(uid, new RegExp(`^${workerUser.uid}\\t`));
  });

  test('who can read what', async () => {
    const client = await Conversation.plain(server.ports.plain);
    await client.login('ann');
    const mail = (name: string) => join(server.home(name), 'Maildir/cur');
    // Accounts, keys and settings are root's.
    const secrets = ['userdb', 'imapd.pem', 'authdaemonrc'].map((name) =>
      join(server.directory, 'etc', name),
    );
    const uids = [50_001, 50_002, workerUser.uid];
    const readers = (path: string) => uids.filter((uid) => canRead(uid, path));
    assert.deepEqual(readers(mail('ann')), [50_001]);
    assert.deepEqual(readers(mail('bob')), [50_002]);
    for (const path of secrets) assert.deepEqual(readers(path), [], path);
    // Nobody holds open what he could not open himself.
    for (const pid of [...server.children('session-host'), ...server.children('worker-main')]) {
      const held = [...socketsOf(pid)].filter((path) => path.startsWith(server.directory));
      const uid = Number(/^\d+/.exec(ids(pid).uid)![0]);
      for (const path of held) assert.ok(canRead(uid, path), `${pid} (uid ${uid}) holds ${path}`);
    }
    client.close();
  });

  test('uid 0 gets no session', async () => {
    const client = await Conversation.plain(server.ports.plain);
    assert.match(await client.login('root'), /^l NO/m);
    client.close();
    await server.logged(/zero uid or gid not permitted/);
  });

  for (const secure of [false, true]) {
    test(`input sent behind LOGIN moves along, ${secure ? 'over TLS' : 'in clear'}, 40 times`, async () => {
      for (let i = 0; i < 40; i++) {
        const client = secure
          ? await Conversation.tls(server.ports.tls)
          : await Conversation.plain(server.ports.plain);
        client.send(`a LOGIN ann ${password}\r\nb NOOP\r\nc APPEND INBOX {5}\r\n`);
        await client.until(/^a OK/m);
        client.send(i % 2 ? 'x' : 'xy');
        await client.until(/^\+ /m);
        client.send(i % 2 ? 'yzzz\r\nd NOOP\r\n' : 'zzz\r\nd NOOP\r\n');
        client.send('e LOGOUT\r\n');
        assert.match(await client.rest(), /c OK \[APPENDUID[\s\S]*d OK[\s\S]*e OK/);
      }
    });
  }

  test('a host that is killed costs its own connections only; the next login starts another', async () => {
    const [ann, bob] = [
      await Conversation.plain(server.ports.plain),
      await Conversation.plain(server.ports.plain),
    ];
    await ann.login('ann');
    await bob.login('bob');
    const victim = server.children('session-host').find((pid) => ids(pid).uid.startsWith('50001\t'))!;
    process.kill(victim, 'SIGKILL');
    await ann.rest();
    assert.match(await bob.command('n', 'NOOP'), /n OK/);
    const again = await Conversation.plain(server.ports.plain);
    assert.match(await again.login('ann'), /l OK/);
    for (const client of [ann, bob, again]) client.close();
  });

  test('a session whose host is killed before it has seen it is served by the next one', async () => {
    const ann = await Conversation.plain(server.ports.plain);
    await ann.login('ann');
    const victim = server.children('session-host').find((pid) => ids(pid).uid.startsWith('50001\t'))!;
    process.kill(victim, 'SIGSTOP');
    const next = await Conversation.plain(server.ports.plain);
    next.send(`l LOGIN ann ${password}\r\n`);
    // One who logs in behind it, elsewhere: by then its hand-over is on its way.
    const bob = await Conversation.plain(server.ports.plain);
    await bob.login('bob');
    process.kill(victim, 'SIGKILL');
    assert.match(await next.until(/^l .*\r\n/m), /l OK/);
    for (const client of [ann, next, bob]) client.close();
  });

  test('an authentication daemon that is killed is started again and signs with the same key', async () => {
    const [daemon] = server.children('authdaemond');
    process.kill(daemon!, 'SIGKILL');
    await server.logged(/authdaemond ended \(SIGKILL\), starting it again/);
    for (;;) {
      const client = await Conversation.plain(server.ports.plain);
      client.send(`l LOGIN ann ${password}\r\n`);
      const answer = await client.until(/^(?:l |\* BYE ).*\r\n/m);
      client.close();
      if (/^l OK/m.test(answer)) break;
    }
    assert.doesNotMatch(server.log, /login ticket/);
  });

  test('the daemon’s directory is not the workers’ own', () => {
    const { uid, gid, mode } = statSync(join(server.directory, 'auth'));
    assert.deepEqual([uid, gid, mode & 0o777], [0, workerUser.uid, 0o750]);
  });

  test('SIGTERM tells clients of hosts BYE, too', async () => {
    const plain = await Conversation.plain(server.ports.plain);
    const secure = await Conversation.tls(server.ports.tls);
    await plain.login('bob');
    await secure.login('bob');
    server.signal('SIGTERM');
    for (const client of [plain, secure])
      assert.match(await client.rest(), /\* BYE .*shut down by signal\.\r\n$/);
    assert.equal(await server.ended(), 0);
  });
});

test('a login that the server’s own daemon has not signed gets no session', {
  timeout: 60_000,
  ...asRoot,
}, async (t) => {
  const server = await TestServer.start([{ name: 'ann', uid: 50_001 }]);
  t.after(() => server.stop());
  // Another daemon in its place, that accepts the same account, as a worker might claim that one has.
  const impostor = await startTestDaemon(t, {
    userdb: readFileSync(join(server.directory, 'etc/userdb'), 'latin1'),
  });
  renameSync(impostor.daemon.socketPath, join(server.directory, 'auth/socket'));
  const client = await Conversation.plain(server.ports.plain);
  client.send(`l LOGIN ann ${password}\r\n`);
  assert.doesNotMatch(await client.rest(), /^l OK/m);
  await server.logged(/ERR: ann: no session as uid 50001, gid 50001: no login ticket/);
  assert.ok(impostor.lines.some((line) => line.startsWith('Authenticated: ')));
  assert.deepEqual(server.children('session-host'), []);
});
