/** Outputs and exit codes are those of maildirmake of Courier 5.2. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { maildirmake } from './maildirmake.ts';

const usage = 'Usage: maildirmake [ options ] maildir\n';

interface Result {
  code: number;
  out: string;
  err: string;
}

function workspace(t: TestContext): { dir: string; run: (...words: string[]) => Promise<Result> } {
  const dir = mkdtempSync(join(tmpdir(), 'postrider-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const run = async (...words: string[]) => {
    const result = { code: 0, out: '', err: '' };
    const args = words.map((word) => word.replaceAll('DIR', dir));
    result.code = await maildirmake(args, {
      stdout: (text) => (result.out += text.replaceAll(dir, 'DIR')),
      stderr: (text) => (result.err += text.replaceAll(dir, 'DIR')),
    });
    return result;
  };
  return { dir, run };
}

/** Each row begins with a maildir DIR/m. */
const rows: [words: string[], code: number, out: string, err: string][] = [
  [[], 1, usage, ''],
  [['-z', 'DIR/m'], 1, usage, ''],
  [['-f', 'x'], 1, usage, ''],
  [['-f'], 1, usage, ''],
  [['--', 'DIR/m'], 1, usage, ''],
  [['DIR/n'], 0, '', ''],
  [['DIR/n', 'more'], 0, '', ''],
  [['DIR/m'], 1, '', 'maildirmake: DIR/m: File exists\n'],
  [['DIR/no/such'], 1, '', 'maildirmake: DIR/no/such: No such file or directory\n'],
  [['-f', 'Sent', 'DIR/m'], 0, '', ''],
  [['-fSent', 'DIR/m'], 0, '', ''],
  [['-f', '.x', 'DIR/m'], 1, 'Invalid folder name: .x\n', ''],
  [['-f', 'x..y', 'DIR/m'], 0, '', ''],
  [['-f', 'a/b', 'DIR/m'], 1, '', 'maildirmake: DIR/m/.a/b: No such file or directory\n'],
  [['-F', 'a\ufffd', 'DIR/m'], 1, '', 'Cannot convert a\ufffd to maildir encoding\n'],
  [['-s', 'read', 'DIR/m'], 1, usage, ''],
  [['-q', 'junk', 'DIR/m'], 0, '', ''],
  [['-q', '10X', 'DIR/m'], 0, '', "WARN: quota string '10X' not parseable\n"],
  [['-q', '5C', 'DIR/no/dir'], 1, '', 'DIR/no/dir: No such file or directory\n'],
  [['--add', 'n=rel', 'DIR/m'], 1, usage, ''],
  [['--add', 'n', 'DIR/m'], 1, usage, ''],
  [['--add', 'n.x=/tmp', 'DIR/m'], 1, '', 'n.x: invalid name\n'],
  [['--add', 'n=/nonexistent', 'DIR/m'], 1, '', '/nonexistent: No such file or directory\n'],
  [['--add', 'n=/tmp', 'DIR/none'], 1, '', 'DIR/none: No such file or directory\n'],
  [['--add', 'n=/tmp', 'DIR/m'], 0, '', ''],
  [['--del', 'n', 'DIR/m'], 1, '', 'DIR/m: No such file or directory\n'],
  [['--checkutf8', 'DIR/none'], 0, 'Checking DIR/none:\n', ''],
];
for (const [words, code, out, err] of rows)
  test(`maildirmake ${words.join(' ')}`, async (t) => {
    const { run } = workspace(t);
    await run('DIR/m');
    assert.deepEqual(await run(...words), { code, out, err });
  });

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

const modes: [words: string[], folder: string, outer: string, inner: string][] = [
  [[], '', '700', '700'],
  [['-S'], '', '755', '700'],
  [['-f', 'x'], '/.x', '700', '700'],
  [['-S', '-f', 'x'], '/.x', '755', '755'],
  [['-s', 'read', '-f', 'x'], '/.x', '755', '755'],
  [['-f', 'x', '-s', 'write'], '/.x', '1755', '1777'],
  [['-s', 'write,group', '-f', 'x'], '/.x', '1750', '1770'],
  [['-s', 'read,group', '-f', 'x'], '/.x', '750', '750'],
  [['-s', 'x', '-f', 'x'], '/.x', '755', '755'],
];
for (const [words, folder, outer, inner] of modes)
  test(`modes of maildirmake ${words.join(' ')}`, async (t) => {
    const { dir, run } = workspace(t);
    const umask = process.umask(0o077);
    t.after(() => process.umask(umask));
    if (folder !== '') await run('DIR/m');
    assert.deepEqual(await run(...words, 'DIR/m'), { code: 0, out: '', err: '' });
    assert.equal(modeOf(`${dir}/m${folder}`), outer);
    for (const name of ['tmp', 'new', 'cur']) assert.equal(modeOf(`${dir}/m${folder}/${name}`), inner);
    assert.equal(existsSync(`${dir}/m${folder}/maildirfolder`), folder !== '');
  });

const escapes: [name: string, entry: string][] = [
  ['a.b/c', '.a\\056b\\057c'],
  ['.lead', '.\\056lead'],
  ['c:d~e\\f', '.c\\072d\\176e\\134f'],
  ['x\ty', '.x\\011y'],
  ['Größe', '.Größe'],
];
for (const [name, entry] of escapes)
  test(`maildirmake -F ${JSON.stringify(name)}`, async (t) => {
    const { dir, run } = workspace(t);
    await run('DIR/m');
    await run('-F', name, 'DIR/m');
    assert.ok(existsSync(`${dir}/m/${entry}/cur`));
  });

