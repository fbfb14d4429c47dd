import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { InProcessClient, type InProcessOptions } from '../../test/support/imap-client.ts';
import { loginForTests } from '../../test/support/login-for-tests.ts';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';
import { defaultImapSettings } from './settings.ts';

const { limits } = defaultImapSettings;

function maildirOf(context: TestContext, fixture: string): string {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-session-'));
  context.after(() => rmSync(maildir, { recursive: true, force: true }));
  makeMaildir(fixture, maildir);
  return maildir;
}

async function connect(
  context: TestContext,
  maildir: string,
  options: InProcessOptions = {},
): Promise<InProcessClient> {
  const client = new InProcessClient(maildir, options);
  context.after(() => client.close());
  await client.line();
  return client;
}

const send = (client: InProcessClient, text: string): void => client.send(Buffer.from(text, 'latin1'));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

test('a large message reaches a slow reader through bounded memory', async (context) => {
  const maildir = maildirOf(context, 'empty');
  const file = openSync(join(maildir, 'cur/1000.a:2,S'), 'w');
  writeSync(file, 'Subject: large\n\n');
  ftruncateSync(file, 20_000_000);
  closeSync(file);
  const client = await connect(context, maildir);
  await client.command('1', 'SELECT INBOX');
  const { connection } = client;
  connection.slow = true;
  const before = connection.octetsWritten;
  send(client, '2 FETCH 1 BODY.PEEK[]\r\n');
  while (connection.octetsWritten - before < 20_000_000) {
    await setImmediate();
    connection.read();
  }
  assert.ok(connection.mostPending < 1_000_000, `${connection.mostPending} octets waited`);
  connection.slow = false;
  assert.equal(await client.line(), '* 1 FETCH (BODY[] {20000002}');
});

test('many small messages reach a slow reader through bounded memory', async (context) => {
  const maildir = maildirOf(context, 'empty');
  for (let i = 0; i < 300; i++)
    writeFileSync(join(maildir, `cur/${1000 + i}.a:2,S`), `Subject: x\n\n${'y'.repeat(20_000)}\n`);
  const client = await connect(context, maildir);
  await client.command('1', 'SELECT INBOX');
  const { connection } = client;
  connection.slow = true;
  const before = connection.octetsWritten;
  send(client, '2 FETCH 1:* BODY.PEEK[]\r\n');
  while (connection.octetsWritten - before < 6_000_000) {
    await setImmediate();
    connection.read();
  }
  assert.ok(connection.mostPending < 1_000_000, `${connection.mostPending} octets waited`);
});

test('a client that vanishes in a literal leaves nothing behind', async (context) => {
  const maildir = maildirOf(context, 'two-messages');
  const client = await connect(context, maildir);
  send(client, '1 APPEND INBOX.Sent {200000}\r\n');
  assert.equal(await client.line(), '+ OK');
  send(client, `Subject: x\r\n\r\n${'some'.repeat(25_000)}`);
  await until(() => readdirSync(join(maildir, '.Sent/tmp')).length > 0);
  client.close();
  await until(() => readdirSync(join(maildir, '.Sent/tmp')).length === 0);
  assert.deepEqual(readdirSync(join(maildir, '.Sent/cur')), []);
});

