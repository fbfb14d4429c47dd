/** The Outbox (imap-server §14) as a client sees it, with a mail program of the test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ImapClient } from '../bench/imap-client.ts';
import { defaultImapSettings } from '../src/imap/settings.ts';
import type { OutboxSettings } from '../src/outbox/submission.ts';
import { InProcessClient } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';

const message = 'From: ann@example.org\r\nTo: bob@example.org\r\nSubject: hi\r\n\r\nBody\r\n';
const stored = message.replaceAll('\r\n', '\n');

interface Scene {
  readonly home: string;
  readonly maildir: string;
  /** The program's folder. */
  readonly folder: string;
  readonly program: string;
  /** What has been sent. */
  sent(): string[];
  outbox(): string[];
  journal(): string[];
  /** Resolves when the program has made a file of that name. */
  made(name: string): Promise<void>;
}

/** By default the program keeps what it gets, each in a file of its own. */
function scene(t: TestContext, body = 'cat >sent.$$', fixture = 'two-messages'): Scene {
  const home = mkdtempSync(join(tmpdir(), 'postrider-outbox-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const maildir = join(home, 'Maildir');
  makeMaildir(fixture, maildir);
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, '.Outbox', part), { recursive: true });
  const folder = join(home, 'program');
  mkdirSync(folder);
  const program = join(folder, 'mailer');
  writeFileSync(program, `#!/bin/sh\ncd '${folder}'\necho "$@" >args\n${body}\n`);
  chmodSync(program, 0o755);
  const texts = (path: string) => readdirSync(path).map((name) => readFileSync(join(path, name), 'latin1'));
  return {
    home,
    maildir,
    folder,
    program,
    sent: () =>
      readdirSync(folder)
        .filter((name) => name.startsWith('sent'))
        .map((name) => readFileSync(join(folder, name), 'latin1')),
    outbox: () => texts(join(maildir, '.Outbox/cur')),
    journal: () =>
      existsSync(join(maildir, 'postrider-outbox')) ? readdirSync(join(maildir, 'postrider-outbox')) : [],
    made: (name) =>
      new Promise((resolve) => {
        const watcher = watch(folder, look);
        function look(): void {
          if (!existsSync(join(folder, name))) return;
          watcher.close();
          resolve();
        }
        look();
      }),
  };
}

async function client(
  t: TestContext,
  { maildir, program }: Scene,
  submission: Partial<OutboxSettings> = {},
): Promise<InProcessClient> {
  const settings = { ...defaultImapSettings.submission, sendmail: program, ...submission };
  const imap = new InProcessClient(maildir, { imap: { outbox: '.Outbox', submission: settings } });
  t.after(() => imap.close());
  await imap.line();
  return imap;
}

async function last(replies: Promise<string[]>): Promise<string> {
  return (await replies).at(-1)!;
}

const appendOf = (text = message) => `APPEND INBOX.Outbox {${text.length}+}\r\n${text}`;

test('what is appended to the Outbox is sent, and stored as it came', async (t) => {
  const it = scene(t);
  const imap = await client(t, it, { headerFrom: 'X-IMAP-Sender' });
  assert.match((await imap.command('1', 'CAPABILITY'))[0]!, / XCOURIEROUTBOX=INBOX\.Outbox /);
  assert.match(await last(imap.command('2', appendOf())), /^2 OK \[APPENDUID \d+ 1\] APPEND Ok\.$/);
  assert.deepEqual(it.sent(), [`X-IMAP-Sender: ann@example.org\n${stored}`]);
  assert.equal(readFileSync(join(it.folder, 'args'), 'latin1'), '-oi -t -f ann@example.org\n');
  assert.deepEqual(it.outbox(), [stored]);
  assert.deepEqual(it.journal(), []);
});

