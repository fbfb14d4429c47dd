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

test('fields from the cache are those of the file', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'postrider-fields-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  makeMaildir('five-messages', root);
  const odd = [
    'X-Folded: one\n two\n\tthree\nSubject: \xe9\n\nbody\n',
    'no header at all',
    '',
    '\nbody\n',
    'A: b\r\nSubject: c\r\n\r\nd',
  ];
  for (const [i, text] of odd.entries()) writeFileSync(join(root, `cur/200${i}.x:2,S`), text, 'latin1');
  const client = new InProcessClient(root, { index: true });
  t.after(() => client.close());
  await client.line();
  await client.command('s', 'SELECT INBOX');
  await client.command('s', 'STORE 1:* +FLAGS.SILENT (\\Seen)');
  for (const field of fields) {
    for (const partial of partials) {
      // Without PEEK the file is read.
      const read = await client.command('a', `FETCH 1:* (UID BODY[${field}]${partial} RFC822.SIZE)`);
      const first = await client.command('a', `FETCH 1:* (UID BODY.PEEK[${field}]${partial} RFC822.SIZE)`);
      const again = await client.command('a', `FETCH 1:* (UID BODY.PEEK[${field}]${partial} RFC822.SIZE)`);
      assert.ok(read.length > 10);
      assert.deepEqual(first, read, field);
      assert.deepEqual(again, read, field);
    }
  }
});
