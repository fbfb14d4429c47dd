/** SMAP1 through the whole server: login in clear and under STARTTLS, and sessions in processes of their own. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Conversation, password, TestServer, workerUser } from './support.ts';

const isRoot = process.geteuid!() === 0;
const difficult = 'p"a\\s s';

describe('SMAP1', { timeout: 60_000 }, () => {
  let server: TestServer;
  before(async () => {
    const accounts = [
      { name: 'ann', uid: workerUser.uid },
      { name: 'bob', uid: isRoot ? 50_002 : workerUser.uid, password: difficult },
      { name: 'eve', uid: workerUser.uid, options: 'disableimap=1' },
    ];
    server = await TestServer.start(accounts, {
      imapd: ['SMAP_CAPABILITY=SMAP1', 'IMAP_CAPABILITY="IMAP4rev1 AUTH=PLAIN"'],
    });
    for (const name of ['ann', 'bob'])
      writeFileSync(join(server.home(name), 'Maildir/new/1.a.b'), `Subject: for ${name}\n\nhello\n`);
  });
  after(() => server.stop());

  const use = async (client: Conversation, name: string) => {
    client.send('OPEN INBOX\nFETCH 1 CONTENTS.PEEK=HEADERS(subject)\nLOGOUT\n');
    const text = await client.rest();
    const lines = ['* EXISTS 1', '+OK Folder opened', '{.0} FETCH 1 HEADERS', `Subject: for ${name}`, '.'];
    const end = [
      '+OK Message retrieved.',
      '* BYE Courier-SMAP server shutting down',
      '+OK LOGOUT completed',
      '',
    ];
    assert.deepEqual(text.split('\n'), [...lines, ...end]);
  };

  test('login in clear; what is sent behind it is answered', async () => {
    const client = await Conversation.plain(server.ports.plain);
    assert.match(await client.until(/\r\n/), /^\* OK \[CAPABILITY IMAP4rev1 AUTH=PLAIN SMAP1 KEYWORDS/);
    client.send(`\\SMAP1 LOGIN "ann" "${password}"\n`);
    assert.equal(await client.until(/\n/), '+OK SMAP1 LOGIN Ok.\n');
    await use(client, 'ann');
  });

  test('STARTTLS, a password with quotes, and a session of another uid', async () => {
    const clear = await Conversation.plain(server.ports.plain);
    await clear.until(/\r\n/);
    // What is sent in clear behind STARTTLS must not count.
    clear.send('\\SMAP1 STARTTLS\r\n\\SMAP1 LOGOUT\r\n');
    assert.equal(await clear.until(/\r\n/), '+OK Begin SSL/TLS negotiation now.\r\n');
    const client = await clear.startTls();
    client.send('\\SMAP1 CAPABILITY\r\n');
    assert.doesNotMatch(await client.until(/\+OK CAPABILITY completed\r\n/), /STARTTLS/);
    client.send('\\SMAP1 LOGIN "bob" "p""a\\s s"\r\n');
    assert.equal(await client.until(/\n/), '+OK SMAP1 LOGIN Ok.\n');
    await use(client, 'bob');
    await server.logged(/LOGIN, user=bob, .*, protocol=SMAP1, starttls=1/);
  });

  test('AUTHENTICATE, over TLS, with commands in the same packet 20 times', async () => {
    const token = Buffer.from(`\0bob\0${difficult}`).toString('base64');
    for (let i = 0; i < 20; i++) {
      const client = await Conversation.tls(server.ports.tls);
      await client.until(/\r\n/);
      client.send(`\\SMAP1 AUTHENTICATE PLAIN ${token}\r\nSTATUS CHEAP INBOX\nLOGOUT\n`);
      const text = await client.rest();
      const lines = ['+OK SMAP1 LOGIN Ok.', '* STATUS EXISTS=1 UNSEEN=1', '+OK Folder status retrieved'];
      assert.deepEqual(text.split('\n').slice(0, 3), lines);
      client.close();
    }
  });

  test('a wrong password, and an account that may not use IMAP', async () => {
    const client = await Conversation.plain(server.ports.plain);
    await client.until(/\r\n/);
    client.send('\\SMAP1 LOGIN ann wrong\r\n');
    assert.equal(await client.until(/\r\n/), '-ERR Login failed.\r\n');
    client.send(`\\SMAP1 LOGIN eve ${password}\r\n`);
    assert.match(await client.rest(), /^-ERR .*disabled/);
  });
});