test('other folders send nothing', async (t) => {
  const it = scene(t);
  const imap = await client(t, it);
  assert.match(await last(imap.command('1', appendOf().replace('Outbox', 'Sent'))), /^1 OK /);
  assert.match(await last(imap.command('2', 'CREATE INBOX.Outbox.Old')), /^2 OK /s);
  assert.match(await last(imap.command('3', appendOf().replace('Outbox', 'Outbox.Old'))), /^3 OK /s);
  assert.deepEqual(it.sent(), []);
});

test('a message that is refused is not stored, and can be sent again', async (t) => {
  const it = scene(t, 'if [ -f ready ]; then cat >sent.$$; else echo "no such\nuser" >&2; exit 67; fi');
  const imap = await client(t, it);
  assert.equal(
    await last(imap.command('1', appendOf())),
    '1 NO [ALERT] Unable to send E-mail message: no such/user',
  );
  assert.deepEqual([it.outbox(), it.journal()], [[], []]);
  assert.deepEqual(readdirSync(join(it.maildir, '.Outbox/tmp')), []);
  writeFileSync(join(it.folder, 'ready'), '');
  assert.match(await last(imap.command('2', appendOf())), /^2 OK /s);
  assert.deepEqual(it.sent(), [stored]);
});

test('a mail program that does not end is an error within the limit', async (t) => {
  const it = scene(t, 'exec sleep 60');
  const imap = await client(t, it, { timeoutMs: 200 });
  assert.match(
    await last(imap.command('1', appendOf())),
    /^1 NO \[ALERT\] .*did not end within 0\.2 seconds/,
  );
  assert.deepEqual([it.outbox(), it.journal()], [[], []]);
  assert.match(await last(imap.command('2', 'NOOP')), /^2 OK /s);
});

for (const verb of ['COPY', 'MOVE'])
  test(`${verb} sends one message, and several only by the setting`, async (t) => {
    const it = scene(t);
    const imap = await client(t, it);
    await imap.command('1', 'SELECT INBOX');
    assert.equal(
      await last(imap.command('2', `${verb} 1:2 INBOX.Outbox`)),
      '2 NO [ALERT] Only one message may be sent at a time.',
    );
    assert.deepEqual(it.sent(), []);
    const one = await imap.command('3', `${verb} 1 INBOX.Outbox`);
    assert.match(one.join('\n'), /COPYUID \d+ 1 1\]/);
    assert.match(one.at(-1)!, /^3 OK /);
    assert.deepEqual(it.sent(), it.outbox());
    assert.equal(it.sent().length, 1);
    const other = await client(t, it, { multipleSend: true });
    await other.command('1', 'SELECT INBOX');
    assert.match((await other.command('2', `${verb} 1:* INBOX.Outbox`)).join('\n'), /2 OK /s);
    assert.equal(it.sent().length, verb === 'COPY' ? 3 : 2);
    assert.equal(it.outbox().length, verb === 'COPY' ? 3 : 2);
  });

test('several messages in one APPEND are sent by the setting only', async (t) => {
  const it = scene(t);
  const two = `${appendOf()} {${message.length}+}\r\n${message.replace('hi', 'ho')}`;
  const imap = await client(t, it);
  assert.match(await last(imap.command('1', two)), /^1 NO \[ALERT\] Only one message may be sent/);
  assert.match(await last(imap.command('2', 'NOOP')), /^2 OK /s);
  assert.deepEqual([it.sent(), it.outbox()], [[], []]);
  const other = await client(t, it, { multipleSend: true });
  assert.match(await last(other.command('1', two)), /^1 OK \[APPENDUID \d+ 1:2\]/);
  assert.equal(it.sent().length, 2);
});

