/** Outputs, files and exit codes are those of deliverquota of Courier 5.2. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TemporaryAccount, temporaryAccount } from '../../test/support/temporary-account.ts';
import { deliverquota } from './deliverquota.ts';

const message = 'Subject: x\n\nhello\n';

interface Case extends TemporaryAccount {
  /** `M` in words is the maildir, `W` a warning. */
  run(words: string[], text?: string, isFile?: boolean): Promise<{ code: number; out: string; err: string }>;
  delivered(folder?: string): string[];
}

function withMaildir(t: TestContext): Case {
  const a = temporaryAccount(t);
  a.put('../warning', 'Subject: nearly full\n\nDo something.\n');
  return {
    ...a,
    async run(words, text = message, isFile = true) {
      const result = { code: 0, out: '', err: '' };
      const place = (word: string) =>
        word.replace(/^M/, a.maildir).replace(/^W$/, join(a.maildir, '../warning'));
      result.code = await deliverquota(
        words.map(place),
        {
          chunks: (async function* () {
            yield Buffer.from(text, 'latin1');
          })(),
          fileOctets: isFile && text !== '' ? text.length : undefined,
          warningFile: '/nonexistent',
          quotaRules: {},
        },
        {
          stdout: (line) => (result.out += line.replaceAll(a.maildir, 'M')),
          stderr: (line) => (result.err += line.replaceAll(a.maildir, 'M')),
        },
      );
      return result;
    },
    delivered: (folder = '.') => readdirSync(join(a.maildir, folder, 'new')),
  };
}

const ok = { code: 0, out: '', err: '' };
const usage = 'Usage: deliverquota [-c] [-w percent] maildir\n';
const over = 'Mail quota exceeded.\n';

const rows: [words: string[], isFile: boolean, result: { code: number; out: string; err: string }][] = [
  [[], true, { code: 73, out: '', err: usage }],
  [['-w', 'M'], true, { code: 73, out: '', err: usage }],
  [['-c'], true, { code: 73, out: '', err: usage }],
  [['M'], true, ok],
  [['M', 'junk'], true, ok],
  [['M', '10X'], true, { ...ok, err: "WARN: quota string '10X' not parseable\n" }],
  [['M/none'], true, { code: 75, out: '', err: 'M/none: No such file or directory\n' }],
  [['M', '5S'], true, { code: 77, out: over, err: '' }],
  [['M', '5S'], false, { code: 75, out: over, err: '' }],
  [['M', '18S,1C'], true, ok],
  [['-w', 'abc', 'M'], true, ok],
];
for (const [words, isFile, result] of rows)
  test(`deliverquota ${words.join(' ')}${isFile ? '' : ' from a pipe'}`, async (t) => {
    const c = withMaildir(t);
    assert.deepEqual(await c.run(words, message, isFile), result);
    assert.equal(c.delivered().length, result.code === 0 ? 1 : 0);
    assert.deepEqual(readdirSync(join(c.maildir, 'tmp')), []);
  });

test('a message is delivered as it is, its size in its name unless it is empty', async (t) => {
  const c = withMaildir(t);
  await c.run(['M'], 'crlf\r\nno end');
  const [name] = c.delivered();
  assert.match(name, /^\d+\.M\d+P\d+V[0-9A-F]{16}I[0-9A-F]{16}\.[^,_]+,S=12$/);
  assert.equal(readFileSync(join(c.maildir, 'new', name), 'latin1'), 'crlf\r\nno end');
  await c.run(['M'], '');
  assert.ok(c.delivered().some((other) => !other.includes(',S=')));
});

test('each delivery adds a line, and a full quota is counted anew before it refuses', async (t) => {
  const c = withMaildir(t);
  const lines = () =>
    c
      .get('maildirsize')
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim().replace(/ +/, ' '));
  await c.run(['M', '1000S,2C']);
  assert.deepEqual(lines(), ['0 0', '18 1']);
  await c.run(['M']);
  assert.deepEqual(lines(), ['0 0', '18 1', '18 1']);
  assert.equal((await c.run(['M'])).code, 77);
  assert.deepEqual(lines(), ['36 2']);
});

test('folders count in their maildir, the trash does not', async (t) => {
  const c = withMaildir(t);
  for (const name of ['INBOX.sub', 'INBOX.Trash']) await c.account.createFolder(name);
  c.put('maildirsize', `20S\n${'0'.padStart(12)} ${'0'.padStart(12)}\n`);
  assert.deepEqual(await c.run(['M/.sub']), ok);
  assert.deepEqual(await c.run(['M/.Trash']), ok);
  assert.equal((await c.run(['M/.sub'])).code, 77);
  assert.ok(!existsSync(join(c.maildir, '.sub/maildirsize')));
});

test('-c makes the maildir and what is above it', async (t) => {
  const c = withMaildir(t);
  assert.deepEqual(await c.run(['-c', 'M/x/y']), ok);
  assert.equal(c.delivered('x/y').length, 1);
  assert.equal(statSync(join(c.maildir, 'x/y/cur')).mode & 0o777, 0o700);
});

test('a warning comes when the maildir is that full, once a day', async (t) => {
  const c = withMaildir(t);
  await c.run(['M', '100S']);
  const warnings = () => c.delivered().filter((name) => name.includes('_warn.'));
  await c.run(['-w', '90', '-W', 'W', 'M']);
  assert.deepEqual(warnings(), []);
  await c.run(['-w', '30', '-W', 'W', 'M']);
  assert.equal(warnings().length, 1);
  const text = readFileSync(join(c.maildir, 'new', warnings()[0]), 'latin1');
  assert.match(
    text,
    /^Date: \w+, \d\d \w+ \d{4} [\d:]{8} \+0000\nMessage-Id: <\d+\.overquota@.+>\nSubject: nearly full\n\nDo/,
  );
  assert.ok(c.get('maildirsize').includes(`${String(text.length).padStart(12)}            1\n`));
  await c.run(['-w', '30', '-W', 'W', 'M'], 'y\n');
  assert.equal(warnings().length, 1, 'not twice a day');
  const yesterday = Date.now() / 1000 - 86_401;
  utimesSync(join(c.maildir, 'quotawarn'), yesterday, yesterday);
  assert.equal((await c.run(['-w', '90', '-W', 'W', 'M'])).code, 77);
  assert.equal(warnings().length, 2, 'a refused message warns too, and the warning needs no room');
});
