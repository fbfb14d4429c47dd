/** POP3 sessions on messages of every kind, beside each other, and beside IMAP. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ImapClient } from '../bench/imap-client.ts';
import { toWire } from '../src/message/line-ends.ts';
import { interceptSteps } from '../src/store/steps.ts';
import { InProcessClient } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { InProcessPop3Client, type Pop3ClientOptions } from './support/pop3-client.ts';

function maildirOf(t: TestContext, texts: readonly (string | Uint8Array)[]): string {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-pop3-'));
  t.after(() => rmSync(maildir, { recursive: true, force: true }));
  makeMaildir('empty', maildir);
  texts.forEach((text, i) => {
    writeFileSync(
      join(maildir, `cur/${1000 + i}.m:2,`),
      typeof text === 'string' ? Buffer.from(text, 'latin1') : text,
    );
  });
  return maildir;
}

async function logIn(
  t: TestContext,
  maildir: string,
  options?: Pop3ClientOptions,
): Promise<InProcessPop3Client> {
  const client = new InProcessPop3Client(maildir, options);
  t.after(() => client.close());
  assert.equal(await client.line(), '+OK logged in.');
  return client;
}

async function ask(client: InProcessPop3Client, command: string): Promise<string> {
  client.send(Buffer.from(`${command}\r\n`, 'latin1'));
  return client.line();
}

/** A multi-line reply: its first line, and its text with the dots as they were. */
async function fetch(client: InProcessPop3Client, command: string): Promise<{ first: string; text: string }> {
  const first = await ask(client, command);
  let text = '';
  if (first.startsWith('-')) return { first, text };
  for (;;) {
    const line = await client.line();
    if (line === '.') return { first, text };
    text += `${line.startsWith('.') ? line.slice(1) : line}\r\n`;
  }
}

const kinds: readonly (readonly [kind: string, text: string])[] = [
  ['an ordinary one', 'Subject: a\n\nbody\n'],
  ['a dot at the very beginning', '.a: b\n\nbody\n'],
  ['lines of dots', 'Subject: a\n\n.\n..\n.x\nx.\n.'],
  ['nothing at all', ''],
  ['one line end', '\n'],
  ['no line end at the end', 'Subject: a\n\nend'],
  ['a CR at the end', 'Subject: a\n\nend\r'],
  ['CRLF', 'Subject: a\r\n\r\n.body\r\n'],
  ['mixed line ends', 'Subject: a\r\n\nb\r\r\nc\rd\n'],
  ['no empty line', 'Subject: a\nTo: b\n'],
  ['an empty header', '\nbody\n'],
  ['NUL and 8-bit octets in the body', 'Subject: a\n\n\0\xff\xfe.\n'],
  ['one long line', `Subject: a\n\n${'x'.repeat(70_000)}\n.y\n`],
  ['65,536 octets', `Subject: a\n\n${'.'.repeat(65_523)}\n`],
  ['300,000 octets', `Subject: a\n\n${`.${'x'.repeat(998)}\n`.repeat(300)}`],
  ['more than a megabyte', `Subject: a\n\n${`.${'x'.repeat(998)}\n`.repeat(1300)}end`],
];

for (const [kind, text] of kinds)
  test(`LIST, RETR and TOP agree on a message with ${kind}`, async (t) => {
    const client = await logIn(t, maildirOf(t, [text]));
    const wire = toWire(Buffer.from(text, 'latin1')).toString('latin1');
    const whole = wire.endsWith('\n') ? wire : `${wire}\r\n`;
    assert.equal(await ask(client, 'LIST 1'), `+OK 1 ${whole.length}`);
    const top = await fetch(client, 'TOP 1 1');
    const sent = await fetch(client, 'RETR 1');
    assert.equal(sent.first, `+OK ${whole.length} octets follow.`);
    assert.equal(sent.text, whole);
    assert.equal(await ask(client, 'LIST 1'), `+OK 1 ${whole.length}`);
    const header = whole.startsWith('\r\n') ? '\r\n' : /^.*?\r\n\r\n/s.exec(whole)?.[0];
    const expected =
      header === undefined
        ? `${whole}${whole === '\r\n' ? '' : '\r\n'}`
        : header + (/^[^\n]*\n/.exec(whole.slice(header.length))?.[0] ?? '');
    assert.equal(top.text, expected);
    assert.equal((await fetch(client, 'TOP 1 -1')).text, whole);
  });

