/** curl as an IMAP client of `postrider serve`. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { fillMaildir, makeMaildir } from '../../bench/maildir.ts';
import { Postrider } from '../../bench/servers/postrider.ts';
import { programMissing } from '../support/peers.ts';

const skip = programMissing('curl', 'curl') ?? false;
const run = promisify(execFile);

async function serve(t: TestContext) {
  const postrider = new Postrider();
  t.after(() => postrider.remove());
  postrider.prepare(1);
  makeMaildir(postrider.maildir(1), postrider.owner);
  const messages = ['one', 'two'].map((subject, i) => ({
    text: `From: ann@example.org\nSubject: ${subject}\n\nBody of ${subject}.\n`,
    dateSeconds: 1_700_000_000 + i,
    flags: i === 0 ? 'S' : '',
  }));
  fillMaildir(postrider.maildir(1), messages, postrider.owner);
  const server = await postrider.start();
  t.after(() => server.stop());
  const curl = async (path: string, ...options: string[]) => {
    const url = `imap://127.0.0.1:${server.port}/${path}`;
    const { stdout } = await run('curl', ['--silent', '--show-error', '--user', 'u1:pass', ...options, url]);
    return stdout;
  };
  return { curl, directory: postrider.directory };
}

test('curl lists, fetches, uploads and searches', { skip, timeout: 30_000 }, async (t) => {
  const { curl, directory } = await serve(t);
  assert.equal(await curl(''), '* LIST (\\Marked \\HasNoChildren) "." "INBOX"\r\n');
  assert.equal(await curl('INBOX;UID=1'), 'From: ann@example.org\r\nSubject: one\r\n\r\nBody of one.\r\n');
  assert.equal(await curl('INBOX;UID=2;SECTION=TEXT'), 'Body of two.\r\n');
  assert.equal(await curl('INBOX?SUBJECT%20two'), '* SEARCH 2\r\n');
  const upload = join(directory, 'upload');
  writeFileSync(upload, 'Subject: three\r\n\r\nuploaded\r\n');
  await curl('INBOX', '--upload-file', upload);
  assert.match(await curl('INBOX?ALL'), /^\* SEARCH 1 2 3\r\n/);
  assert.match(await curl('INBOX;UID=3'), /uploaded/);
  assert.match(await curl('', '--request', 'STATUS INBOX (MESSAGES)'), /MESSAGES 3/);
});

test('curl is told that a password is wrong', { skip, timeout: 30_000 }, async (t) => {
  const { curl } = await serve(t);
  await assert.rejects(curl('', '--user', 'u1:wrong'), { code: 67 });
});
