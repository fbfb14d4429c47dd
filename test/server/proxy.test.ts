/** The login proxy: a server in front, servers behind it that have the mail. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeCramSecret } from '../../src/auth/cram.ts';
import { freePort } from '../support/private-server.ts';
import { Conversation, password, type TestAccount, TestServer, workerUser } from './support.ts';

const { uid } = workerUser;

/** What a front server says of accounts whose mail is at `mailhost`. */
const front = (name: string, mailhost: string, more = ''): TestAccount => ({
  name,
  uid,
  options: `mailhost=${mailhost}${more}`,
});

describe('a front server and one behind it', { timeout: 60_000 }, () => {
  let behind: TestServer;
  let server: TestServer;
  let dead: number;
  let pop3: { behind: number; front: number };
  before(async () => {
    dead = await freePort();
    pop3 = { behind: await freePort(), front: await freePort() };
    behind = await TestServer.start(
      [
        { name: 'ann', uid },
        { name: 'bob', uid },
        { name: 'popper', uid },
        { name: 'other', uid, password: 'different' },
      ],
      {
        imapd: ['TCPDOPTS="-nodnslookup -haproxy"', 'SMAP_CAPABILITY=SMAP1'],
        pop3d: ['ADDRESS=127.0.0.1', `PORT=${pop3.behind}`, 'TCPDOPTS="-nodnslookup -haproxy"'],
      },
    );
    const { plain } = behind.ports;
    server = await TestServer.start(
      [
        front('ann', `127.0.0.1:${plain}`),
        front('bob', `127.0.0.1:${dead};127.0.0.1:${plain}`),
        front('other', `127.0.0.1:${plain}`),
        front('gone', `127.0.0.1:${dead}`),
        front('barred', `127.0.0.1:${plain}`, ',disableimap=1'),
        front('insecure', `127.0.0.1:${plain}`, ',disableinsecureimap=1'),
        front('here', 'front.example'),
        front('popper', `127.0.0.1:${pop3.behind}`),
        front('nopop', `127.0.0.1:${pop3.behind}`, ',disablepop3=1'),
        { name: 'nowhere', uid },
      ],
      {
        imapd: ['IMAP_PROXY=1', 'PROXY_HOSTNAME=Front.Example', 'SMAP_CAPABILITY=SMAP1'],
        pop3d: ['POP3_PROXY=1', 'ADDRESS=127.0.0.1', `PORT=${pop3.front}`],
        postrider: ['PROXY_SEND_CLIENT_ADDRESS=YES', 'PROXY_TIMEOUT=5'],
      },
    );
  });
  after(async () => {
    await server.stop();
    await behind.stop();
  });

  const connect = async (localAddress?: string) => {
    const client = await Conversation.plain(server.ports.plain, localAddress);
    await client.until(/\r\n/);
    return client;
  };

  test('LOGIN with commands behind it in one packet', async () => {
    const client = await connect('127.0.0.9');
    client.send(`a LOGIN ann ${password}\r\nb SELECT INBOX\r\nc LOGOUT\r\n`);
    const answers = await client.rest();
    assert.match(
      answers,
      /^a OK connected to proxy server\.\r\n\* FLAGS[\s\S]*b OK[\s\S]*c OK LOGOUT completed\r\n$/,
    );
    await server.logged(/INFO: LOGIN, user=ann, ip=\[::ffff:127\.0\.0\.9\], port=\[\d+\], protocol=IMAP\n/);
    await server.logged(
      /INFO: DISCONNECTED, user=ann, ip=\[::ffff:127\.0\.0\.9\], .*, rcvd=\d\d, sent=[1-9]\d\d+, /,
    );
    await behind.logged(/INFO: LOGIN, user=ann, ip=\[::ffff:127\.0\.0\.9\], /);
  });

  test('AUTHENTICATE PLAIN, over TLS', async () => {
    const client = await Conversation.tls(server.ports.tls);
    await client.until(/\r\n/);
    const response = Buffer.from(`\0ann\0${password}`).toString('base64');
    assert.match(
      await client.command('a', `AUTHENTICATE PLAIN ${response}`),
      /^a OK connected to proxy server\./,
    );
    assert.match(await client.command('b', 'STATUS INBOX (MESSAGES)'), /\* STATUS .*\(MESSAGES 0\)/);
    client.close();
    await server.logged(/LOGIN, user=ann, .*, protocol=IMAP, starttls=1\n/);
  });

  test('the second host is taken when the first is down', async () => {
    const client = await connect();
    assert.match(await client.login('bob'), /^l OK connected to proxy server\./);
    client.close();
    await server.logged(new RegExp(`WARN: 127\\.0\\.0\\.1 \\[127\\.0\\.0\\.1\\]:${dead}: .*ECONNREFUSED`));
  });

  test('a login that the server behind refuses is one that failed', async () => {
    const client = await connect();
    const begun = performance.now();
    assert.match(await client.login('other'), /^l NO (\[AUTHENTICATIONFAILED\] )?Login failed\./);
    assert.ok(performance.now() - begun >= 900, 'it costs the usual delay');
    await server.logged(/WARN: Login to 127\.0\.0\.1 failed\n/);
    await server.logged(/INFO: LOGIN FAILED, user=other, /);
    assert.match(await client.login('ann'), /^l OK/);
    client.close();
  });

  test('no server behind can be reached: a temporary problem', async () => {
    const client = await connect();
    client.send(`l LOGIN gone ${password}\r\n`);
    assert.equal(
      await client.rest(),
      '* BYE Temporary problem, please try again later\r\nl NO [UNAVAILABLE] Temporary problem, please try again later\r\n',
    );
  });

  for (const [name, code, text] of [
    ['barred', 'AUTHORIZATIONFAILED', 'IMAP access disabled for this account.'],
    ['insecure', 'PRIVACYREQUIRED', 'IMAP access disabled via insecure connection.'],
  ] as const)
    test(`options of the account ${name} refuse it here already`, async () => {
      const client = await connect();
      client.send(`l LOGIN ${name} ${password}\r\n`);
      assert.equal(await client.rest(), `* BYE ${text}\r\nl NO [${code}] ${text}\r\n`);
      await server.logged(new RegExp(`INFO: LOGIN REFUSED, user=${name}, `));
      assert.doesNotMatch(behind.log, new RegExp(`user=${name}`));
    });

  for (const [name, what] of [
    ['here', 'its mailhost is this machine'],
    ['nowhere', 'it has no mailhost'],
  ] as const)
    test(`the account ${name} is served here: ${what}`, async () => {
      const client = await connect();
      assert.match(await client.login(name), /^l OK LOGIN Ok\./);
      client.close();
      if (name === 'nowhere')
        await server.logged(/WARN: proxy enabled, but no proxy host defined for nowhere\n/);
    });

  test('POP3, with commands behind PASS', async () => {
    const client = await Conversation.plain(pop3.front);
    client.send(`UTF8\r\nUSER popper\r\nPASS ${password}\r\nSTAT\r\nQUIT\r\n`);
    assert.match(
      await client.rest(),
      /^\+OK Hello there\.\r\n\+OK UTF8 enabled\r\n\+OK Password required\.\r\n\+OK Connected to proxy server\.\r\n\+OK 0 0\r\n\+OK Bye/,
    );
    await server.logged(/INFO: LOGIN, user=popper, ip=\[::ffff:127\.0\.0\.1\], port=\[\d+\], protocol=\n/);
    await behind.logged(/INFO: LOGOUT, user=popper, /);
  });

  test('SMAP1, with commands behind LOGIN', async () => {
    const client = await connect();
    client.send(`\\SMAP1 LOGIN ann ${password}\r\nLOGOUT\r\n`);
    assert.match(
      await client.rest(),
      /^\+OK connected to proxy server\.\n\* BYE [\s\S]*\+OK LOGOUT completed\n$/,
    );
    await server.logged(/INFO: LOGIN, user=ann, .*, protocol=SMAP1\n/);
    await behind.logged(/INFO: LOGIN, user=ann, .*, protocol=SMAP1\n/);
  });

  test('a barred account is refused over SMAP1', async () => {
    const client = await connect();
    client.send(`\\SMAP1 LOGIN barred ${password}\r\n`);
    assert.match(await client.rest(), /^-ERR IMAP access disabled for this account\.\r?\n$/);
  });

  test('disablepop3 counts in front of the proxy', async () => {
    const client = await Conversation.plain(pop3.front);
    client.send(`USER nopop\r\nPASS ${password}\r\n`);
    assert.match(await client.rest(), /-ERR \[SYS\/PERM\] POP3 access disabled for this account\.\r\n$/);
    assert.doesNotMatch(behind.log, /user=nopop/);
  });

  test('a server that stops ends the sessions it passes on', async () => {
    const client = await connect();
    await client.login('ann');
    server.signal('SIGTERM');
    await client.rest();
    assert.equal(await server.ended(), 0);
    assert.match(server.log, /Disconnected during shutdown by signal, user=ann/);
  });
});