test('a quota makes the maildir, counts, and can be changed', async (t) => {
  const { dir, run } = workspace(t);
  await run('-q', '1000S,5C', 'DIR/m');
  assert.equal(readFileSync(`${dir}/m/maildirsize`, 'utf8'), '1000S,5C\n           0            0\n');
  writeFileSync(`${dir}/m/cur/1.m,S=7:2,`, 'x\n');
  await run('-q', '10X5C', 'DIR/m');
  assert.equal(readFileSync(`${dir}/m/maildirsize`, 'utf8'), '5C\n           7            1\n');
  await run('-q', '5C', '-f', 'neu', 'DIR/m');
  assert.deepEqual(readdirSync(`${dir}/m/.neu`), ['cur', 'maildirsize', 'new', 'tmp']);
});

test('sharable maildirs are added once and deleted once', async (t) => {
  const { dir, run } = workspace(t);
  await run('DIR/m');
  const list = () => readFileSync(`${dir}/m/shared-maildirs`, 'utf8').replaceAll(dir, 'DIR');
  await run('--add', 'one=DIR', 'DIR/m');
  await run('--add', 'two=DIR/m', 'DIR/m');
  assert.equal(list(), 'one\tDIR\ntwo\tDIR/m\n');
  assert.deepEqual(await run('--add', 'one=DIR', 'DIR/m'), {
    code: 2,
    out: '',
    err: 'one: already defined as a sharable maildir.\n',
  });
  assert.equal((await run('--del', 'one', 'DIR/m')).code, 0);
  assert.equal(list(), 'two\tDIR/m\n');
  assert.deepEqual(await run('--del', 'one', 'DIR/m'), { code: 1, out: '', err: 'one: not found.\n' });
});

async function oldMaildir(t: TestContext): Promise<ReturnType<typeof workspace>> {
  const space = workspace(t);
  await space.run('DIR/m');
  for (const name of ['R&AOk-', 'A&-B', 'plain', 'Ré']) await space.run('-f', name, 'DIR/m');
  rmSync(`${space.dir}/m/.Ré`, { recursive: true });
  mkdirSync(`${space.dir}/m/.Öl/cur`, { recursive: true });
  writeFileSync(`${space.dir}/m/courierimapsubscribed`, 'INBOX.R&AOk-\nINBOX.plain\nINBOX.Öl\n#shared.x&-y');
  return space;
}

const changes = [
  'Checking DIR/m:',
  'Subscription to INBOX.R&AOk- changed to INBOX.Ré',
  'Subscription to #shared.x&-y changed to #shared.x&y',
];
const renames = ['Rename INBOX.A&-B to INBOX.A&B', 'Rename INBOX.R&AOk- to INBOX.Ré'];

test('--checkutf8 says what would change and changes nothing', async (t) => {
  const { dir, run } = await oldMaildir(t);
  const { code, out, err } = await run('--checkutf8', 'DIR/m');
  assert.deepEqual([code, err], [0, '']);
  assert.deepEqual(
    new Set(out.trim().split('\n')),
    new Set([...changes, ...renames, 'Verified DIR/m/courierimapsubscribed']),
  );
  assert.ok(readdirSync(`${dir}/m`).includes('.R&AOk-'));
  assert.ok(!readdirSync(`${dir}/m`).includes('courierimapsubscribed.new'));
});

test('--convutf8 converts names and subscriptions, and leaves what is UTF-8 already', async (t) => {
  const { dir, run } = await oldMaildir(t);
  const { code, out } = await run('--convutf8', 'DIR/m');
  assert.equal(code, 0);
  assert.ok(out.endsWith('Updating DIR/m/courierimapsubscribed\n'));
  assert.deepEqual(
    readdirSync(`${dir}/m`).filter((name) => name.startsWith('.')),
    ['.A&B', '.Ré', '.plain', '.Öl'],
  );
  assert.equal(
    readFileSync(`${dir}/m/courierimapsubscribed`, 'utf8'),
    'INBOX.Ré\nINBOX.plain\nINBOX.Öl\n#shared.x&y\n',
  );
});

test('one name that makes no sense stops the conversion', async (t) => {
  const { dir, run } = await oldMaildir(t);
  await run('-f', 'bad&', 'DIR/m');
  await run('-f', 'dot&AC4-', 'DIR/m');
  const { code, err } = await run('--convutf8', 'DIR/m');
  assert.equal(code, 1);
  const complaints = ['bad&', 'dot&AC4-'].map(
    (name) => `Error: INBOX.${name}: does not appear to be valid modified-UTF7`,
  );
  assert.deepEqual(new Set(err.trim().split('\n')), new Set(complaints));
  assert.ok(readdirSync(`${dir}/m`).includes('.R&AOk-'));
});

test('names that are not canonical modified UTF-7 are converted too', async (t) => {
  const { dir, run } = workspace(t);
  await run('DIR/m');
  await run('-f', 'a&AGE-&AOk-&AOk-', 'DIR/m');
  await run('--convutf8', 'DIR/m');
  assert.ok(readdirSync(`${dir}/m`).includes('.aaéé'));
});
