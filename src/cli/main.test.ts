import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commands } from './commands.ts';
import { main } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cli-'));
after(() => rmSync(scratch, { recursive: true }));

async function postrider(...words: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await main(words, {
    environment: { POSTRIDER_CONFIG: scratch },
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
  });
  return { code, stdout: stdout.replaceAll(scratch, 'DIR'), stderr: stderr.replaceAll(scratch, 'DIR') };
}

for (const words of [[], ['nonsense'], ['toString'], ['config'], ['config', 'check', '--nonsense', 'x']])
  test(`"${['postrider', ...words].join(' ')}" prints the usage on standard error, exit 64`, async () => {
    const { code, stdout, stderr } = await postrider(...words);
    assert.deepEqual([code, stdout], [64, '']);
    assert.match(stderr, /^(postrider: there is no command \w+\n)?usage: postrider/);
  });

test('help lists every command', async () => {
  const { code, stdout } = await postrider('help');
  assert.equal(code, 0);
  for (const [name, { does }] of Object.entries(commands)) assert.ok(stdout.includes(does), name);
});

test('--version prints the version of the package', async () =>
  assert.match((await postrider('--version')).stdout, /^postrider \d+\.\d+\.\d+\n$/));

for (const [name, { load }] of Object.entries(commands))
  test(`the module of ${name} has a run function`, async () =>
    assert.equal(typeof (await load()).run, 'function'));

test('config check: exit 0 and the services', async () => {
  writeFileSync(join(scratch, 'imapd'), 'IMAP_ACL=1\n');
  assert.deepEqual(await postrider('config', 'check'), {
    code: 0,
    stdout: 'DIR: imap: no errors\n',
    stderr: '',
  });
});

test('config check: exit 1, errors and warnings with their places', async () => {
  writeFileSync(join(scratch, 'imapd'), 'MAXDAEMON=3\nIMAP_ACL=on\n');
  assert.deepEqual(await postrider('config', 'check', '--config', scratch), {
    code: 1,
    stdout: '',
    stderr:
      'DIR/imapd:2: IMAP_ACL: "on" is not a whole number; allowed: 1 (on) or 0 (off)\n' +
      'warning: DIR/imapd:1: MAXDAEMON: is not a setting (sessions get it in their environment); ' +
      'did you mean MAXDAEMONS?\n',
  });
});

test('config show: one service, its values with their origins', async () => {
  writeFileSync(join(scratch, 'imapd'), 'PORT=143\nIMAP_UMASK=077\nMINE="a b"\nTLS_PRIORITY=NORMAL\n');
  writeFileSync(join(scratch, 'imapd-ssl'), 'SSLPORT=993\n');
  const { code, stdout } = await postrider('config', 'show', '--service=imap');
  assert.equal(code, 0);
  const lines = stdout.split('\n').map((line) => line.replace(/ +/g, ' '));
  assert.equal(lines[0], '[imap]');
  for (const line of [
    'IMAP_UMASK=077 # DIR/imapd:2',
    'IMAP_ACL=1 # default',
    'IMAP_EMPTYTRASH= # default: never',
    "MINE='a b' # DIR/imapd:3, not a setting",
    'SSLPORT=993 # DIR/imapd-ssl:1, for another service',
    'TLS_PRIORITY=NORMAL # DIR/imapd:4, no effect',
    'IMAPACCESSFILE=DIR/imapaccess # default',
  ])
    assert.ok(lines.includes(line), line);
  assert.ok(!stdout.includes('[imaps]'));
});

test('config show: all that is configured, in order', async () => {
  writeFileSync(join(scratch, 'imapd'), '');
  const { stdout } = await postrider('config', 'show');
  assert.deepEqual(stdout.match(/^\[.*\]$/gm), ['[imap]', '[imaps]', '[auth]', '[server]']);
});