test('a session behind the proxy keeps its place among the connections of its address', {
  timeout: 60_000,
}, async (t) => {
  const behind = await TestServer.start([{ name: 'ann', uid }]);
  t.after(() => behind.stop());
  const server = await TestServer.start([front('ann', `127.0.0.1:${behind.ports.plain}`)], {
    imapd: ['IMAP_PROXY=1', 'MAXPERIP=1'],
  });
  t.after(() => server.stop());
  const client = await Conversation.plain(server.ports.plain, '127.0.0.3');
  await client.until(/\r\n/);
  assert.match(await client.login(), /^l OK connected/);
  const second = await Conversation.plain(server.ports.plain, '127.0.0.3');
  assert.match(await second.rest(), /^\* BYE /);
  client.send('x LOGOUT\r\n');
  await client.rest();
  await server.logged(/DISCONNECTED, user=ann/);
  const third = await Conversation.plain(server.ports.plain, '127.0.0.3');
  await third.until(/\r\n/);
  assert.match(await third.login(), /^l OK connected/);
  third.close();
});

test('two servers that send an account to each other notice it', { timeout: 60_000 }, async (t) => {
  const settings = {
    imapd: ['IMAP_PROXY=1'],
    postrider: ['WORKERS=1', 'PROXY_TIMEOUT=2'],
  };
  const one = await TestServer.start([{ name: 'ann', uid }], settings);
  t.after(() => one.stop());
  const other = await TestServer.start(
    [front('ann', `127.0.0.1:${one.ports.plain}`), { name: 'bob', uid }],
    settings,
  );
  t.after(() => other.stop());
  const file = join(one.directory, 'etc/userdb');
  const options = `|options=mailhost=127.0.0.1:${other.ports.plain}|systempw`;
  writeFileSync(file, readFileSync(file, 'latin1').replace('|systempw', options));
  const client = await Conversation.plain(one.ports.plain);
  await client.until(/\r\n/);
  client.send(`l LOGIN ann ${password}\r\n`);
  assert.match(await client.rest(), /l NO \[UNAVAILABLE\]/);
  await one.logged(/ERR: a loop: 127\.0\.0\.1 sends ann back here/);
  const local = await Conversation.plain(other.ports.plain);
  await local.until(/\r\n/);
  assert.match(await local.login('bob'), /^l OK/);
  local.close();
});