test('whatever a message holds, RETR sends it with the size it says', async (t) => {
  const piece = fc.constantFrom('\n', '\r', '\r\n', '.', '\n.', 'a', 'Subject: x', '\u00e9', ' ');
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const text = `Subject: a\n${pieces.join('').replace(/^[^\n]*\u00e9/, '')}`;
      const body = Buffer.from(`${text.includes('\n\n') ? '' : '\n'}${text}`, 'latin1');
      const maildir = maildirOf(t, [body]);
      const client = await logIn(t, maildir);
      client.send(Buffer.from('UTF8\r\n'));
      await client.line();
      const { first, text: got } = await fetch(client, 'RETR 1');
      const wire = toWire(body).toString('latin1');
      const whole = wire.endsWith('\n') ? wire : `${wire}\r\n`;
      assert.deepEqual([first, got], [`+OK ${whole.length} octets follow.`, whole]);
      client.close();
    }),
    { numRuns: 60 },
  );
});

test('a header with 8-bit octets is wrapped until the client says UTF8', async (t) => {
  const text = 'Subject: gr\xc3\xbc\xc3\x9fe\n\n.body\n';
  const client = await logIn(t, maildirOf(t, [text, 'Subject: plain\n\n\xc3\xbc\n']));
  const wrapped = await fetch(client, 'RETR 1');
  assert.equal(wrapped.first, `+OK ${wrapped.text.length} octets follow.`);
  assert.match(wrapped.text, /^From: Mail Delivery Subsystem <postmaster>\r\n/);
  assert.match(wrapped.text, /\r\nContent-Type: message\/global\r\n/);
  assert.ok(wrapped.text.includes(text.replaceAll('\n', '\r\n')));
  assert.equal(await ask(client, 'LIST 1'), `+OK 1 ${toWire(Buffer.from(text, 'latin1')).length}`);
  assert.match((await fetch(client, 'RETR 2')).text, /^Subject: plain/);
  assert.equal(await ask(client, 'UTF8'), '+OK UTF8 enabled');
  assert.equal((await fetch(client, 'RETR 1')).text, text.replaceAll('\n', '\r\n'));
});

test('commands sent together are answered one after the other', async (t) => {
  const client = await logIn(t, maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']));
  const commands = ['NOOP', 'RETR 1', 'STAT', 'DELE 1', 'TOP 2 0', 'LIST', 'UIDL 1', 'RSET', 'NOOP', 'QUIT'];
  client.send(Buffer.from(`${commands.join('\r\n')}\r\n`));
  const lines: string[] = [];
  while (lines.at(-1) !== '+OK Bye-bye.') lines.push(await client.line());
  assert.deepEqual(lines, [
    '+OK Yup.',
    '+OK 17 octets follow.',
    'Subject: a',
    '',
    'A',
    '.',
    '+OK 2 34',
    '+OK Deleted.',
    '+OK headers follow.',
    'Subject: b',
    '',
    '.',
    '+OK scan listing follows',
    '2 17',
    '.',
    '-ERR Invalid message number.',
    '+OK Resurrected.',
    '+OK Yup.',
    '+OK Bye-bye.',
  ]);
});

test('any octets in any pieces are answered line by line, and the session goes on', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nbody\n']);
  const word = fc.constantFrom(
    'RETR',
    'TOP',
    'LIST',
    'UIDL',
    'STAT',
    'DELE',
    'RSET',
    'LANG',
    'USER',
    'last',
    'X'.repeat(9000),
  );
  const argument = fc.oneof(
    fc.constantFrom('1', '0', '-1', '01x', '99999999999999999999', '1 0', ''),
    fc.string(),
  );
  const line = fc
    .oneof(
      fc.tuple(word, argument).map((words) => words.join(' ')),
      fc.string({ unit: 'binary' }),
    )
    .map((text) =>
      Buffer.from(text)
        .toString('latin1')
        .replace(/[\r\n]/g, ''),
    )
    .filter((text) => !/^\s*(quit|capa|lang)/i.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.nat(), async (lines, seed) => {
      const client = await logIn(t, maildir);
      const octets = Buffer.from([...lines, 'NOOP'].map((text) => `${text}\n`).join(''), 'latin1');
      for (let at = 0, size = 1 + (seed % 50); at < octets.length; at += size)
        client.send(Buffer.from(octets.subarray(at, at + size)));
      let replies = 0;
      for (let reply = ''; reply !== '+OK Yup.'; replies++) {
        reply = await client.line();
        assert.match(reply, /^(\+OK|-ERR)/);
        if (/octets follow|headers follow|scan listing|^\+OK$/.test(reply))
          while ((await client.line()) !== '.');
      }
      assert.equal(replies, lines.length + 1);
      client.close();
    }),
    { numRuns: 100 },
  );
});