test('an append larger than the limit is refused before its octets are asked for', async (context) => {
  const client = await connect(context, maildirOf(context, 'two-messages'), {
    imap: { limits: { ...limits, appendOctets: 10 } },
  });
  assert.deepEqual(await client.command('1', 'APPEND INBOX {11}'), [
    '1 NO [TOOBIG] The message is too large.',
  ]);
  send(client, '2 APPEND INBOX {11+}\r\n12345678901\r\n3 NOOP\r\n');
  assert.equal(await client.line(), '2 NO [TOOBIG] The message is too large.');
  assert.equal(await client.line(), '3 OK NOOP completed');
  const [reply] = (await client.command('4', 'APPEND INBOX {10+}\r\na: b\r\n\r\ncd')).slice(-1);
  assert.match(reply!, /^4 OK \[APPENDUID /);
});

test('several messages are appended all or not at all', async (context) => {
  const maildir = maildirOf(context, 'two-messages');
  const client = await connect(context, maildir, { imap: { limits: { ...limits, appendOctets: 10 } } });
  send(client, '1 APPEND INBOX.Sent {6+}\r\na: b\r\n {11+}\r\n12345678901\r\n2 NOOP\r\n');
  assert.equal(await client.line(), '1 NO [TOOBIG] The message is too large.');
  assert.equal(await client.line(), '2 OK NOOP completed');
  assert.deepEqual(readdirSync(join(maildir, '.Sent/cur')), []);
  assert.deepEqual(readdirSync(join(maildir, '.Sent/tmp')), []);
});

test('a literal at the limit is taken, and one beyond it refused', async (context) => {
  const client = await connect(context, maildirOf(context, 'empty'), {
    imap: { limits: { ...limits, literalOctets: 5 } },
  });
  assert.deepEqual(
    await client.command('1', 'SELECT {5+}\r\nINBOX'),
    await client.command('1', 'SELECT INBOX'),
  );
  assert.deepEqual(await client.command('2', 'SELECT {6+}\r\nINBOXX'), [
    '2 BAD Error in IMAP command received by server: literal too large.',
  ]);
  assert.deepEqual(await client.command('3', 'NOOP'), ['3 OK NOOP completed']);
});

test('input behind a slow command is bounded by pausing the connection', async (context) => {
  const client = await connect(context, maildirOf(context, 'two-messages'));
  send(client, '1 SELECT INBOX\r\n');
  for (let i = 0; i < 100; i++) send(client, `${i}x NOOP\r\n`.repeat(100));
  assert.ok(client.connection.paused);
  await until(() => !client.connection.paused);
});

test('a silent client is sent away', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const client = new InProcessClient(maildirOf(context, 'empty'));
  await setImmediate();
  context.mock.timers.tick(limits.inactivityMs - 1);
  assert.equal(client.connection.closed, false);
  context.mock.timers.tick(1);
  assert.equal(client.connection.closed, true);
  assert.deepEqual(client.rest(), ['* PREAUTH Ready.', '* BYE Disconnected for inactivity.']);
});

test('a client that does not log in is sent away, whatever it says', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const client = new InProcessClient(maildirOf(context, 'empty'), { login: loginForTests() });
  context.mock.timers.tick(50_000);
  send(client, '1 NOOP\r\n');
  context.mock.timers.tick(9_999);
  assert.equal(client.connection.closed, false);
  context.mock.timers.tick(1);
  assert.deepEqual(client.rest().slice(1), ['1 OK NOOP completed', '* BYE Disconnected for inactivity.']);
});

test('an idle client is told of what the system does not tell of', async (context) => {
  const maildir = maildirOf(context, 'empty');
  const client = await connect(context, maildir, { watch: false, imap: { idlePollMs: 5 } });
  send(client, '1 SELECT INBOX\r\n');
  while (!(await client.line()).startsWith('1 OK'));
  send(client, '2 IDLE\r\n');
  assert.equal(await client.line(), '+ entering ENHANCED idle mode');
  writeFileSync(join(maildir, 'new', '1.a'), 'Subject: x\n\n');
  assert.equal(await client.line(), '* 1 EXISTS');
  assert.equal(await client.line(), '* 1 RECENT');
  send(client, 'DONE\r\n');
  assert.equal(await client.line(), '2 OK IDLE completed');
});

test('a client that sends too fast waits', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  const client = await connect(context, maildirOf(context, 'empty'), {
    imap: { limits: { ...limits, commandsPerSecond: 1 } },
  });
  send(client, 'a NOOP\r\n'.repeat(12));
  await setImmediate();
  const first = client.rest().length;
  assert.ok(first < 12 && first >= 10, `${first} were answered`);
  context.mock.timers.tick(10_000);
  await setImmediate();
  assert.equal(client.rest().length, 12);
});

test('a password in clear is refused where TLS is wanted', async (context) => {
  const client = await connect(context, maildirOf(context, 'empty'), {
    login: loginForTests({ needsTls: true }),
  });
  assert.deepEqual(await client.command('1', 'LOGIN ann secret'), [
    '1 NO [PRIVACYREQUIRED] STARTTLS required',
  ]);
  assert.deepEqual(await client.command('2', 'STARTTLS'), ['2 OK Begin SSL/TLS negotiation now.']);
  assert.deepEqual(await client.command('3', 'LOGIN ann secret'), ['3 OK LOGIN Ok.']);
});

