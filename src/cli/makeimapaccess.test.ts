import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from './makeimapaccess.ts';

const directory = mkdtempSync(join(tmpdir(), 'makeimapaccess-'));
after(() => rmSync(directory, { recursive: true }));

function make(text: string, args: readonly string[] = []): { code: number; told: string } {
  writeFileSync(join(directory, 'imapd'), `PIDFILE=${directory}/imapd.pid\n`);
  writeFileSync(join(directory, 'imapaccess'), text);
  let told = '';
  const environment = { POSTRIDER_CONFIG: directory };
  const stderr = (line: string) => {
    told += line;
  };
  const code = run({ name: 'makeimapaccess', args, environment, stdout: () => {}, stderr });
  return { code, told };
}

test('makeimapaccess has the running service read the file', async () => {
  const service = spawn('sleep', ['60']);
  await once(service, 'spawn');
  writeFileSync(join(directory, 'imapd.pid'), `${service.pid}\n`);
  const exit = once(service, 'exit');
  assert.deepEqual(make('10.0.0.0/22\tdeny\n10.0.4.1-10.0.4.9\tallow,DEFDOMAIN=@a\n'), { code: 0, told: '' });
  assert.deepEqual(await exit, [null, 'SIGHUP']);
});

test('makeimapaccess says what is wrong, and disturbs nobody', () => {
  const { code, told } = make('10\tdeny\n10\tallow\n');
  assert.equal(code, 1);
  assert.match(told, /imapaccess:2: .*10 has a record already/);
});

test('makeimapaccess takes no arguments', () => assert.equal(make('', ['x']).code, 64));
