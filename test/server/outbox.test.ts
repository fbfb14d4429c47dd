/** The Outbox of the whole server: through a smart host, and through a program that runs as the account. */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { ImapClient } from '../../bench/imap-client.ts';
import { privateFolder, removeFolder } from '../support/private-server.ts';
import { password, TestServer, workerUser } from './support.ts';

const limits = { timeout: 30_000 };
const uid = process.geteuid!() === 0 ? 50_002 : workerUser.uid;
const account = { name: 'bob@example.org', uid };
const message = (to: string) =>
  `From: bob@example.org\r\nTo: ${to}\r\nBcc: eve@example.com\r\nSubject: hi\r\n\r\n.dot\r\nend\r\n`;

/** Logs in and makes the Outbox. */
async function logIn(t: TestContext, server: TestServer): Promise<ImapClient> {
  const client = await ImapClient.connect(server.ports.plain);
  t.after(() => client.close());
  await client.run(`LOGIN ${account.name} ${password}`);
  assert.match((await client.run('CAPABILITY', true)).text, / XCOURIEROUTBOX=INBOX\.Outbox /);
  await client.run('CREATE INBOX.Outbox');
  return client;
}

function append(client: ImapClient, text: string) {
  return client.runWithLiteral('APPEND INBOX.Outbox', Buffer.from(text));
}

test('a smart host gets what is put into the Outbox', limits, async (t) => {
  const received: { from: string; to: string[]; text: string }[] = [];
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo({ address }, _session, done) {
      done(address.startsWith('nobody@') ? new Error('no such user') : null);
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        received.push({ from, to, text: Buffer.concat(chunks).toString() });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => void smtp.listen(0, '127.0.0.1', resolve));
  const { port } = smtp.server.address() as AddressInfo;
  const server = await TestServer.start([account], {
    imapd: ['OUTBOX=.Outbox', 'HEADERFROM=X-IMAP-Sender'],
    postrider: [`OUTBOX_SMTP=127.0.0.1:${port}`],
  });
  t.after(() => server.stop());
  t.after(() => new Promise<void>((resolve) => smtp.close(() => resolve())));
  const client = await logIn(t, server);
  await append(client, message('ann@example.com'));
  assert.deepEqual(received, [
    {
      from: 'bob@example.org',
      to: ['ann@example.com', 'eve@example.com'],
      text: `X-IMAP-Sender: bob@example.org\r\n${message('ann@example.com').replace(/Bcc: .*\r\n/, '')}`,
    },
  ]);
  await assert.rejects(
    append(client, 'To: nobody@example.com\r\n\r\nhi\r\n'),
    /NO \[ALERT\] Unable to send E-mail message: 550 .*no such user/,
  );
  assert.equal(readdirSync(join(server.home(account.name), 'Maildir/.Outbox/cur')).length, 1);
});

test('the program runs as the account, and is told the settings', limits, async (t) => {
  const folder = privateFolder('mailer');
  t.after(() => removeFolder(folder));
  chmodSync(folder, 0o755);
  const program = join(folder, 'mailer');
  writeFileSync(program, '#!/bin/sh\n{ id -u; id -g; echo "$*"; env; } >"$HOME/kept"; cat >/dev/null\n');
  chmodSync(program, 0o755);
  const server = await TestServer.start([account], {
    imapd: ['OUTBOX=.Outbox', `SENDMAIL=${program}`, 'SITE_RELAY=mx.example.org'],
  });
  t.after(() => server.stop());
  const client = await logIn(t, server);
  await append(client, message('ann@example.com'));
  const lines = readFileSync(join(server.home(account.name), 'kept'), 'latin1').split('\n');
  assert.deepEqual(lines.slice(0, 3), [String(uid), String(uid), `-oi -t -f ${account.name}`]);
  for (const variable of ['OUTBOX=.Outbox', 'SITE_RELAY=mx.example.org', `AUTHENTICATED=${account.name}`])
    assert.ok(lines.includes(variable), variable);
});