test('commands sent in clear behind STARTTLS are not run', async (context) => {
  const client = await connect(context, maildirOf(context, 'empty'), { login: loginForTests() });
  send(client, '1 STARTTLS\r\n2 LOGIN ann secret\r\n');
  assert.equal(await client.line(), '1 OK Begin SSL/TLS negotiation now.');
  await setImmediate();
  assert.deepEqual(await client.command('3', 'NOOP'), ['3 OK NOOP completed']);
});

test('an authentication daemon that fails ends the connection', async (context) => {
  const client = await connect(context, maildirOf(context, 'empty'), {
    login: loginForTests({ temporary: true }),
  });
  send(client, '1 LOGIN ann secret\r\n');
  assert.equal(await client.line(), '* BYE Temporary problem, please try again later');
  assert.equal(await client.line(), '1 NO [UNAVAILABLE] Temporary problem, please try again later');
  assert.ok(client.connection.closed);
});

test('what came before the end of input is answered', async (context) => {
  const client = await connect(context, maildirOf(context, 'two-messages'));
  send(client, '1 SELECT INBOX\r\n2 NOOP\r\n');
  client.connection.sendEnd();
  for (let line = ''; !line.startsWith('2 '); ) line = await client.line();
  assert.ok(client.connection.closed);
});

test('a message that cannot be opened is told of, and the others are sent', async (context) => {
  const maildir = maildirOf(context, 'two-messages');
  const client = await connect(context, maildir);
  await client.command('1', 'SELECT INBOX');
  rmSync(join(maildir, 'cur/1000.a:2,S'));
  const lines = await client.command('2', 'FETCH 1:2 BODY.PEEK[HEADER.FIELDS (SUBJECT)]');
  assert.deepEqual(lines.slice(0, 2), ['* 2 FETCH (BODY[HEADER.FIELDS ("SUBJECT")] {16}', 'Subject: Two']);
  assert.equal(lines.at(-1), '2 OK [EXPUNGEISSUED] FETCH completed.');
});

test('partials of a large message put together are the message', async (context) => {
  const maildir = maildirOf(context, 'empty');
  const text = Array.from({ length: 30_000 }, (_, i) => `line ${i}`).join('\n');
  writeFileSync(join(maildir, 'cur/1000.a:2,S'), `Subject: x\n\n${text}\n`);
  utimesSync(join(maildir, 'cur/1000.a:2,S'), 1e9, 1e9);
  const client = await connect(context, maildir);
  await client.command('1', 'SELECT INBOX');
  const whole = await client.command('2', 'FETCH 1 BODY.PEEK[]');
  const size = Number(/\{(\d+)\}/.exec(whole[0]!)![1]);
  let together = '';
  for (let offset = 0; offset < size; offset += 40_000) {
    const lines = await client.command('3', `FETCH 1 BODY.PEEK[]<${offset}.40000>`);
    const [, count] = /<\d+> \{(\d+)\}$/.exec(lines[0]!)!;
    together += lines.slice(1).join('\r\n').slice(0, Number(count));
  }
  assert.equal(together, whole.slice(1).join('\r\n').slice(0, size));
});

test('the log line counts octets as Courier does', async (context) => {
  const lines: string[] = [];
  const log = { error() {}, warn() {}, debug() {}, info: (line: string) => lines.push(line) };
  const client = await connect(context, maildirOf(context, 'two-messages'), { log });
  await client.command('1', 'SELECT INBOX');
  await client.command('2', 'FETCH 2 (BODY.PEEK[TEXT]<0.4> BODY.PEEK[HEADER.FIELDS (Subject)])');
  await client.command('3', 'FETCH 2 BODY[TEXT]');
  await client.command('4', 'LOGOUT');
  assert.match(
    lines[0]!,
    /^LOGIN, user=ann@example\.org, ip=\[::ffff:127\.0\.0\.1\], port=\[0\], protocol=IMAP$/,
  );
  assert.match(
    lines[1]!,
    /^LOGOUT, user=ann@example\.org, .* headers=12, body=17, rcvd=\d+, sent=\d+, time=0$/,
  );
});

test('an answer that is complete does not wait for the end of the turn', async (context) => {
  const client = await connect(context, maildirOf(context, 'empty'));
  send(client, '1 NOOP\r\n2 NOOP\r\n');
  assert.equal(client.connection.unflushed, 0);
  assert.equal(await client.line(), '1 OK NOOP completed');
});
