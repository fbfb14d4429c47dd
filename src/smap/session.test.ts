import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { loginForTests } from '../../test/support/login-for-tests.ts';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';
import { MemoryConnection } from '../../test/support/memory-connection.ts';
import { defaultMailboxesSettings, Mailboxes } from '../access/mailboxes.ts';
import { silentLog } from '../base/log.ts';
import { openAccount } from '../store/account.ts';
import { SmapSession } from './session.ts';

test('before login, and what is refused', async (context) => {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-smap-'));
  makeMaildir('two-messages', maildir);
  context.after(() => rmSync(maildir, { recursive: true }));
  const store = { durable: false, keywords: 1, useLocks: true, hostname: 'test', log: silentLog } as const;
  let said = '';
  let ended: () => void;
  const over = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const connection = new MemoryConnection((octets) => {
    said += octets.toString();
    if (said.includes('LOGOUT')) ended();
  });
  new SmapSession(
    connection,
    {
      log: silentLog,
      inactivityMs: 60_000,
      login: loginForTests(),
      capabilityText: () => 'IMAP4rev1 SMAP1',
      openMailboxes: () => new Mailboxes(openAccount(maildir, store), defaultMailboxesSettings),
    },
    Buffer.from('\\SMAP1 CAPABILITY\r\n\\SMAP1 NOOP\n\\SMAP1 FOO\r\n\\SMAP1 LOGOUT\r\n'),
  );
  await Promise.race([over, setTimeout(3000, undefined, { ref: false })]);
  assert.deepEqual(said.split('\r\n'), [
    '* CAPABILITY IMAP4rev1 SMAP1',
    '+OK CAPABILITY completed',
    '+OK NOOP completed',
    '-ERR Error in IMAP command received by server.',
    '* BYE Courier-IMAP server shutting down',
    '+OK LOGOUT completed',
    '',
  ]);
});