test('a client that does not read does not make replies pile up', async (t) => {
  const client = await logIn(t, maildirOf(t, [`Subject: a\n\n${'x'.repeat(30_000)}\n`]));
  client.connection.slow = true;
  client.send(Buffer.from('RETR 1\r\n'.repeat(500)));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(client.connection.mostPending < 400_000, `${client.connection.mostPending} octets wait`);
});

test('what is no message is not shown, and nothing is lost', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n']);
  mkdirSync(join(maildir, 'cur/1.directory:2,'));
  symlinkSync('/etc/passwd', join(maildir, 'cur/2.link:2,'));
  symlinkSync('/nonexistent', join(maildir, 'cur/3.dangling'));
  writeFileSync(join(maildir, 'cur/.hidden'), '');
  const client = await logIn(t, maildir);
  assert.equal(await ask(client, 'STAT'), '+OK 1 17');
  client.send(Buffer.from('DELE 1\r\nQUIT\r\n'));
  await client.line();
  assert.equal(await client.line(), '+OK Bye-bye.');
  assert.deepEqual(readdirSync(join(maildir, 'cur')).toSorted(byText), [
    '.hidden',
    '1.directory:2,',
    '2.link:2,',
    '3.dangling',
  ]);
});

test('a list of unique ids that cannot be read refuses the login, and stays', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n']);
  mkdirSync(join(maildir, 'courierpop3dsizelist'));
  const client = new InProcessPop3Client(maildir);
  assert.match(await client.line(), /^-ERR \[SYS\/TEMP\]/);
});

test('QUIT answers when the files are gone from the disk', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']);
  const client = await logIn(t, maildir, { durable: true });
  assert.equal(await ask(client, 'DELE 1'), '+OK Deleted.');
  const steps: string[] = [];
  t.after(() => interceptSteps(undefined));
  interceptSteps((step) => {
    steps.push(step.replace(maildir, ''));
    assert.deepEqual(client.rest(), []);
  });
  assert.equal(await ask(client, 'QUIT'), '+OK Bye-bye.');
  assert.deepEqual(steps, ['unlink /cur/1000.m:2,', 'fsync /cur']);
});

test('QUIT says what could not be removed, and ends the session', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']);
  const client = await logIn(t, maildir);
  client.send(Buffer.from('DELE 1\r\nDELE 2\r\n'));
  await client.line();
  await client.line();
  t.after(() => interceptSteps(undefined));
  interceptSteps((step) => {
    if (step.endsWith('1001.m:2,')) throw Object.assign(new Error('no'), { code: 'EACCES' });
  });
  assert.equal(await ask(client, 'QUIT'), '-ERR [SYS/PERM] Permission denied.');
  assert.ok(client.connection.closed);
  assert.deepEqual(readdirSync(join(maildir, 'cur')), ['1001.m:2,']);
});

test('a message that is deleted over POP3 disappears for IMAP at once', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']);
  const imap = new InProcessClient(maildir);
  t.after(() => imap.close());
  await imap.line();
  await imap.command('1', 'SELECT INBOX');
  imap.send(Buffer.from('2 IDLE\r\n'));
  await imap.line();
  const client = await logIn(t, maildir);
  client.send(Buffer.from('DELE 1\r\nQUIT\r\n'));
  await client.line();
  assert.equal(await client.line(), '+OK Bye-bye.');
  assert.equal(await imap.line(), '* 1 EXPUNGE');
});

