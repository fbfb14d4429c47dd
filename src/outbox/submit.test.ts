import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { type Log, silentLog } from '../base/log.ts';
import { type OutboxSettings, SubmissionError } from './submission.ts';
import { submit } from './submit.ts';

const base: OutboxSettings = { sendmail: '', smartHost: undefined, headerFrom: '', timeoutMs: 5000 };
const message = 'From: a@b\nTo: Ann <ann@x.org>,\n bob@y.org\nBcc: eve@z.org\nSubject: hi\n\n.dot\nend\n';

/** A program of the test that keeps its arguments and its input. */
async function withProgram(
  body: string,
  use: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'));
  try {
    const path = join(folder, 'mailer');
    writeFileSync(path, `#!/bin/sh\ncd '${folder}'\n${body}\n`);
    chmodSync(path, 0o755);
    await use(path, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const submission = (octets = message, sender = 'a@b') => ({
  sender,
  user: 'u',
  octets: [Buffer.from(octets)],
});

test("sendmail gets Courier's arguments and the message with the sender's field", () =>
  withProgram('echo "$@" >args; cat >input', async (sendmail, folder) => {
    await submit(submission(), { ...base, sendmail, headerFrom: 'X-IMAP-Sender' }, silentLog);
    assert.equal(readFileSync(join(folder, 'args'), 'utf8'), '-oi -t -f a@b\n');
    assert.equal(readFileSync(join(folder, 'input'), 'utf8'), `X-IMAP-Sender: a@b\n${message}`);
  }));

test('sendmail without a sender gets no -f', () =>
  withProgram('echo "$@" >args; cat >/dev/null', async (sendmail, folder) => {
    await submit(submission(message, ''), { ...base, sendmail }, silentLog);
    assert.equal(readFileSync(join(folder, 'args'), 'utf8'), '-oi -t\n');
  }));

test("a failing sendmail is logged and its words are the error's", () =>
  withProgram('echo "no such user" >&2; exit 67', async (sendmail) => {
    const lines: string[] = [];
    const log: Log = { ...silentLog, error: (line) => void lines.push(line) };
    const sending = submit(submission('x'.repeat(1_000_000)), { ...base, sendmail }, log);
    await assert.rejects(sending, new SubmissionError('no such user'));
    assert.deepEqual(lines, ['error sending a message, user=u: no such user']);
  }));

test('a sendmail that is not there is an error', async () => {
  await assert.rejects(submit(submission(), { ...base, sendmail: '/nonexistent' }, silentLog), /ENOENT/);
});

test('a sendmail that never ends is ended', () =>
  withProgram('exec sleep 60', async (sendmail) => {
    const sending = submit(submission(), { ...base, sendmail, timeoutMs: 100 }, silentLog);
    await assert.rejects(sending, /SIGTERM/);
  }));

test('a process that a sendmail leaves behind is not waited for', () =>
  withProgram('cat >/dev/null; sleep 30 & exit 0', async (sendmail) => {
    const started = performance.now();
    await submit(submission(), { ...base, sendmail }, silentLog);
    assert.ok(performance.now() - started < 5000);
  }));

interface Received {
  from: string;
  to: string[];
  data: string;
}

async function withSmtp(use: (port: number, received: Received[]) => Promise<void>): Promise<void> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo({ address }, _session, done) {
      done(address.startsWith('nobody@') ? new Error('no such user') : null);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom ? mailFrom.address : '';
        received.push({ from, to: rcptTo.map((r) => r.address), data: Buffer.concat(chunks).toString() });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.server.address() as AddressInfo).port, received);
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

test('a smart host gets all recipients in the envelope and no Bcc in the message', () =>
  withSmtp(async (port, received) => {
    const smartHost = { host: '127.0.0.1', port, secure: false };
    await submit(submission(), { ...base, smartHost }, silentLog);
    const data = message.replace('Bcc: eve@z.org\n', '').replaceAll('\n', '\r\n');
    assert.deepEqual(received, [{ from: 'a@b', to: ['ann@x.org', 'bob@y.org', 'eve@z.org'], data }]);
  }));

for (const [what, text, reason] of [
  ['no recipient', 'Subject: x\n\n', /no recipient/],
  ['a recipient the host refuses', 'To: nobody@x.org\n\nhi\n', /no such user|rejected/],
  ['an endless header', `To: a@b\nX: ${'y'.repeat(1_100_000)}`, /too large/],
] as const)
  test(`a message with ${what} is refused`, () =>
    withSmtp(async (port, received) => {
      const smartHost = { host: '127.0.0.1', port, secure: false };
      await assert.rejects(submit(submission(text), { ...base, smartHost }, silentLog), reason);
      assert.deepEqual(received, []);
    }));