test('after a failure in the middle only what is missing is sent', async (t) => {
  const it = scene(
    t,
    'cat >now; if grep -q Two now && [ ! -f ready ]; then echo full >&2; exit 1; fi; mv now sent.$$',
  );
  const imap = await client(t, it, { multipleSend: true });
  await imap.command('1', 'SELECT INBOX');
  assert.match(
    await last(imap.command('2', 'COPY 1:2 INBOX.Outbox')),
    /^2 NO \[ALERT\] .*: full 1 of 2 messages have been sent, and none is stored\.$/,
  );
  assert.deepEqual([it.sent().length, it.outbox().length], [1, 0]);
  writeFileSync(join(it.folder, 'ready'), '');
  const replies = await imap.command('3', 'COPY 1:2 INBOX.Outbox');
  assert.match(replies.join('\n'), /^\* OK \[ALERT\] This message had been sent already\..*3 OK /s);
  assert.deepEqual([it.sent().length, it.outbox().length], [2, 2]);
  assert.deepEqual(it.journal(), []);
});

test('a message over the quota is not sent', async (t) => {
  const it = scene(t);
  writeFileSync(join(it.maildir, 'maildirsize'), '2C\n100 2\n');
  const imap = await client(t, it);
  assert.match(
    await last(imap.command('1', appendOf())),
    /^1 NO \[OVERQUOTA\] You exceeded your mail quota\./,
  );
  assert.deepEqual([it.sent(), it.outbox()], [[], []]);
});

test('a message that was sent and could not be stored is stored the next time, and not sent', async (t) => {
  const it = scene(t, 'mv ../Maildir/.Outbox/cur ../away; cat >sent.$$');
  const imap = await client(t, it);
  assert.match(
    await last(imap.command('1', appendOf())),
    /^1 NO \[ALERT\] The message has been sent, but it could not be stored\./,
  );
  mkdirSync(join(it.maildir, '.Outbox/cur'));
  const replies = await imap.command('2', appendOf());
  assert.match(replies.join('\n'), /had been sent already\..*2 OK /s);
  assert.deepEqual([it.sent(), it.outbox(), it.journal()], [[stored], [stored], []]);
});

test('a client that went away while its message was sent does not send it twice', async (t) => {
  const it = scene(t, 'mkfifo gate; touch waiting; read x <gate; cat >sent.$$; touch done');
  const first = await client(t, it);
  first.send(Buffer.from(`1 ${appendOf()}\r\n`));
  await it.made('waiting');
  first.close();
  const second = await client(t, it);
  assert.match(await last(second.command('1', appendOf())), /^1 NO \[INUSE\] This message is being sent/);
  writeFileSync(join(it.folder, 'gate'), 'go\n');
  await it.made('done');
  for (;;) {
    const replies = (await second.command('2', appendOf())).join('\n');
    if (replies.startsWith('2 NO [INUSE]')) continue;
    assert.match(replies, /had been sent already\..*2 OK /s);
    break;
  }
  assert.deepEqual(it.sent(), [stored]);
});

test('a killed server leaves a whole message with the mail program, and says what it does not know', {
  timeout: 30_000,
}, async (t) => {
  const it = scene(t, 'mkfifo gate; touch waiting; read x <gate; cat >sent.$$; touch done');
  const server = () => {
    const child = spawn(resolve(import.meta.dirname, '../bin/postrider'), ['imapd', it.maildir], {
      cwd: it.home,
      env: {
        PATH: process.env['PATH'],
        AUTHENTICATED: 'ann@example.org',
        OUTBOX: '.Outbox',
        SENDMAIL: it.program,
        IMAP_CHECK_SANITY: '0',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => child.kill());
    return child;
  };
  const large = `${message}${'x'.repeat(70)}\r\n`.repeat(5000);
  const first = server();
  const imap = await ImapClient.over(first.stdout, first.stdin);
  imap.run(appendOf(large)).catch(() => {});
  await it.made('waiting');
  first.kill('SIGKILL');
  await once(first, 'exit');
  writeFileSync(join(it.folder, 'gate'), 'go\n');
  await it.made('done');
  assert.deepEqual(it.sent(), [large.replaceAll('\r\n', '\n')]);
  const second = server();
  const again = await ImapClient.over(second.stdout, second.stdin);
  await assert.rejects(again.run(appendOf(large)), /may have been sent or not/);
  assert.equal(it.sent().length, 1);
  assert.deepEqual(it.journal(), []);
});
