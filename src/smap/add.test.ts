/** ADD: what is sent, what is stored, and what happens when one of them cannot be (smap §5.8). */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';
import { InProcessSmapClient } from '../../test/support/smap-client.ts';
import { defaultImapSettings } from '../imap/settings.ts';

interface Case {
  readonly maildir: string;
  readonly client: InProcessSmapClient;
  /** What the mailer was given; '' if it did not run. */
  given(file: 'args' | 'input'): string;
}

/** A session whose mailer keeps its arguments and its input. @param body  what else the mailer does */
async function withMailer(t: TestContext, body = '', headerFrom = ''): Promise<Case> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-smap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const maildir = join(folder, 'Maildir');
  makeMaildir('empty', maildir);
  const sendmail = join(folder, 'mailer');
  writeFileSync(sendmail, `#!/bin/sh\ncd '${folder}'\necho "$@" >args\ncat >input\n${body}\n`);
  chmodSync(sendmail, 0o755);
  const submission = { ...defaultImapSettings.submission, sendmail, headerFrom };
  const client = new InProcessSmapClient(maildir, { imap: { submission } });
  t.after(() => client.close());
  await client.line();
  const given = (file: string) =>
    existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '';
  return { maildir, client, given };
}

const message = '{.}\nSubject: sent\n\nhi\n.';
const saved = (lines: readonly string[]) => lines.map((line) => line.replace(/UID=[^"]+/, 'UID=u'));

test('a message is stored and sent, with the sender and the recipients in their order', async (t) => {
  const { client, given, maildir } = await withMailer(t, '', 'X-IMAP-Sender');
  const words =
    'ADD FOLDER INBOX "" MAILFROM=me@example.com RCPTTO=b@example.com "RCPTTO=a@example.com" NOTIFY=success,fail FLAGS=SEEN';
  assert.deepEqual(await client.command(words), ['+OK FLAGS set']);
  const told = ['> Go ahead', '* ADD "UID=u"', '+OK Message saved'];
  assert.deepEqual(saved(await client.command(`ADD ${message}`)), told);
  assert.equal(given('args'), '-oi -f me@example.com -N success,fail b@example.com a@example.com\n');
  assert.equal(given('input'), 'X-IMAP-Sender: ann@example.org\nSubject: sent\n\nhi\n');
  const [name] = readdirSync(join(maildir, 'cur'));
  assert.match(name!, /,S=18:2,S$/);
  assert.equal(readFileSync(join(maildir, 'cur', name!), 'utf8'), 'Subject: sent\n\nhi\n');
  assert.deepEqual(await client.command('ADD {.}\nx\n.'), [
    '-ERR Neither a folder nor a recipient for the message.',
  ]);
});

for (const [words, args] of [
  ['RCPTTO=a@example.com', '-oi -f ann@example.org a@example.com\n'],
  ['MAILFROM= RCPTTO=a@example.com', '-oi -f  a@example.com\n'],
] as const)
  test(`without a folder ${words} is only sent`, async (t) => {
    const { client, given, maildir } = await withMailer(t);
    const told = ['> Go ahead', '+OK Message saved'];
    assert.deepEqual(await client.command(`ADD ${words} ${message}`), told);
    assert.equal(given('args'), args);
    for (const directory of ['cur', 'new', 'tmp'])
      assert.deepEqual(readdirSync(join(maildir, directory)), [], directory);
  });

test('what the mailer refuses is not stored, and its words are told; RSET forgets it', async (t) => {
  const { client, maildir } = await withMailer(t, 'echo "550 no such user"; echo second >&2; exit 67');
  const told = await client.command(`ADD FOLDER INBOX "" RCPTTO=bad@example.com ${message}`);
  assert.match(told.at(-1)!, /^-ERR (?:550 no such user\/second|second\/550 no such user)$/);
  assert.deepEqual(readdirSync(join(maildir, 'cur')), []);
  assert.deepEqual(await client.command('RSET'), ['+OK Reset']);
  assert.deepEqual(await client.command('ADD {.}'), [
    '-ERR Neither a folder nor a recipient for the message.',
  ]);
});

test('what does not fit into the quota is neither sent nor stored', async (t) => {
  const { client, given, maildir } = await withMailer(t);
  writeFileSync(join(maildir, 'maildirsize'), `10S\n${'0'.padStart(12)} ${'0'.padStart(12)}\n`);
  const told = await client.command(`ADD FOLDER INBOX "" RCPTTO=a@example.com ${message}`);
  assert.deepEqual(told, ['> Go ahead', '-ERR No space left on device']);
  assert.equal(given('args'), '');
  assert.deepEqual(readdirSync(join(maildir, 'cur')), []);
});

test('quota is charged once by MOVE, and by ADD', async (t) => {
  const { client, maildir } = await withMailer(t);
  writeFileSync(join(maildir, 'maildirsize'), `40S,2C\n${'0'.padStart(12)} ${'0'.padStart(12)}\n`);
  for (let i = 0; i < 2; i++)
    assert.equal((await client.command(`ADD FOLDER INBOX "" ${message}`)).at(-1), '+OK Message saved');
  assert.equal(
    (await client.command(`ADD FOLDER INBOX "" ${message}`)).at(-1),
    '-ERR No space left on device',
  );
  await client.command('CREATE INBOX a');
  await client.command('OPEN INBOX');
  const full = '-ERR Cannot copy messages: No space left on device';
  assert.deepEqual(await client.command('COPY 1 "" INBOX a'), [full]);
  assert.equal((await client.command('MOVE 1-2 "" INBOX a')).at(-1), '+OK Messages copied.');
});

test('a message that is too large is read to its end and refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-smap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  makeMaildir('empty', folder);
  const limits = { ...defaultImapSettings.limits, appendOctets: 18 };
  const client = new InProcessSmapClient(folder, { imap: { limits } });
  t.after(() => client.close());
  await client.line();
  const fits = await client.command(`ADD FOLDER INBOX "" ${message}`);
  assert.equal(fits.at(-1), '+OK Message saved');
  const larger = await client.command(`ADD FOLDER INBOX "" {.}\nSubject: sent\n\nhi!\n.`);
  assert.equal(larger.at(-1), '-ERR File too large');
  assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  assert.deepEqual(await client.command('NOOP'), ['+OK Folder updated']);
});
