/** Outputs, files and exit codes are those of maildirkw of Courier 5.2. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { maildirkw } from './maildirkw.ts';

const usage = 'Usage: maildirkw [ options ] maildir [+/-]flag [+/-]flag...\n';

interface Result {
  code: number;
  out: string;
  err: string;
}

function workspace(t: TestContext): { dir: string; run: (...words: string[]) => Promise<Result> } {
  const dir = mkdtempSync(join(tmpdir(), 'postrider-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(dir, 'm', name), { recursive: true });
  const run = async (...words: string[]) => {
    const result = { code: 0, out: '', err: '' };
    const args = words.map((word) => word.replaceAll('DIR', dir));
    result.code = await maildirkw(args, {
      stdout: (text) => (result.out += text.replaceAll(dir, 'DIR')),
      stderr: (text) => (result.err += text.replaceAll(dir, 'DIR')),
    });
    return result;
  };
  return { dir, run };
}

const rows: [words: string[], code: number, out: string, err: string][] = [
  [[], 1, usage, ''],
  [['-z'], 1, usage, "maildirkw: invalid option -- 'z'\n"],
  [['-L'], 1, usage, ''],
  [['DIR/m'], 1, usage, ''],
  [['-L', 'DIR/none'], 0, '', ''],
  [['-L', 'DIR/m'], 0, '', ''],
  [['DIR/m', 'm1', 'Beta', 'alpha'], 0, '', ''],
  [['-a', 'DIR/m', 'm2'], 0, '', ''],
  [['DIR/none', 'm', 'x'], 1, '', 'DIR/none: No such file or directory\n'],
  [['-a', 'DIR/none', 'm', 'x'], 1, '', ''],
  [['-l', 'DIR/m', 'dir/m9', 'x'], 1, '', 'DIR/m/courierimapkeywords/dir/m9: No such file or directory\n'],
];
for (const [words, code, out, err] of rows)
  test(`maildirkw ${words.join(' ')}`, async (t) => {
    const { dir, run } = workspace(t);
    assert.deepEqual(await run(...words), { code, out, err });
    assert.deepEqual(readdirSync(join(dir, 'm/tmp')), [], 'nothing is left behind');
  });

test('keywords are replaced, added to, taken from and cleared', async (t) => {
  const { run } = workspace(t);
  const list = async (...options: string[]) => (await run(...options, '-L', 'DIR/m')).out;
  await run('DIR/m', 'm1', 'Beta', 'alpha');
  assert.equal(await list(), 'm1 Beta alpha\n');
  await run('-a', 'DIR/m', 'm1:2,S', 'Gamma', 'BETA');
  assert.equal(await list(), 'm1 Beta Gamma alpha\n');
  await run('-r', 'DIR/m', 'm1', 'ALPHA');
  assert.equal(await list(), 'm1 Beta Gamma\n');
  await run('-c', '-a', 'DIR/m', 'm1', 'beta');
  assert.equal(await list('-c'), 'm1 Beta Gamma beta\n');
  assert.equal(await list(), 'm1 Beta Gamma\n');
  await run('-l', '-a', 'DIR/m', 'm0,S=3:2,', 'x');
  await run('DIR/m', 'm1');
  assert.equal(await list(), 'm0,S=3 x\nm1\n');
});

test('a new set is a file of its own; listing merges it', async (t) => {
  const { dir, run } = workspace(t);
  const files = () =>
    readdirSync(join(dir, 'm/courierimapkeywords')).map((name) => name.replace(/^\.\d+/, '.N'));
  await run('DIR/m', 'm1', 'Beta', 'alpha');
  assert.deepEqual(files(), ['m1']);
  await run('-L', 'DIR/m');
  assert.deepEqual(files(), ['.N.m1', ':list']);
  assert.equal(readFileSync(join(dir, 'm/courierimapkeywords/:list'), 'utf8'), 'Beta\nalpha\n\nm1:0 1\n');
});