test('the same in another process, and what was read over POP3 is \\Seen', { timeout: 30_000 }, async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']);
  const child = spawn(resolve(import.meta.dirname, '../bin/postrider'), ['imapd', maildir], {
    cwd: '/',
    env: { PATH: process.env['PATH'], AUTHENTICATED: 'ann', IMAP_MAILBOX_SANITY_CHECK: '0' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill());
  const imap = await ImapClient.over(child.stdout, child.stdin);
  await imap.run('SELECT INBOX');
  const told: string[] = [];
  let arrived = () => {};
  await imap.idle((line) => {
    told.push(line);
    arrived();
  });
  const until = async (line: string) => {
    while (!told.includes(line))
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
  };
  const client = await logIn(t, maildir);
  await fetch(client, 'RETR 2');
  await until('* 2 FETCH (FLAGS (\\Seen \\Recent))');
  client.send(Buffer.from('DELE 1\r\nQUIT\r\n'));
  await client.line();
  assert.equal(await client.line(), '+OK Bye-bye.');
  await until('* 1 EXPUNGE');
});

test('sessions overlap freely, and their lists stay as they were', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']);
  const [one, other] = [await logIn(t, maildir), await logIn(t, maildir)];
  writeFileSync(join(maildir, 'new/2000.late'), 'Subject: c\n\nC\n');
  // A login comes through the event loop, behind the event of the delivery.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const third = await logIn(t, maildir);
  assert.equal(await ask(third, 'STAT'), '+OK 3 51');
  one.send(Buffer.from('DELE 1\r\nQUIT\r\n'));
  await one.line();
  await one.line();
  assert.equal(await ask(other, 'STAT'), '+OK 2 34');
  assert.equal(await ask(other, 'RETR 1'), "-ERR Can't open the message file - it's gone!");
  assert.match((await fetch(other, 'RETR 2')).text, /^Subject: b/);
  assert.equal(await ask(other, 'RETR 3'), '-ERR Invalid message number.');
  third.close();
  assert.deepEqual(readdirSync(join(maildir, 'cur')).length, 2);
  const list = readFileSync(join(maildir, 'courierpop3dsizelist'), 'latin1').split('\n');
  assert.match(list[0]!, /^\/3 4 \d+$/);
});

test('an account that comes back before LOGIN-DELAY is over is refused', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n']);
  const pop3 = { loginDelaySeconds: 60 };
  const client = await logIn(t, maildir, { pop3 });
  client.send(Buffer.from('CAPA\r\n'));
  const lines: string[] = [];
  while (lines.at(-1) !== '.') lines.push(await client.line());
  assert.ok(lines.includes('LOGIN-DELAY 60'), lines.join());
  client.close();
  const second = new InProcessPop3Client(maildir, { pop3 });
  assert.equal(await second.line(), '-ERR [LOGIN-DELAY] The last login was not long enough ago.');
  const seconds = Date.now() / 1000 - 61;
  utimesSync(join(maildir, 'postrider-pop3login'), seconds, seconds);
  await logIn(t, maildir, { pop3 });
  const fourth = new InProcessPop3Client(maildir, { pop3 });
  assert.match(await fourth.line(), /^-ERR \[LOGIN-DELAY\]/);
  utimesSync(join(maildir, 'postrider-pop3login'), seconds + 10_000, seconds + 10_000);
  await logIn(t, maildir, { pop3 });
});

test('a maildir that was put back from elsewhere is served at once', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n']);
  (await logIn(t, maildir)).close();
  const other = maildirOf(t, ['Subject: b\n\nB\n', 'Subject: c\n\nC\n']);
  rmSync(maildir, { recursive: true });
  cpSync(other, maildir, { recursive: true });
  const client = await logIn(t, maildir);
  assert.equal(await ask(client, 'STAT'), '+OK 2 34');
  assert.match((await fetch(client, 'RETR 1')).text, /^Subject: b/);
});

test('on a full disk there is a message to remove', async (t) => {
  const maildir = maildirOf(t, ['Subject: a\n\nA\n', 'Subject: b\n\nB\n']);
  const full = () =>
    interceptSteps((step) => {
      if (/^(create|write)/.test(step) && !step.includes('courierlock'))
        throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
  t.after(() => interceptSteps(undefined));
  // The folder itself is known already, as on any day before.
  const before = await logIn(t, maildir);
  before.close();
  rmSync(join(maildir, 'courierpop3dsizelist'));
  full();
  const client = await logIn(t, maildir);
  assert.equal(await ask(client, 'STAT'), '+OK 1 17');
  assert.match(await ask(client, 'UIDL 1'), /^\+OK 1 ENOMEM-[0-9A-F]{16}-[0-9A-F]{16}-[0-9A-F]{16}$/);
  assert.equal(await ask(client, 'DELE 1'), '+OK Deleted.');
  assert.equal(await ask(client, 'QUIT'), '+OK Bye-bye.');
  assert.deepEqual(readdirSync(join(maildir, 'cur')), ['1001.m:2,']);
});

function byText(one: string, other: string): number {
  return one < other ? -1 : 1;
}
