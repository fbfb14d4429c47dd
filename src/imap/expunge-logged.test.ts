import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient } from '../../test/support/imap-client.ts';
import { makeMaildir } from '../../test/support/maildir-fixtures.ts';
import { silentLog } from '../base/log.ts';

/** @returns the EXPUNGED lines of the log, without the address, with names relative to the maildir */
async function expungeOne(t: TestContext, settings: { logDeletions: boolean; trash: boolean }) {
  const home = mkdtempSync(join(tmpdir(), 'postrider-expunged-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const maildir = join(home, 'Maildir');
  makeMaildir('two-messages', maildir);
  const lines: string[] = [];
  const client = new InProcessClient(maildir, {
    log: { ...silentLog, info: (line) => void lines.push(line) },
    imap: { logDeletions: settings.logDeletions, moveExpungeToTrash: settings.trash },
    mailboxes: { moveExpungeToTrash: settings.trash },
  });
  t.after(() => client.close());
  await client.line();
  await client.command('1', 'SELECT INBOX');
  await client.command('2', 'STORE 1 +FLAGS (\\Deleted)');
  assert.match((await client.command('3', 'EXPUNGE')).at(-1)!, /^3 OK/);
  const found = settings.trash ? readdirSync(join(maildir, '.Trash/cur')) : [];
  const told = lines
    .filter((line) => line.startsWith('EXPUNGED'))
    .map((line) => line.replace(/ip=.*port=\[\d+\]/, 'PEER').replaceAll(`${maildir}/`, ''));
  return { told, found };
}

test('a message that is removed for good is logged once', async (t) => {
  const { told } = await expungeOne(t, { logDeletions: true, trash: false });
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^EXPUNGED, user=ann@example\.org, PEER, old_name=cur\/[^ ,]+:2,S?T[^ ]*$/);
});

test('one that goes to the Trash is logged with its new name, and again without', async (t) => {
  const { told, found } = await expungeOne(t, { logDeletions: true, trash: true });
  assert.equal(found.length, 1);
  assert.deepEqual(told, [`${told[1]}, new_name=.Trash/cur/${found[0]}`, told[1]]);
  assert.match(told[1]!, /^EXPUNGED, user=ann@example\.org, PEER, old_name=cur\/[^ ]+$/);
});

test('without IMAP_LOG_DELETIONS nothing is logged', async (t) => {
  assert.deepEqual((await expungeOne(t, { logDeletions: false, trash: true })).told, []);
});
