import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient } from '../../test/support/imap-client.ts';
import { loginForTests } from '../../test/support/login-for-tests.ts';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';

function maildirFor(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'postrider-debug-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  makeMaildir('two-messages', join(home, 'Maildir'));
  return join(home, 'Maildir');
}

async function converse(maildir: string): Promise<void> {
  const client = new InProcessClient(maildir, { login: loginForTests(), imap: { debugFile: 'debug' } });
  await client.line();
  client.send(Buffer.from('1 LOGIN ann secret\r\n2 NOOP\r\n'));
  for (let line = ''; !line.startsWith('2 '); ) line = await client.line();
  await client.command('3', 'CREATE "INBOX.\xe9"');
  await client.command('4', 'LOGOUT');
}

test('the conversation after login is appended to the file, without the password', async (t) => {
  const maildir = maildirFor(t);
  writeFileSync(join(maildir, 'debug'), 'before\n');
  await converse(maildir);
  const text = readFileSync(join(maildir, 'debug'), 'utf8').replaceAll(/^20[-\d]+T[:.\d]+Z \[0\] /gm, '');
  assert.deepEqual(text.split('\n'), [
    'before',
    'READ: 2 NOOP',
    'WRITE: 1 OK LOGIN Ok.',
    'WRITE: 2 OK NOOP completed',
    'READ: 3 CREATE "INBOX.\\xe9"',
    ...text.split('\n').filter((line) => line.startsWith('WRITE: 3 ')),
    'READ: 4 LOGOUT',
    'WRITE: * BYE Courier-IMAP server shutting down',
    'WRITE: 4 OK LOGOUT completed',
    '',
  ]);
});

test('a file that is not there is not made', async (t) => {
  const maildir = maildirFor(t);
  await converse(maildir);
  assert.equal(existsSync(join(maildir, 'debug')), false);
});

test('nothing is written through a symbolic link', async (t) => {
  const maildir = maildirFor(t);
  writeFileSync(join(maildir, 'elsewhere'), '');
  symlinkSync('elsewhere', join(maildir, 'debug'));
  await converse(maildir);
  assert.equal(readFileSync(join(maildir, 'elsewhere'), 'utf8'), '');
});
