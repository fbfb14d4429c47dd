/** The login proxy in front of Debian's Courier and of Dovecot. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeMaildir } from '../../bench/maildir.ts';
import { peerKinds } from '../../bench/servers/peers.ts';
import { Conversation, TestServer, workerUser } from '../server/support.ts';
import { startDovecot } from '../support/dovecot.ts';
import { courierMissing, startCourier } from '../support/peers.ts';
import { freePort } from '../support/private-server.ts';

/** Servers with an account u1 that has one message. */
interface Behind {
  readonly imapPort: number;
  readonly pop3Port: number;
}

const message = 'From: ann@example.org\nSubject: behind\n\nBody.\n';

function oneMessage(maildir: string, owner: { uid: number; gid: number }): void {
  makeMaildir(maildir, owner);
  writeFileSync(join(maildir, 'new/1700000000.M1P1.host'), message, { mode: 0o644 });
}

async function courier(t: TestContext): Promise<Behind> {
  const kind = peerKinds().find(({ name }) => name === 'courier')!;
  kind.prepare(1);
  oneMessage(kind.maildir!(1), kind.owner);
  const { port, pop3Port } = await startCourier(t);
  return { imapPort: port, pop3Port: pop3Port! };
}

async function dovecot(t: TestContext): Promise<Behind> {
  const { mail, owner, imapPort, pop3Port } = await startDovecot(t);
  makeMaildir(join(mail, 'u1'), owner);
  oneMessage(join(mail, 'u1/Maildir'), owner);
  return { imapPort, pop3Port };
}

const notRoot = process.geteuid!() === 0 ? false : 'Dovecot can be started by root only';

for (const [name, start, skip] of [
  ['Courier', courier, courierMissing() ?? false],
  ['Dovecot', dovecot, notRoot],
] as const)
  test(`the proxy in front of ${name}`, { skip, timeout: 60_000 }, async (t) => {
    const behind = await start(t);
    const pop3Port = await freePort();
    const account = (user: string, password: string, ...ports: readonly number[]) => ({
      name: user,
      uid: workerUser.uid,
      options: `mailhost=${ports.map((port) => `127.0.0.1:${port}`).join(';')}`,
      password,
    });
    const server = await TestServer.start(
      [
        account('u1', 'pass', behind.imapPort, behind.pop3Port),
        account('u2', 'not the same there', behind.imapPort),
      ],
      {
        imapd: ['IMAP_PROXY=1', 'IMAP_PROXY_FOREIGN=1'],
        pop3d: ['POP3_PROXY=1', 'ADDRESS=127.0.0.1', `PORT=${pop3Port}`],
      },
    );
    t.after(() => server.stop());

    const client = await Conversation.plain(server.ports.plain);
    await client.until(/\r\n/);
    client.send('a LOGIN u1 pass\r\nb SELECT INBOX\r\nc UID FETCH 1 (BODY.PEEK[])\r\n');
    const opened = await client.until(/^c OK.*\r\n/m);
    assert.match(opened, /^\* CAPABILITY IMAP4rev1 .*\r\na OK connected to proxy server\.\r\n/);
    assert.match(opened, /\* 1 EXISTS[\s\S]*b OK/);
    assert.ok(opened.includes(`BODY[] {${message.length + 4}}\r\n${message.replaceAll('\n', '\r\n')})`));
    assert.match(await client.command('d', 'LOGOUT'), /\* BYE /);
    await client.rest();

    // The first POP3 host is an IMAP server.
    const popper = await Conversation.plain(pop3Port);
    popper.send('USER u1\r\nPASS pass\r\nRETR 1\r\nQUIT\r\n');
    const retrieved = await popper.rest();
    assert.match(retrieved, /\+OK Connected to proxy server\.\r\n\+OK \d+ octets/);
    assert.ok(retrieved.includes(`\r\n${message.replaceAll('\n', '\r\n')}.\r\n+OK`));

    const refused = await Conversation.plain(server.ports.plain);
    await refused.until(/\r\n/);
    assert.match(await refused.command('a', 'LOGIN u2 "not the same there"'), /^a NO .*Login failed\./);
    refused.close();
    await server.logged(/WARN: Login to 127\.0\.0\.1 failed/);
    await server.logged(/INFO: LOGIN FAILED, user=u2, /);
  });
