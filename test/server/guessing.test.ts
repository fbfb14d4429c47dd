/** Guessing passwords at the whole server: failures count in all workers together, and fail2ban sees them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { programMissing } from '../support/peers.ts';
import { Conversation, TestServer } from './support.ts';

/** Sockets of this local port that a process has open, the listening one left out. */
function connectionsOf(pid: number, port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const established = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address === local && state === '01')
    .map((fields) => `socket:[${fields[9]}]`);
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return established.includes(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false; // closed in between
    }
  }).length;
}

/** Connections until each worker has at least two. */
async function toEveryWorker(server: TestServer): Promise<Conversation[]> {
  const workers = server.children('worker-main');
  assert.equal(workers.length, 2);
  const clients: Conversation[] = [];
  while (workers.some((pid) => connectionsOf(pid, server.ports.plain) < 2)) {
    const client = await Conversation.plain(server.ports.plain);
    await client.until(/^\* OK .*\r\n/m);
    clients.push(client);
    assert.ok(clients.length < 200);
  }
  return clients;
}

const guessing = {
  postrider: [
    'TRUSTED_ADDRESSES=192.0.2.1',
    'FREE_LOGIN_FAILURES=100',
    'MAX_LOGIN_DELAY=0',
    'LOCK_ADDRESS_AFTER=4',
    'LOGIN_FAILURE_DELAY=0',
  ],
};

describe('guessing at two workers', { timeout: 60_000 }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start(undefined, guessing);
  });
  after(() => server.stop());

  test('failures in one worker lock the address out in all, and are logged', async () => {
    const clients = await toEveryWorker(server);
    const first = clients[0]!;
    for (const [i, name] of ['ann', 'bob', 'x, ip=[198.51.100.9]'].entries())
      assert.match(await first.command(`w${i}`, `LOGIN "${name}" wr0ng-pass`), /^w\d NO/m);
    assert.match(await first.command('p', 'AUTHENTICATE PLAIN AGFubgB3cjBuZy1wYXNz'), /^p NO/m);
    await server.logged(/ip=\[127\.0\.0\.1\] locked out after 4 failed logins/);
    for (const client of clients) {
      assert.match(await client.login(), /^l NO Login failed/m);
      client.close();
    }
    await server.logged(/locked out: user=ann, ip=\[127\.0\.0\.1\]/);
    assert.doesNotMatch(server.log, /wr0ng/);
  });

  const skip = programMissing('fail2ban-regex', 'fail2ban') ?? false;
  test("fail2ban's own filter finds every failure and the right address", { skip }, async () => {
    await server.logged(/(?:LOGIN FAILED.*){5}/s);
    const lines = server.log.split('\n').filter((line) => line.includes('LOGIN'));
    const failures = lines.filter((line) => line.includes('LOGIN FAILED'));
    // As the system's log has them: LOG=syslog sends the text without the level.
    const file = join(server.directory, 'mail.log');
    const now = new Date().toString().split(' ');
    const head = `${now[1]} ${now[2]} ${now[4]} mx1 imapd: `;
    const text = [...lines, 'INFO: LOGIN, user=ann, ip=[::ffff:127.0.0.1], port=[1], protocol=IMAP'];
    writeFileSync(file, text.map((line) => `${head}${line.replace(/^INFO: /, '')}\n`).join(''));
    const filter = '/etc/fail2ban/filter.d/courier-auth.conf';
    const run = (...options: string[]) =>
      execFileSync('fail2ban-regex', [...options, file, filter], { encoding: 'utf8' });
    assert.match(run(), new RegExp(`Failregex: ${failures.length} total`));
    assert.deepEqual(new Set(run('-o', 'ip').trim().split('\n')), new Set(['127.0.0.1']));
  });
});

test('with a delay each further failure waits longer', { timeout: 60_000 }, async (t) => {
  const server = await TestServer.start(undefined, {
    postrider: [
      'TRUSTED_ADDRESSES=192.0.2.1',
      'FREE_LOGIN_FAILURES=0',
      'MAX_LOGIN_DELAY=1',
      'LOGIN_FAILURE_DELAY=0',
    ],
  });
  t.after(() => server.stop());
  const client = await Conversation.plain(server.ports.plain);
  await client.until(/^\* OK .*\r\n/m);
  const timed = async (tag: string) => {
    const begun = performance.now();
    await client.command(tag, 'LOGIN ann wrong');
    return performance.now() - begun;
  };
  assert.ok((await timed('a')) < 900);
  assert.ok((await timed('b')) > 950);
});