test('a login by CRAM needs the clear password in the account source', { timeout: 60_000 }, async (t) => {
  const behind = await TestServer.start([{ name: 'ann', uid }]);
  t.after(() => behind.stop());
  const server = await TestServer.start([front('ann', `127.0.0.1:${behind.ports.plain}`)], {
    imapd: ['IMAP_PROXY=1'],
  });
  t.after(() => server.stop());
  const file = join(server.directory, 'etc/userdb');
  const secret = makeCramSecret('md5', password);
  writeFileSync(file, readFileSync(file, 'latin1').replace('|systempw', `|hmac-md5pw=${secret}|systempw`));
  const client = await Conversation.plain(server.ports.plain);
  await client.until(/\r\n/);
  client.send('a AUTHENTICATE CRAM-MD5\r\n');
  const [, challenge = ''] = /^\+ (.*)\r\n/.exec(await client.until(/\r\n/))!;
  const digest = createHmac('md5', password).update(Buffer.from(challenge, 'base64')).digest('hex');
  client.send(`${Buffer.from(`ann ${digest}`).toString('base64')}\r\n`);
  assert.match(await client.until(/^a .*\r\n/m), /^a NO .*Login failed\.\r\n$/);
  await server.logged(/WARN: proxy enabled, but no password for ann\n/);
  await server.logged(/INFO: LOGIN FAILED, method=CRAM-MD5, /);
  client.close();
});

for (const [tls, port] of [
  ['starttls', 'plain'],
  ['implicit', 'tls'],
] as const)
  test(`PROXY_TLS=${tls}: the certificate must be for the name in mailhost`, {
    timeout: 60_000,
  }, async (t) => {
    const behind = await TestServer.start([
      { name: 'ann', uid },
      { name: 'eve', uid },
    ]);
    t.after(() => behind.stop());
    const server = await TestServer.start(
      [front('ann', `localhost:${behind.ports[port]}`), front('eve', `127.0.0.1:${behind.ports[port]}`)],
      {
        imapd: ['IMAP_PROXY=1'],
        postrider: [`PROXY_TLS=${tls}`, `PROXY_TLS_TRUSTCERTS=${join(behind.directory, 'etc/imapd.pem')}`],
      },
    );
    t.after(() => server.stop());
    const client = await Conversation.plain(server.ports.plain);
    await client.until(/\r\n/);
    assert.match(await client.login(), /^l OK connected/);
    assert.match(await client.command('n', 'NOOP'), /^n OK/);
    client.close();
    await behind.logged(/LOGIN, user=ann, .*, starttls=1\n/);
    const refused = await Conversation.plain(server.ports.plain);
    await refused.until(/\r\n/);
    refused.send(`l LOGIN eve ${password}\r\n`);
    assert.match(await refused.rest(), /l NO \[UNAVAILABLE\]/);
    await server.logged(/WARN: .*IP: 127\.0\.0\.1 is not in the cert's list/);
    assert.doesNotMatch(behind.log, /user=eve/);
  });
