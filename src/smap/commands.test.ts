import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';
import { defaultMailboxesSettings, Mailboxes } from '../access/mailboxes.ts';
import { silentLog } from '../base/log.ts';
import { openAccount } from '../store/account.ts';
import { closeFolder, runCommand, type SmapState } from './commands.ts';

test('folders and messages, as in smap §13.1 and §13.4', async (context) => {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-smap-'));
  makeMaildir('two-messages', maildir);
  const store = { durable: false, keywords: 1, useLocks: true, hostname: 'test', log: silentLog } as const;
  const mailboxes = new Mailboxes(openAccount(maildir, store), defaultMailboxesSettings);
  const state: SmapState = { mailboxes, open: undefined };
  context.after(() => {
    closeFolder(state);
    rmSync(maildir, { recursive: true });
  });
  const ask = async (line: string): Promise<string[]> => {
    const said: string[] = [];
    said.push(await runCommand(state, line, (each) => said.push(each)));
    return said.map((each) => each.replace(/UID=[^"]+/, 'UID=u'));
  };
  const rows: [string, string[]][] = [
    ['FETCH 1 FLAGS', ['-ERR Syntax error.']],
    ['CREATE INBOX "a.b" "q""q"', ['+OK Folder created']],
    ['LIST INBOX a.b', ['* LIST "q""q" "q""q" FOLDER', '+OK LIST completed']],
    ['OPEN inbox', ['-ERR Invalid folder: Invalid argument']],
    ['OPEN INBOX', ['* EXISTS 2', '+OK Folder opened']],
    [
      'STORE 1-2 FLAGS=DELETED,MARKED',
      [1, 2].map((n) => `* FETCH ${n} FLAGS=MARKED,DELETED`).concat('+OK Folder status updated'),
    ],
    ['STORE 2 FLAGS=DELETED KEYWORDS=a', ['-ERR Not available.']],
    ['FETCH 1 FLAGS SIZE', ['-ERR Not available.']],
    ['STORE 2 -FLAGS=DELETED', ['* FETCH 2 FLAGS=MARKED', '+OK Folder status updated']],
    ['COPY 2 "" INBOX a.b q"q', ['* COPY 2 "NEWUID=u"', '+OK Messages copied.']],
    ['EXPUNGE 2 1', ['-ERR Syntax error.']],
    ['EXPUNGE', ['* EXPUNGE 1', '+OK Folder updated']],
    ['NOOP', ['+OK Folder updated']],
    ['FETCH 1 UID FLAGS', ['* FETCH 1 FLAGS=MARKED "UID=u"', '+OK Message retrieved.']],
    ['MOVE 1 "" INBOX a.b q"q', ['* COPY 1 "NEWUID=u"', '* EXPUNGE 1', '+OK Messages copied.']],
    ['STATUS CHEAP INBOX a.b q"q', ['* STATUS EXISTS=2 UNSEEN=2', '+OK Folder status retrieved']],
    ['CLOSE', ['+OK Folder closed']],
  ];
  for (const [line, expected] of rows) assert.deepEqual(await ask(line), expected, line);
});
