import assert from 'node:assert/strict';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { type Log, silentLog } from '../base/log.ts';
import { type OutboxSettings, SubmissionError } from './submission.ts';
import { submit } from './submit.ts';

const base: OutboxSettings = {
  sendmail: '',
  smartHost: undefined,
  headerFrom: '',
  multipleSend: false,
  timeoutMs: 5000,
};
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

/** Submits a message out of a file that has no name any more, as the server does. */
async function send(
  settings: Partial<OutboxSettings>,
  { octets = message, sender = 'a@b', log = silentLog } = {},
): Promise<readonly string[]> {
  const path = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'message');
  writeFileSync(path, octets);
  const descriptor = openSync(path, 'r');
  rmSync(dirname(path), { recursive: true });
  try {
    const submission = { sender, user: 'u', descriptor, environment: { AUTHENTICATED: 'u' } };
    return (await submit(submission, { ...base, ...settings }, log)).refused;
  } finally {
    closeSync(descriptor);
  }
}

test("sendmail gets Courier's arguments, the message, and who sends it", () =>
  withProgram(
    'echo "$@" >args; cat >input; echo "$AUTHENTICATED $PATH" >environment',
    async (sendmail, folder) => {
      await send({ sendmail });
      assert.equal(readFileSync(join(folder, 'args'), 'utf8'), '-oi -t -f a@b\n');
      assert.equal(readFileSync(join(folder, 'input'), 'utf8'), message);
      assert.match(readFileSync(join(folder, 'environment'), 'utf8'), /^u \/usr\/local\/sbin:/);
    },
  ));

test('sendmail without a sender gets no -f', () =>
  withProgram('echo "$@" >args; cat >/dev/null', async (sendmail, folder) => {
    await send({ sendmail }, { sender: '' });
    assert.equal(readFileSync(join(folder, 'args'), 'utf8'), '-oi -t\n');
  }));

test("a failing sendmail is logged and its words are the error's", () =>
  withProgram('echo "no such user" >&2; exit 67', async (sendmail) => {
    const lines: string[] = [];
    const log: Log = { ...silentLog, error: (line) => void lines.push(line) };
    const sending = send({ sendmail }, { octets: 'x'.repeat(1_000_000), log });
    await assert.rejects(sending, new SubmissionError('no such user'));
    assert.deepEqual(lines, ['error sending a message, user=u: no such user']);
  }));

test('a sendmail that is not there is an error', async () => {
  await assert.rejects(send({ sendmail: '/nonexistent' }), /ENOENT/);
});

test('a sendmail that never ends is ended, with all it has started', () =>
  withProgram('sleep 60 & echo $! >child; wait', async (sendmail, folder) => {
    const sending = send({ sendmail, timeoutMs: 300 });
    await assert.rejects(sending, /did not end within 0.3 seconds/);
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    assert.ok(await hasEnded(child), 'its child goes on');
  }));

test('a sendmail that does not care for SIGTERM is killed', () =>
  withProgram("trap '' TERM; while :; do sleep 0.1; done", async (sendmail) => {
    await assert.rejects(send({ sendmail, timeoutMs: 300 }), /did not end within/);
  }));

test('a process that a sendmail leaves behind is not waited for', () =>
  withProgram('cat >/dev/null; sleep 30 & echo $! >child; exit 0', async (sendmail, folder) => {
    const started = performance.now();
    await send({ sendmail });
    assert.ok(performance.now() - started < 5000);
    process.kill(Number(readFileSync(join(folder, 'child'), 'utf8')));
  }));

/** Whether a process is gone, or a zombie that nobody has taken leave of; waits for it a little. */
async function hasEnded(pid: number): Promise<boolean> {
  for (const limit = Date.now() + 3000; Date.now() < limit; await nextTurn()) {
    try {
      if (/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) return true;
    } catch {
      return true;
    }
  }
  return false;
}

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
        const data = Buffer.concat(chunks).toString();
        if (data.includes('Subject: spam'))
          return done(Object.assign(new Error('it smells of spam'), { responseCode: 554 }));
        received.push({ from, to: rcptTo.map((r) => r.address), data });
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
    assert.deepEqual(await send({ smartHost }), []);
    const data = message.replace('Bcc: eve@z.org\n', '').replaceAll('\n', '\r\n');
    assert.deepEqual(received, [{ from: 'a@b', to: ['ann@x.org', 'bob@y.org', 'eve@z.org'], data }]);
  }));

test('a message in a file with CRLF is sent as it is', () =>
  withSmtp(async (port, received) => {
    const smartHost = { host: '127.0.0.1', port, secure: false };
    await send({ smartHost }, { octets: 'Bcc: a@b\r\nTo: c@d\r\n\r\nhi\r\n' });
    assert.deepEqual(received[0]?.data, 'To: c@d\r\n\r\nhi\r\n');
    assert.deepEqual(received[0]?.to, ['a@b', 'c@d']);
  }));

test('recipients of a message that is sent again are those it is sent again to', () =>
  withSmtp(async (port, received) => {
    const smartHost = { host: '127.0.0.1', port, secure: false };
    await send({ smartHost }, { octets: 'Resent-To: new@x.org\nTo: old@x.org\n\nhi\n' });
    assert.deepEqual(received[0]?.to, ['new@x.org']);
  }));

test('a smart host that refuses one of two recipients is named with its reason', () =>
  withSmtp(async (port, received) => {
    const smartHost = { host: '127.0.0.1', port, secure: false };
    const refused = await send({ smartHost }, { octets: 'To: nobody@x.org, ann@x.org\n\nhi\n' });
    assert.match(refused.join(), /^nobody@x.org: 550 .*no such user$/);
    assert.deepEqual(received[0]?.to, ['ann@x.org']);
  }));

for (const [what, text, reason] of [
  ['no recipient', 'Subject: x\n\n', /no recipient/],
  ['a recipient the host refuses', 'To: nobody@x.org\n\nhi\n', /no such user/],
  ['content the host refuses', 'To: a@b\nSubject: spam\n\nhi\n', /^554 .*smells of spam$/],
  ['an endless header', `To: a@b\nX: ${'y'.repeat(1_100_000)}`, /too large/],
] as const)
  test(`a message with ${what} is refused`, () =>
    withSmtp(async (port, received) => {
      const smartHost = { host: '127.0.0.1', port, secure: false };
      await assert.rejects(send({ smartHost }, { octets: text }), { message: reason });
      assert.deepEqual(received, []);
    }));

for (const [what, serve, reason] of [
  ['says nothing', () => undefined, /did not take the message within 0.3 seconds/],
  ['closes at once', (socket: Socket) => void socket.end(), /^127.0.0.1: /],
  [
    'talks nonsense',
    (socket: Socket) => void socket.end('HTTP/1.1 400 Bad\r\n\r\n'),
    /HTTP|Invalid greeting/,
  ],
  ['never ends its greeting', (socket: Socket) => void socket.write('220-hello\r\n'), /did not take/],
] as const)
  test(`a smart host that ${what} is an error`, async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      serve(socket);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const smartHost = { host: '127.0.0.1', port, secure: false };
      await assert.rejects(send({ smartHost, timeoutMs: 300 }), { message: reason });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
