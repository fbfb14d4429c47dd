/** fetchmail takes all mail from `postrider serve` and deletes it there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeCorpus } from '../../bench/corpus.ts';
import { fillMaildir, makeMaildir } from '../../bench/maildir.ts';
import { Postrider } from '../../bench/servers/postrider.ts';
import { programMissing } from '../support/peers.ts';

const run = promisify(execFile);

test('fetchmail fetches and deletes', {
  skip: programMissing('fetchmail', 'fetchmail') ?? false,
  timeout: 30_000,
}, async (t) => {
  const postrider = new Postrider();
  t.after(() => postrider.remove());
  postrider.prepare(1);
  makeMaildir(postrider.maildir(1), postrider.owner);
  const corpus = makeCorpus(20, 3000, 6);
  fillMaildir(postrider.maildir(1), corpus, postrider.owner);
  const server = await postrider.start();
  t.after(() => server.stop());
  const rc = join(postrider.directory, 'fetchmailrc');
  const box = join(postrider.directory, 'box');
  writeFileSync(
    rc,
    `poll 127.0.0.1 protocol imap port ${server.port} auth password username u1 password pass fetchall sslproto '' mda "cat >>${box}"\n`,
  );
  chmodSync(rc, 0o600);
  const environment = { ...process.env, HOME: postrider.directory, FETCHMAILHOME: postrider.directory };
  await run('fetchmail', ['--fetchmailrc', rc, '--nosyslog'], { env: environment });
  const fetched = readFileSync(box, 'latin1');
  for (const { text } of corpus) {
    const id = /^Message-ID: (.*)$/m.exec(text)![1]!;
    assert.ok(fetched.includes(id), id);
  }
  assert.deepEqual(readdirSync(join(postrider.maildir(1), 'cur')), []);
});
