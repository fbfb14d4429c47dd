import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { openUserdbIndex } from './userdb-index.ts';
import { makeUserdbIndex } from './userdb-index-writer.ts';

function folderFor(t: TestContext): { source: string; target: string } {
  const folder = privateFolder('userdb-index');
  t.after(() => removeFolder(folder));
  return { source: join(folder, 'userdb'), target: join(folder, 'userdb.index') };
}

const name = fc.stringMatching(/^[a-zA-Z0-9@._-]{1,20}$/).filter((text) => !/^\d+=$/.test(text));

test('every record is found, and nothing else', async (t) => {
  const { source, target } = folderFor(t);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 60 }), async (names) => {
      writeFileSync(source, names.map((each, i) => `${each}\tuid=${i}|home=/${each}\n`).join(''), {
        mode: 0o600,
      });
      assert.equal(await makeUserdbIndex(source, target), names.length);
      const index = openUserdbIndex(target);
      names.forEach((each, i) => {
        assert.equal(index.get(each), `uid=${i}|home=/${each}`);
        assert.equal(index.get(`${each}\t`), undefined);
      });
      assert.equal(index.get('not there'), undefined);
      assert.deepEqual(new Set([...index.entries()].map(([each]) => each)), new Set(names));
      index.close();
    }),
    { numRuns: 40 },
  );
});

test('an index is replaced as a whole, and what has it open goes on with the old one', async (t) => {
  const { source, target } = folderFor(t);
  writeFileSync(source, 'fred\tuid=1\n', { mode: 0o600 });
  await makeUserdbIndex(source, target);
  assert.equal(statSync(target).mode & 0o777, 0o600);
  const old = openUserdbIndex(target);
  writeFileSync(source, 'fred\tuid=2\n');
  await makeUserdbIndex(source, target);
  assert.equal(old.get('fred'), 'uid=1');
  const now = openUserdbIndex(target);
  assert.equal(now.get('fred'), 'uid=2');
  for (const index of [old, now]) index.close();
});

const bad: [string, string][] = [
  ['a duplicate', 'fred\tuid=1\nfred\tuid=2\n'],
  ['a record that is too long', `fred\t${'x'.repeat(70_000)}\n`],
];
for (const [what, text] of bad) {
  test(`${what} leaves the old index, and no other file`, async (t) => {
    const { source, target } = folderFor(t);
    writeFileSync(source, 'fred\tuid=1\n', { mode: 0o600 });
    await makeUserdbIndex(source, target);
    writeFileSync(source, text);
    await assert.rejects(makeUserdbIndex(source, target), /fred/);
    const index = openUserdbIndex(target);
    assert.equal(index.get('fred'), 'uid=1');
    index.close();
    assert.deepEqual(readdirSync(join(target, '..')).sort(), ['userdb', 'userdb.index']);
  });
}

test('text that others may read is refused', async (t) => {
  const { source, target } = folderFor(t);
  writeFileSync(source, 'fred\tuid=1\n', { mode: 0o640 });
  await assert.rejects(makeUserdbIndex(source, target), /MAY NOT HAVE GROUP OR WORLD PERMISSIONS!!/);
});

test('a damaged index is refused or finds nothing, and never crashes', async (t) => {
  const { source, target } = folderFor(t);
  writeFileSync(source, Array.from({ length: 200 }, (_, i) => `user${i}\tuid=${i}\n`).join(''), {
    mode: 0o600,
  });
  await makeUserdbIndex(source, target);
  const { size } = statSync(target);
  const fd = openSync(target, 'r+');
  for (let position = 24; position < size; position += 3) writeSync(fd, Buffer.from([0xff]), 0, 1, position);
  closeSync(fd);
  const index = openUserdbIndex(target);
  for (let i = 0; i < 200; i++) assert.equal(index.get(`user${i}`), undefined);
  assert.ok([...index.entries()].length <= 200);
  index.close();
  truncateSync(target, size - 1);
  assert.throws(() => openUserdbIndex(target), /run makeuserdb/);
  writeFileSync(target, 'GDBM');
  assert.throws(() => openUserdbIndex(target), /run makeuserdb/);
});
