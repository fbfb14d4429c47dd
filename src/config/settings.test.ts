import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';
import { resolveSettings } from './resolve.ts';
import { filesOf, type ImapSettings, type Row, rows, rowsOf, type Scope } from './settings.ts';

const scopes = Object.keys(filesOf) as Scope[];

for (const scope of scopes) {
  test(`${scope}: every default can be read`, () =>
    assert.deepEqual(resolveSettings(scope, new Map(), '/c').errors, []));

  test(`${scope}: no name and no field comes twice`, () => {
    const list = rowsOf(scope);
    assert.equal(new Set(list.map(({ name }) => name)).size, list.length);
    assert.equal(new Set(list.map(({ field }) => field)).size, list.length);
  });
}

test('both services of a protocol have the same fields', () => {
  const fields = (scope: Scope) =>
    rowsOf(scope)
      .map(({ field }) => field)
      .sort();
  assert.deepEqual(fields('imap'), fields('imaps'));
  assert.deepEqual(fields('pop3'), fields('pop3s'));
});

test('every row says in a sentence what it means, and is read from the files it names', () => {
  for (const { name, means, files, scopes } of rows as readonly Row[]) {
    assert.match(means, /^[A-Z].*\.$/s, name);
    for (const file of files)
      assert.ok(
        scopes.some((scope) => filesOf[scope].includes(file)),
        name,
      );
  }
});

test('a setting without effect cannot stop the start', () => {
  for (const row of rows)
    if (row.unused) assert.doesNotThrow(() => row.kind.read('anything at all'), row.name);
});

test('templates can be read as values', () => {
  for (const row of rows) {
    if (row.template === undefined || row.template.includes('$') || row.template.includes('{')) continue;
    if (row.template !== '') assert.doesNotThrow(() => row.kind.read(row.template!), row.name);
  }
});

test('the types of the settings come from the rows', () => {
  const { imap, pop3, server } = loadConfig(`${import.meta.dirname}/fixtures/debian`);
  const settings: ImapSettings = imap!.settings;
  const keywords: 0 | 1 | 2 = settings.keywords;
  const workers: number | undefined = server.settings.workers;
  const mechanisms: readonly string[] = pop3!.settings.saslMechanisms;
  // @ts-expect-error a boolean is not a string
  const acl: string = settings.acl;
  // @ts-expect-error a setting of IMAP only
  const depth = pop3!.settings.listDepth;
  assert.deepEqual(
    [keywords, workers, mechanisms, acl, depth],
    [1, undefined, ['LOGIN', 'CRAM-MD5'], true, undefined],
  );
});
