import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestDaemon, testUserdb } from '../../test/support/auth-daemon.ts';
import { AuthError } from './auth-error.ts';
import { createAuthClient } from './client.ts';
import type { AuthModule } from './modules/module.ts';

/** Sends octets and returns everything up to the close. */
async function raw(socketPath: string, ...pieces: string[]): Promise<string> {
  const socket = connect({ path: socketPath });
  let reply = '';
  socket.on('data', (chunk) => {
    reply += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  for (const piece of pieces) {
    await new Promise<void>((resolve) => {
      socket.write(piece, 'latin1', () => resolve());
    });
  }
  await once(socket, 'close');
  return reply;
}

const cases: [string, string, string][] = [
  [
    'PRE gives the account',
    'PRE . imap fred\n',
    'UID=1000\nGID=1001\nHOME=/home/fred\nADDRESS=fred\nNAME=Fred F\nMAILDIR=Maildir\nQUOTA=1000S\n' +
      'PASSWD={SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\n' +
      'OPTIONS=disableimap=0,wbnodsn=0,disableshared=0\n.\n',
  ],
  ['PRE of one module', 'PRE authpam imap fred\n', 'FAIL\n'],
  ['PRE of an unknown id', 'PRE . imap nobody\n', 'FAIL\n'],
  ['PRE with CR', 'PRE . imap fred\r\n', 'FAIL\n'],
  ['AUTH with a wrong password', 'AUTH 21\nimap\nlogin\nfred\nwrong\n', 'FAIL\n'],
  ['AUTH with an empty password', 'AUTH 16\nimap\nlogin\nfred\n', 'FAIL\n'],
  ['AUTH with an unknown authtype', 'AUTH 22\nimap\nLOGIN\nfred\nsecret\n', 'FAIL\n'],
  ['uid 0', 'AUTH 22\nimap\nlogin\nroot\nsecret\n', 'FAIL\n'],
  ['an account without home', 'AUTH 26\nimap\nlogin\nhomeless\nsecret\n', 'FAIL\n'],
  ['PASSWD with a wrong old password', 'PASSWD imap\tfred\twrong\tnew\n', 'FAIL\n'],
  ['PASSWD with a control character', 'PASSWD imap\tfred\tse\x01cret\tnew\n', 'FAIL\n'],
  ['an unknown command', 'QUIT\n', ''],
  ['a lower-case command', 'pre . imap fred\n', ''],
  ['a line that is too long', `PRE . imap ${'x'.repeat(9000)}\n`, ''],
  ['a payload that is too long', 'AUTH 8192\n', ''],
];
for (const [name, request, reply] of cases) {
  test(`daemon: ${name}`, async (t) => {
    const { daemon } = await startTestDaemon(t);
    assert.equal(await raw(daemon.socketPath, request), reply);
  });
}

test('an accepted AUTH has the clear password, and octets after the request are ignored', async (t) => {
  const { daemon } = await startTestDaemon(t);
  const reply = await raw(
    daemon.socketPath,
    'TCPREMOTEIP=::1\nX=y\nAUTH 22\nimap\nlogin\nfred\nsecret\nPRE . imap x\n',
  );
  assert.match(reply, /^UID=1000\n[\s\S]*\nPASSWD2=secret\nOPTIONS=[\s\S]*\n\.\n$/);
});

test('a request may come octet by octet', async (t) => {
  const { daemon } = await startTestDaemon(t);
  assert.match(await raw(daemon.socketPath, ...'AUTH 22\nimap\nlogin\nfred\nsecret\n'), /^UID=1000\n/);
});

test('the service chooses the field', async (t) => {
  const { client } = await startTestDaemon(t);
  const hash = async (service: string) => {
    const result = await client.lookup(service, 'fred');
    return result.kind === 'accepted' ? result.account.cryptPassword?.slice(0, 5) : result.kind;
  };
  assert.deepEqual([await hash('pop3'), await hash('imap')], ['{MD5}', '{SHA2']);
});

test('a long list may take longer than the time limit as a whole', async (t) => {
  const { folder } = await startTestDaemon(t);
  const socketPath = join(folder, 'slow');
  const server = createServer((socket) => {
    let sent = 0;
    const timer = setInterval(() => {
      if (sent++ < 8) socket.write(`u${sent}\t5\t5\t/h\t\t\n`);
      else {
        clearInterval(timer);
        socket.end('.\n');
      }
    }, 30);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  t.after(() => server.close());
  const client = createAuthClient({ socketPath, readTimeoutMs: 150 });
  assert.equal((await client.enumerate()).length, 8);
});

test('ids are octets: one that is not UTF-8 logs in', async (t) => {
  const { client } = await startTestDaemon(t);
  const result = await client.login('imap', Buffer.from('b\xf6rk', 'latin1'), 'secret');
  assert.equal(result.kind === 'accepted' && result.account.home, '/home/b\xf6rk');
  assert.equal((await client.login('imap', 'börk', 'secret')).kind, 'rejected');
});

test('ENUMERATE lists module by module and ends with a dot', async (t) => {
  const { daemon, client } = await startTestDaemon(t);
  const reply = await raw(daemon.socketPath, 'ENUMERATE\n');
  assert.match(
    reply,
    /^# authuserdb\n\nfred\t1000\t1001\t\/home\/fred\tMaildir\tdisableimap=0,wbnodsn=0,disableshared=0\n/,
  );
  assert.match(reply, /\n\.\n$/);
  const accounts = await client.enumerate();
  assert.ok(accounts.some(({ address }) => address === 'fred'));
  assert.ok(accounts.every(({ uid }) => uid > 0));
});

test('a changed password counts at once, with hash and CRAM secrets', async (t) => {
  const { client } = await startTestDaemon(t);
  assert.equal(await client.changePassword('imap', 'fred', 'secret', 'new one'), 'changed');
  assert.equal((await client.login('imap', 'fred', 'secret')).kind, 'rejected');
  assert.equal((await client.login('imap', 'fred', 'new one')).kind, 'accepted');
  assert.equal((await client.login('pop3', 'fred', 'secret')).kind, 'accepted');
  const digest = createHmac('md5', 'new one').update('<1@h>').digest('hex');
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const cram = await client.cram('imap', 'cram-md5', base64('<1@h>'), base64(`fred ${digest}`));
  assert.equal(cram.kind, 'accepted');
});

test('a crypt-only account cannot be entered by CRAM with the empty password', async (t) => {
  const { client } = await startTestDaemon(t);
  for (const hash of ['md5', 'sha1', 'sha256']) {
    const digest = createHmac(hash, '').update('<1@h>').digest('hex');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const result = await client.cram(
      'imap',
      `cram-${hash}`,
      base64('<1@h>'),
      base64(`cryptonly@ex.com ${digest}`),
    );
    assert.equal(result.kind, 'rejected');
  }
});

/** A module that answers what it is told to. */
function fakeModule(
  name: string,
  answer: () => Promise<Awaited<ReturnType<AuthModule['login']>>>,
): AuthModule {
  return { name, login: answer, cram: answer, lookup: answer, close: async () => {} };
}
const account = { address: 'x', uid: 5, gid: 5, home: '/x' };
const temporary = () => Promise.reject(new AuthError('temporary', 'down'));
const chains: [string, AuthModule[], string][] = [
  [
    'a reject asks the next module',
    [fakeModule('a', async () => undefined), fakeModule('b', async () => account)],
    'accepted',
  ],
  ['an accept stops', [fakeModule('a', async () => account), fakeModule('b', temporary)], 'accepted'],
  [
    'a temporary failure stops without an answer',
    [fakeModule('a', temporary), fakeModule('b', async () => account)],
    'temporary',
  ],
  [
    'a bug in a module is temporary',
    [fakeModule('a', () => Promise.reject(new TypeError('bug'))), fakeModule('b', async () => account)],
    'temporary',
  ],
  ['no modules reject', [], 'rejected'],
];
for (const [name, modules, kind] of chains) {
  test(`chain: ${name}`, async (t) => {
    const { client } = await startTestDaemon(t, { modules });
    assert.equal((await client.login('imap', 'x', 'y')).kind, kind);
    assert.equal((await client.lookup('imap', 'x')).kind, kind);
  });
}

test('a slow module delays only the login that needs it', async (t) => {
  const slow = Promise.withResolvers<typeof account>();
  const module: AuthModule = {
    ...fakeModule('a', async () => account),
    login: ({ userId }) => (userId === 'slow' ? slow.promise : Promise.resolve(account)),
  };
  const { client } = await startTestDaemon(t, { modules: [module] });
  const waiting = client.login('imap', 'slow', 'y');
  assert.equal((await client.login('imap', 'fast', 'y')).kind, 'accepted');
  slow.resolve(account);
  assert.equal((await waiting).kind, 'accepted');
});

test('no password and no CRAM response reach the log', async (t) => {
  const { client, lines } = await startTestDaemon(t);
  await client.login('imap', 'fred', 'secret');
  await client.login('imap', 'fred', 'wr0ng-pass');
  await client.changePassword('imap', 'fred', 'secret', 'n3w-pass');
  await client.lookup('imap', 'fred');
  const response = Buffer.from(`fred ${createHmac('md5', 'secret').update('<1@h>').digest('hex')}`).toString(
    'base64',
  );
  await client.cram('imap', 'cram-md5', Buffer.from('<1@h>').toString('base64'), response);
  assert.ok(lines.length > 5);
  // What DEBUG_LOGIN=2 adds.
  assert.ok(lines.includes('Authenticated: clearpasswd=<hidden>, passwd={SHA256}'));
  assert.ok(lines.includes('cram: challenge=PDFAaD4=, username=fred'));
  for (const line of lines) assert.ok(!line.includes(response.slice(8)), line);
  for (const line of lines) assert.doesNotMatch(line, /secret\b|wr0ng|n3w|\{SHA256\}K7/);
});

test('the socket is for everybody, its directory is not', async (t) => {
  const { daemon, folder } = await startTestDaemon(t);
  assert.equal(statSync(daemon.socketPath).mode & 0o777, 0o777);
  assert.equal(statSync(join(folder, 'run')).mode & 0o777, 0o750);
});

test('an idle connection is cut, others are not delayed', async (t) => {
  const { daemon, client } = await startTestDaemon(t, { daemon: { readTimeoutMs: 50 } });
  const idle = raw(daemon.socketPath, 'PRE . ');
  assert.equal((await client.lookup('imap', 'fred')).kind, 'accepted');
  assert.equal(await idle, '');
});

test('userdb: an edit counts at the next login, a bad file leaves the last good version', async (t) => {
  const { client, folder, lines } = await startTestDaemon(t);
  const path = join(folder, 'userdb');
  const kind = async () => (await client.login('imap', 'new', 'secret')).kind;
  assert.equal(await kind(), 'rejected');
  const line = 'new\tuid=5|gid=5|home=/n|systempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==\n';
  writeFileSync(path, testUserdb + line, { encoding: 'latin1' });
  assert.equal(await kind(), 'accepted');
  writeFileSync(path, `${line}${line}fred\tx\n`, { encoding: 'latin1' });
  assert.equal(await kind(), 'accepted');
  assert.equal((await client.login('imap', 'fred', 'secret')).kind, 'accepted');
  assert.ok(lines.some((each) => each.includes('Cannot store record for new - duplicate')));
});

test('the client completes ids with DEFDOMAIN, also in CRAM responses', async (t) => {
  const { daemon } = await startTestDaemon(t, {
    userdb: testUserdb.replace('fred\t', 'fred@ex.com\t'),
  });
  const client = createAuthClient({ socketPath: daemon.socketPath, defaultDomain: '@ex.com' });
  assert.equal((await client.login('imap', 'fred', 'secret')).kind, 'accepted');
  assert.equal((await client.login('imap', 'fred@ex.com', 'secret')).kind, 'accepted');
  assert.equal((await client.login('imap', 'fred@other', 'secret')).kind, 'rejected');
  const digest = createHmac('md5', 'secret').update('<1@h>').digest('hex');
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  assert.equal(
    (await client.cram('imap', 'cram-md5', base64('<1@h>'), base64(`fred ${digest}`))).kind,
    'accepted',
  );
  const percent = createAuthClient({
    socketPath: daemon.socketPath,
    defaultDomain: '@ex.com',
    domainSeparators: '%',
  });
  assert.equal((await percent.login('imap', 'fred@ex.com', 'secret')).kind, 'rejected');
  const bySign = (domainSeparators: string) =>
    percent.login('imap', 'fred@ex.com', 'secret', { defaultDomain: '@ex.com', domainSeparators });
  assert.equal((await bySign('%@')).kind, 'accepted');
  assert.equal((await bySign('')).kind, 'accepted');
});

test('the client refuses control characters without asking', async () => {
  const client = createAuthClient({ socketPath: '/nonexistent/socket' });
  assert.equal((await client.login('imap', 'fr\ned', 'secret')).kind, 'rejected');
  assert.equal((await client.login('imap', 'fred', 'sec\tret')).kind, 'rejected');
  assert.equal((await client.login('imap', 'fred', '')).kind, 'rejected');
  assert.equal((await client.login('imap', 'fred', 'x', { remoteIp: '1\n2' })).kind, 'rejected');
  assert.equal(await client.changePassword('imap', 'fred', 'a', 'b\n'), 'rejected');
  assert.equal((await client.login('imap', 'fred', 'secret')).kind, 'temporary');
});

const daemons: [string, (end: (reply: string) => void, destroy: () => void) => void, string][] = [
  ['closes without an answer', (_, destroy) => destroy(), 'temporary'],
  ['cuts its answer off', (end) => end('ADDRESS=x\nUID=1\n'), 'temporary'],
  ['answers without an ADDRESS', (end) => end('UID=1\nGID=1\nHOME=/x\n.\n'), 'rejected'],
  ['answers too much', (end) => end(`ADDRESS=x\nNAME=${'x'.repeat(8200)}\n.\n`), 'temporary'],
  ['never answers', () => {}, 'temporary'],
];
for (const [name, behave, kind] of daemons) {
  test(`client: a daemon that ${name} is ${kind}`, async (t) => {
    const { folder } = await startTestDaemon(t);
    const socketPath = join(folder, 'other');
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        behave(
          (reply) => socket.end(reply),
          () => socket.destroy(),
        ),
      );
      t.after(() => socket.destroy());
    });
    server.listen(socketPath);
    await once(server, 'listening');
    t.after(() => server.close());
    const client = createAuthClient({ socketPath, readTimeoutMs: 100 });
    assert.equal((await client.lookup('imap', 'fred')).kind, kind);
  });
}
