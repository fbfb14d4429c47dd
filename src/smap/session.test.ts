import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { testAccount } from '../../test/support/imap-client.ts';
import { loginForTests } from '../../test/support/login-for-tests.ts';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';
import { MemoryConnection } from '../../test/support/memory-connection.ts';
import {
  InProcessSmapClient,
  type InProcessSmapOptions,
  SmapClient,
  type SmapReply,
  smapServices,
} from '../../test/support/smap-client.ts';
import { silentLog } from '../base/log.ts';
import type { HandOver } from '../login/services.ts';
import { SmapSession } from './session.ts';

function maildirFor(t: TestContext, fixture: string): string {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-smap-'));
  makeMaildir(fixture, maildir);
  t.after(() => rmSync(maildir, { recursive: true }));
  return maildir;
}

function clientOf(t: TestContext, fixture: string, options: InProcessSmapOptions = {}): InProcessSmapClient {
  const client = new InProcessSmapClient(maildirFor(t, fixture), options);
  t.after(() => client.close());
  return client;
}

/** A client whose connection the test holds. */
function connect(t: TestContext, maildir: string): { client: SmapClient; connection: MemoryConnection } {
  const connection: MemoryConnection = new MemoryConnection((octets) => client.receive(octets));
  const client = new SmapClient((octets) => connection.send(octets));
  t.after(() => connection.destroy());
  new SmapSession(connection, smapServices(maildir), Buffer.alloc(0), testAccount);
  return { client, connection };
}

test('log lines say who came and what was read', async (t) => {
  const lines: string[] = [];
  const log = { ...silentLog, info: (line: string) => void lines.push(line) };
  const client = clientOf(t, 'two-messages', { log });
  await client.line();
  await client.command('OPEN INBOX');
  await client.command('FETCH 1 CONTENTS.PEEK=HEADERS(SUBJECT) CONTENTS.PEEK=BODY');
  client.send(Buffer.from('LOGOUT\n'));
  await client.line();
  const place = 'user=ann@example.org, ip=[::ffff:127.0.0.1], port=[0]';
  const octets = 'rcvd=76, sent=\\d+, time=\\d';
  assert.equal(lines[0], `LOGIN, ${place}, protocol=SMAP1`);
  assert.match(lines[1]!.replace(place, ''), new RegExp(`^LOGOUT, , headers=13, body=13, ${octets}$`));
});

test('a line of 8191 octets is a command, and one octet more is refused', async (t) => {
  const client = clientOf(t, 'empty');
  await client.line();
  const fits = `NOOP ${'x'.repeat(8191 - 5)}`;
  assert.deepEqual(await client.command(fits), ['+OK Folder updated']);
  assert.deepEqual(await client.command(`${fits}x`), ['-ERR Line too long.']);
  assert.deepEqual(await client.command('NOOP'), ['+OK Folder updated']);
});

test('a large message goes to a slow client in pieces, and comes in pieces', async (t) => {
  const maildir = maildirFor(t, 'empty');
  const message = Buffer.from(`Subject: large\n\n${'0123456789abcde\n'.repeat(1 << 18)}`);
  writeFileSync(join(maildir, 'cur/1000.a:2,'), message);
  const { client, connection } = connect(t, maildir);
  await client.reply();
  await client.run('OPEN INBOX');
  connection.slow = true;
  let reply: SmapReply | undefined;
  const fetching = client.run('FETCH 1 CONTENTS.PEEK=ALL').then((each) => {
    reply = each;
  });
  while (reply === undefined) {
    connection.read();
    await setImmediate();
  }
  await fetching;
  assert.ok(connection.mostPending < 200_000, `${connection.mostPending} octets waited`);
  assert.equal(reply.data[0]!.head, 'FETCH 1 CONTENTS');
  assert.ok(reply.data[0]!.octets.equals(message));
  connection.slow = false;
  connection.read();
  const added = await client.add('FOLDER INBOX ""', message, 100_000);
  assert.equal(added.status, '+OK Message saved');
  await client.run('NOOP');
  const copy = await client.run('FETCH 2 CONTENTS.PEEK=ALL');
  assert.ok(copy.data[0]!.octets.equals(message));
});

test('the session moves with what the client has sent behind its login', async (t) => {
  let moved: HandOver | undefined;
  const login = {
    ...loginForTests(),
    handOver: (_c: unknown, _a: unknown, session: HandOver) => {
      moved = session;
      return 'away' as const;
    },
  };
  const client = clientOf(t, 'empty', { login });
  await client.line();
  client.send(Buffer.from('\\SMAP1 LOGIN ann secret\nLIST\n'));
  while (moved === undefined) await setImmediate();
  assert.equal(moved.protocol, 'smap');
  assert.equal(moved.leftover.toString(), 'LIST\n');
  assert.deepEqual(client.rest(), []);
});

for (const [what, options, last] of [
  ['a broken back end', { temporary: true }, '* BYE Temporary problem, please try again later'],
  ['a login without TLS that needs it', { needsTls: true }, '-ERR STARTTLS required'],
] as const)
  test(`${what} is told`, async (t) => {
    const client = clientOf(t, 'empty', { login: loginForTests(options) });
    await client.line();
    client.send(Buffer.from('\\SMAP1 LOGIN ann secret\n'));
    assert.equal(await client.line(), last);
  });

test('commands behind each other are answered in order, to the last before the end of input', async (t) => {
  const client = clientOf(t, 'two-messages');
  await client.line();
  client.send(Buffer.from('OPEN INBOX\nFETCH 1-2 UID\nNOSUCH\nADD FOLDER INBOX "" {.}\nx\n..\n.\nNOOP\n'));
  client.connection.sendEnd();
  const lines: string[] = [];
  while (lines.at(-1) !== '+OK Folder updated') lines.push(await client.line());
  assert.deepEqual(
    lines.filter((line) => /^[+>-]/.test(line)),
    [
      '+OK Folder opened',
      '+OK Message retrieved.',
      '-ERR Syntax error.',
      '> Go ahead',
      '+OK Message saved',
      '+OK Folder updated',
    ],
  );
});
