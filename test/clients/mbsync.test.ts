/** mbsync keeps 2,000 messages equal on both sides, with changes and deletions on both. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeCorpus } from '../../bench/corpus.ts';
import { fillMaildir, makeMaildir } from '../../bench/maildir.ts';
import { Postrider } from '../../bench/servers/postrider.ts';
import { programMissing } from '../support/peers.ts';

const run = promisify(execFile);
const count = 2000;

function configuration(port: number, local: string): string {
  return `IMAPStore server
Host 127.0.0.1
Port ${port}
User u1
Pass pass
SSLType None
AuthMechs LOGIN

MaildirStore local
Path ${local}/
Inbox ${local}/inbox
SubFolders Verbatim

Channel all
Far :server:
Near :local:
Patterns INBOX
Create Near
Expunge Both
Sync All
SyncState *
`;
}

/** `flags hash` of every message, mbsync's own header left out; T is not counted, who has it is about to go. */
function contents(maildir: string): string[] {
  return ['cur', 'new']
    .flatMap((directory) =>
      readdirSync(join(maildir, directory)).map((name) => join(maildir, directory, name)),
    )
    .map((file) => {
      const text = readFileSync(file, 'latin1').replace(/^X-TUID: .*\n/m, '');
      const flags = /:2,([A-Z]*)$/.exec(file)?.[1] ?? '';
      return `${createHash('sha1').update(text, 'latin1').digest('hex')} ${flags}`;
    })
    .sort();
}

/** Gives the messages that match another set of flags. */
function reflag(maildir: string, matches: (number: number) => boolean, flags: string): void {
  const directory = join(maildir, 'cur');
  readdirSync(directory)
    .sort()
    .forEach((name, number) => {
      if (matches(number))
        renameSync(join(directory, name), join(directory, name.replace(/:2,.*$/, `:2,${flags}`)));
    });
}

test('mbsync: two-way sync of 2,000 messages', {
  skip: programMissing('mbsync', 'isync') ?? false,
  timeout: 120_000,
}, async (t) => {
  const postrider = new Postrider();
  t.after(() => postrider.remove());
  postrider.prepare(1);
  const far = postrider.maildir(1);
  makeMaildir(far, postrider.owner);
  fillMaildir(far, makeCorpus(count, 2000, 5), postrider.owner);
  const server = await postrider.start();
  t.after(() => server.stop());
  const local = join(postrider.directory, 'local');
  mkdirSync(local);
  const rc = join(postrider.directory, 'mbsyncrc');
  writeFileSync(rc, configuration(server.port, local));
  const sync = () =>
    run('mbsync', ['--config', rc, 'all'], { env: { ...process.env, HOME: postrider.directory } });
  const near = join(local, 'inbox');

  await sync();
  assert.equal(readdirSync(join(near, 'cur')).length + readdirSync(join(near, 'new')).length, count);
  assert.deepEqual(contents(near), contents(far), 'after the first sync');

  reflag(near, (number) => number % 10 === 1, 'FS');
  reflag(near, (number) => number % 50 === 7, 'ST');
  reflag(far, (number) => number % 10 === 2, 'RS');
  const doomed = readdirSync(join(far, 'cur'))
    .sort()
    .filter((_, number) => number % 40 === 4);
  for (const name of doomed) unlinkSync(join(far, 'cur', name));
  writeFileSync(join(near, 'new', '1760000000.1_1.local'), 'Subject: from near\n\nnear\n');
  writeFileSync(join(far, 'new', '1760000000.2_2.mx'), 'Subject: from far\n\nfar\n');
  await sync();
  await sync();
  const [left, right] = [contents(near), contents(far)];
  assert.deepEqual(left, right, 'after changes on both sides');
  assert.ok(left.length < count - 60 && left.length > count - 120, `${left.length} messages`);
  assert.ok(left.filter((line) => line.endsWith(' FS')).length > 100);
  assert.ok(left.filter((line) => line.endsWith(' RS')).length > 100);
});
