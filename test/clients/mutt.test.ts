/** mutt through a tunnel to `postrider imapd`, as Courier's imapd is used. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeCorpus } from '../../bench/corpus.ts';
import { fillMaildir, makeMaildir } from '../../bench/maildir.ts';
import { programMissing } from '../support/peers.ts';

const run = promisify(execFile);
const program = resolve(import.meta.dirname, '../../bin/postrider');

test('mutt opens, flags, saves and copies through a tunnel', {
  skip: programMissing('mutt', 'mutt') ?? false,
  timeout: 30_000,
}, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'postrider-mutt-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const { uid, gid } = userInfo();
  const maildir = join(home, 'Maildir');
  makeMaildir(maildir, { uid, gid });
  fillMaildir(maildir, makeCorpus(30, 3000, 8), { uid, gid });
  const copy = join(home, 'copy.mbox');
  writeFileSync(
    join(home, 'muttrc'),
    [
      `set tunnel="cd ${home} && AUTHENTICATED=u1 ${program} imapd Maildir 2>/dev/null"`,
      'set spoolfile=imap://u1@localhost/INBOX folder=imap://u1@localhost/ record="" sort=mailbox-order',
      'set confirmappend=no confirmcreate=no delete=yes move=no quit=yes wait_key=no header_cache="" sleep_time=0',
      // Tags the first 5 messages and copies them to a file, flags the sixth, deletes the seventh, and leaves.
      `push "<tag-pattern>~m 1-5<enter><tag-prefix><copy-message><kill-line>${copy}<enter><untag-pattern>.<enter>` +
        '<jump>6<enter><flag-message><jump>7<enter><delete-message><sync-mailbox><quit>"',
    ].join('\n'),
  );
  const environment = { ...process.env, HOME: home, TERM: 'vt100', LINES: '40', COLUMNS: '100' };
  // mutt wants a terminal: script(1) gives it one.
  await run(
    'script',
    ['--quiet', '--return', '--command', `mutt -n -F ${join(home, 'muttrc')}`, join(home, 'typescript')],
    {
      env: environment,
      timeout: 25_000,
    },
  );
  const messages = readFileSync(copy, 'latin1').match(/^From /gm);
  assert.equal(messages?.length, 5);
  const names = readdirSync(join(maildir, 'cur')).sort();
  assert.equal(names.length, 29);
  assert.match(names[5]!, /:2,[A-Z]*F/);
});
