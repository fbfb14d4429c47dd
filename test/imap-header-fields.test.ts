/** Header fields come from the cache when they are asked for again, and are what the file has. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { InProcessClient } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';

const fields = [
  'HEADER.FIELDS (SUBJECT FROM)',
  'HEADER.FIELDS (x-folded "missing")',
  'HEADER.FIELDS.NOT (SUBJECT)',
] as const;
const partials = ['', '<0.10>', '<5.1000>', '<100000.10>'];

const odd = [
  'X-Folded: one\n two\n\tthree\nSubject: \xe9\n\nbody\n',
  'no header at all',
  '',
  '\nbody\n',
  'A: b\r\nSubject: c\r\n\r\nd',
  `Subject: large\n\n${'body\n'.repeat(20_000)}`,
  `Subject: larger\n\n${'body\n'.repeat(300_000)}`,
  `Subject: no end\nX-Folded: a\n${' b\n'.repeat(20_000)}`,
  `X-Folded: a\n${' b\n'.repeat(30_000)}Subject: long\n\nbody\n`,
];

/** `RFC822.SIZE` makes the whole message be looked at, the fields alone do not. */
for (const more of ['', ' RFC822.SIZE'])
  test(`fields from the cache are those of the file: UID${more}`, async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'postrider-fields-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    for (const [number, field] of fields.entries()) {
      const directory = join(root, String(number));
      makeMaildir('five-messages', directory);
      for (const [i, text] of odd.entries())
        writeFileSync(join(directory, `cur/200${i}.x:2,S`), text, 'latin1');
      const client = new InProcessClient(directory, { index: true });
      t.after(() => client.close());
      await client.line();
      await client.command('s', 'SELECT INBOX');
      await client.command('s', 'STORE 1:* +FLAGS.SILENT (\\Seen)');
      for (const partial of partials) {
        const first = await client.command('a', `FETCH 1:* (UID BODY.PEEK[${field}]${partial}${more})`);
        const again = await client.command('a', `FETCH 1:* (UID BODY.PEEK[${field}]${partial}${more})`);
        // Without PEEK the file is read.
        const read = await client.command('a', `FETCH 1:* (UID BODY[${field}]${partial}${more})`);
        assert.ok(read.length > 14);
        assert.deepEqual(first, read, field);
        assert.deepEqual(again, read, field);
      }
    }
  });
