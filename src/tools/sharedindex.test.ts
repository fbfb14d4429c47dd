import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { peersDirectory } from '../../bench/servers/peers.ts';
import { sharedindexinstall } from './sharedindexinstall.ts';
import { sharedindexsplit } from './sharedindexsplit.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'postrider-index-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function filesIn(path: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path)
      .sort()
      .map((name) => [name, readFileSync(join(path, name), 'utf8').split('\n').sort().join('\n').trim()]),
  );
}

function split(
  t: TestContext,
  letters: string[],
  list: string,
): { files: Record<string, string>; said: string } {
  const path = directory(t);
  let said = '';
  const out = { stdout: (text: string) => (said += text), stderr: (text: string) => (said += text) };
  assert.equal(
    sharedindexsplit([path, ...letters], () => Buffer.from(list), out),
    0,
  );
  return { files: filesIn(path), said };
}

const list = [
  'alice\t500\t500\t/home/alice\t\tsharedgroup=7,x=y',
  'alan\t500\t500\t/home/alan\tMail',
  'b\t500\t500\t/home/b\t\tx=y',
  'Übü\t500\t500\t/home/u\t./Maildir\tdisableimap=1,sharedgroup=7 # comment',
  '# comment',
  'short\t500\t500',
  '',
].join('\n');

test('without letters accounts go to the index of their shared group', (t) => {
  assert.deepEqual(split(t, [], list).files, {
    index: 'alan\t500\t500\t/home/alan\tMail\nb\t500\t500\t/home/b',
    'index7 ': 'Übü\t500\t500\t/home/u\t./Maildir',
    index7: 'alice\t500\t500\t/home/alice',
  });
});

test('with letters there are indexes within indexes', (t) => {
  assert.deepEqual(split(t, ['2'], list).files, {
    index: 'a\t*\tindexa\nb\t*\tindexb\nÜ\t*\tindexÜ',
    indexa: 'al\t*\tindexal',
    indexal: 'alan\t500\t500\t/home/alan\tMail\nalice\t500\t500\t/home/alice',
    indexb: 'b_\t*\tindexb_',
    indexb_: 'b\t500\t500\t/home/b',
    indexÜ: 'Üb\t*\tindexÜb',
    indexÜb: 'Übü\t500\t500\t/home/u\t./Maildir',
  });
});

test('no index is written elsewhere', (t) => {
  const { files, said } = split(t, [], 'eve\t5\t5\t/home/eve\t\tsharedgroup=/../../x\n');
  assert.deepEqual(files, {});
  assert.match(said, /^eve: /);
});

test('a directory that is none is refused', (t) => {
  let said = '';
  const out = { stdout: () => undefined, stderr: (text: string) => (said += text) };
  assert.equal(
    sharedindexsplit([join(directory(t), 'none')], () => Buffer.alloc(0), out),
    2,
  );
  assert.equal(said, 'Usage: sharedindexsplit outputdir [ letters ]\n');
});

const theirs = join(peersDirectory, 'courier/usr/sbin/sharedindexsplit');
for (const letters of [[], ['1'], ['3']])
  test(`Courier's program splits the same way, letters ${letters}`, { skip: !existsSync(theirs) }, (t) => {
    const path = directory(t);
    const plain = list.replace(' # comment', '');
    execFileSync('perl', [theirs, path, ...letters], { input: plain });
    assert.deepEqual(split(t, letters, plain).files, filesIn(path));
  });

function install(
  t: TestContext,
  files: Record<string, string>,
): { code: number; said: string; path: string } {
  const path = directory(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  let said = '';
  const out = { stdout: (text: string) => (said += text.replaceAll(path, 'DIR')), stderr: assert.fail };
  return { code: sharedindexinstall(path, out), said, path };
}

test('new index files replace all old ones', (t) => {
  const { code, path } = install(t, {
    'shared/index': 'old',
    'shared/indexold': 'old',
    'shared.tmp/index': 'new',
    'shared.tmp/indexa': 'new',
  });
  assert.equal(code, 0);
  assert.deepEqual(filesIn(join(path, 'shared')), { index: 'new', indexa: 'new' });
  assert.deepEqual(readdirSync(join(path, 'shared.tmp')), []);
});

for (const [files, said] of [
  [{ 'shared/index': 'old' }, 'DIR/shared.tmp is empty!\n'],
  [{ 'shared/index': 'old', 'shared.tmp/.x': '' }, 'DIR/shared.tmp is empty!\n'],
  [{ 'shared.tmp/index': 'new' }, 'DIR/shared does not exist!\n'],
] as const)
  test(`what is said: ${said.trim()}`, (t) => {
    const outcome = install(t, files);
    assert.deepEqual([outcome.code, outcome.said], [1, said]);
  });
