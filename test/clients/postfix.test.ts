/** The Outbox with Debian's Postfix as the sendmail program, in a folder of its own, and an SMTP server behind it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { defaultImapSettings } from '../../src/imap/settings.ts';
import { findUser } from '../../src/supervisor/privileges.ts';
import { InProcessClient } from '../support/imap-client.ts';
import { makeMaildir } from '../support/maildir-fixtures.ts';
import { programMissing } from '../support/peers.ts';

const daemons = '/usr/lib/postfix/sbin';

function missing(): string | undefined {
  if (!existsSync(daemons)) return programMissing('postfix', 'postfix') ?? `no ${daemons}`;
  return process.geteuid!() === 0 ? undefined : 'Postfix is started by root only';
}

interface Mail {
  from: string;
  to: string[];
  text: string;
}

interface MailServer {
  readonly port: number;
  next(): Promise<Mail>;
  stop(): Promise<void>;
}

/** A server that takes mail. */
async function mailServer(): Promise<MailServer> {
  const mails: Mail[] = [];
  let waiting: ((mail: Mail) => void) | undefined;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom ? mailFrom.address : '';
        mails.push({
          from,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        });
        waiting?.(mails.shift()!);
        waiting = undefined;
        done();
      });
    },
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const next = () =>
    new Promise<Mail>((resolve) => {
      const mail = mails.shift();
      if (mail) resolve(mail);
      else waiting = resolve;
    });
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.server.address() as AddressInfo).port, next, stop };
}

/** Postfix that hands all mail to a port. @returns its sendmail program */
async function startPostfix(t: TestContext, port: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-postfix-'));
  chmodSync(folder, 0o755);
  const owner = findUser('postfix')!;
  for (const name of ['etc', 'queue', 'data']) mkdirSync(join(folder, name), { mode: 0o755 });
  chownSync(join(folder, 'data'), owner.uid, owner.gid);
  writeFileSync(
    join(folder, 'etc/main.cf'),
    [
      'compatibility_level = 3.6',
      'maillog_file_prefixes = /',
      `maillog_file = ${folder}/log`,
      `queue_directory = ${folder}/queue`,
      `data_directory = ${folder}/data`,
      `daemon_directory = ${daemons}`,
      'command_directory = /usr/sbin',
      'mail_owner = postfix',
      'setgid_group = postdrop',
      'myhostname = test.example.net',
      'mydestination =',
      'inet_protocols = ipv4',
      'inet_interfaces = loopback-only',
      `relayhost = [127.0.0.1]:${port}`,
      'smtp_host_lookup = native',
      'alias_maps =',
      'alias_database =',
      '',
    ].join('\n'),
  );
  const services = [
    ['pickup', 'unix', 'n', '60', '1', 'pickup'],
    ['cleanup', 'unix', 'n', '-', '0', 'cleanup'],
    ['qmgr', 'unix', 'n', '300', '1', 'qmgr'],
    ['rewrite', 'unix', '-', '-', '-', 'trivial-rewrite'],
    ['bounce', 'unix', '-', '-', '0', 'bounce'],
    ['defer', 'unix', '-', '-', '0', 'bounce'],
    ['smtp', 'unix', '-', '-', '-', 'smtp'],
    ['error', 'unix', '-', '-', '-', 'error'],
    ['retry', 'unix', '-', '-', '-', 'error'],
    ['postlog', 'unix-dgram', 'n', '-', '1', 'postlogd'],
  ];
  writeFileSync(
    join(folder, 'etc/master.cf'),
    services
      .map(([name, type, privacy, wake, most, program]) =>
        [name, type, privacy, '-', 'n', wake, most, program].join(' '),
      )
      .join('\n') + '\n',
  );
  // Its daemons keep what it writes to open: its end is what counts.
  const postfix = async (verb: string) => {
    const child = spawn('/usr/sbin/postfix', ['-c', join(folder, 'etc'), verb], { stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0, `postfix ${verb}`);
  };
  await postfix('start');
  t.after(async () => {
    await postfix('stop');
    rmSync(folder, { recursive: true });
  });
  const program = join(folder, 'sendmail');
  writeFileSync(program, `#!/bin/sh\nexec /usr/sbin/sendmail -C '${folder}/etc' "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

const skip = missing() ?? false;

test('Postfix sends what is put into the Outbox, without Bcc, and says what it does not take', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const server = await mailServer();
  const sendmail = await startPostfix(t, server.port);
  t.after(server.stop);
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-outbox-'));
  t.after(() => rmSync(maildir, { recursive: true, force: true }));
  makeMaildir('empty', maildir);
  const submission = { ...defaultImapSettings.submission, sendmail, headerFrom: 'X-IMAP-Sender' };
  const imap = new InProcessClient(maildir, { imap: { outbox: '.Outbox', submission } });
  t.after(() => imap.close());
  await imap.line();
  await imap.command('1', 'CREATE INBOX.Outbox');
  const append = async (tag: string, text: string) =>
    (await imap.command(tag, `APPEND INBOX.Outbox {${text.length}+}\r\n${text}`)).at(-1)!;

  const arrived = server.next();
  const header = 'From: ann@example.org\r\nTo: bob@example.com\r\nSubject: hi\r\nBcc: eve@example.com\r\n';
  assert.match(await append('2', `${header}\r\n.dot\r\nend\r\n`), /^2 OK \[APPENDUID/);
  const mail = await arrived;
  assert.equal(mail.from, 'ann@example.org');
  assert.deepEqual(new Set(mail.to), new Set(['bob@example.com', 'eve@example.com']));
  assert.match(mail.text, /^X-IMAP-Sender: ann@example\.org\r\nFrom: ann@example\.org\r\nTo: bob@/m);
  assert.ok(mail.text.endsWith('\r\n\r\n.dot\r\nend\r\n'), mail.text);
  assert.doesNotMatch(mail.text, /Bcc/i);

  const refused = await append('3', 'Subject: nobody\r\n\r\nhi\r\n');
  assert.match(refused, /^3 NO \[ALERT\] .*No recipient addresses found in message header/);
});
