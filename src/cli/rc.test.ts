/** `imapd.rc` and its like: what they do, and what their exit codes say. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../test/support/private-server.ts';

const program = resolve(import.meta.dirname, '../../bin/postrider');
const scratch = mkdtempSync(join(tmpdir(), 'rc-'));
const etc = join(scratch, 'etc');
const ports = { imap: 0, pop3: 0 };
let daemon: ReturnType<typeof spawn>;

/** Runs a script as Courier's are run: by its own name. */
function rc(script: string, action: string) {
  const { status, stderr } = spawnSync(join(scratch, script), [action], {
    encoding: 'utf8',
    env: { ...process.env, POSTRIDER_CONFIG: etc },
    timeout: 30_000,
  });
  return { code: status, stderr };
}

const pidOf = (name: string) => Number(readFileSync(join(scratch, `run/${name}.pid`), 'utf8'));

async function greeting(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return chunk.toString('latin1').slice(0, 4);
}

before(async () => {
  for (const name of ['etc', 'auth']) mkdirSync(join(scratch, name));
  for (const name of ['imapd.rc', 'imapd-ssl.rc', 'pop3d.rc', 'pop3d-ssl.rc'])
    symlinkSync(program, join(scratch, name));
  [ports.imap, ports.pop3] = [await freePort(), await freePort()];
  const listen = (port: number, name: string) =>
    `ADDRESS=127.0.0.1\nPORT=${port}\nPIDFILE=${scratch}/run/${name}.pid\n`;
  writeFileSync(join(etc, 'imapd'), listen(ports.imap, 'imapd'));
  writeFileSync(join(etc, 'pop3d'), listen(ports.pop3, 'pop3d'));
  writeFileSync(join(etc, 'imapd-ssl'), 'TLS_VERIFYPEER=NONE\n');
  writeFileSync(join(etc, 'authdaemonrc'), `authmodulelist=authuserdb\nauthdaemonvar=${scratch}/auth\n`);
  writeFileSync(join(etc, 'postrider'), 'WORKERS=1\n');
  daemon = spawn(program, ['authdaemond', '--config', etc], { stdio: 'ignore' });
});
after(async () => {
  daemon.kill();
  if (daemon.exitCode === null) await once(daemon, 'exit');
  rmSync(scratch, { recursive: true, force: true });
});

test('start, start again, restart, stop, stop again', { timeout: 60_000 }, async () => {
  assert.deepEqual(rc('imapd.rc', 'stop'), { code: 0, stderr: '' });
  assert.deepEqual(rc('imapd.rc', 'start'), { code: 0, stderr: '' });
  const pid = pidOf('imapd');
  assert.equal(await greeting(ports.imap), '* OK');
  assert.equal(rc('imapd.rc', 'start').code, 0);
  assert.equal(rc('imapd.rc', 'restart').code, 0);
  assert.equal(pidOf('imapd'), pid);
  assert.equal(await greeting(ports.imap), '* OK');
  assert.equal(rc('imapd.rc', 'stop').code, 0);
  assert.ok(!existsSync(join(scratch, 'run/imapd.pid')));
  await assert.rejects(greeting(ports.imap), /ECONNREFUSED/);
  assert.equal(rc('imapd.rc', 'restart').code, 0);
});

test('each service is a server of its own', { timeout: 60_000 }, async () => {
  writeFileSync(join(etc, 'pop3d-ssl'), 'TLS_VERIFYPEER=NONE\n');
  assert.equal(rc('imapd.rc', 'start').code, 0);
  assert.equal(rc('pop3d.rc', 'start').code, 0);
  assert.notEqual(pidOf('imapd'), pidOf('pop3d'));
  assert.equal(rc('imapd.rc', 'stop').code, 0);
  assert.equal(await greeting(ports.pop3), '+OK ');
  assert.equal(rc('pop3d.rc', 'stop').code, 0);
});

test('what keeps a service from starting is told, with exit code 1', { timeout: 60_000 }, () => {
  rmSync(join(etc, 'pop3d-ssl'));
  assert.deepEqual(rc('pop3d.rc', 'start'), {
    code: 1,
    stderr: `${etc}/pop3d-ssl does not exist, forgot make install-configure?\n`,
  });
  assert.equal(rc('imapd.rc', 'reload').code, 64);
  const own = readFileSync(join(etc, 'imapd'), 'utf8');
  writeFileSync(join(etc, 'imapd'), `${own}TCPDOPTS=--x\n`);
  const wrong = rc('imapd.rc', 'start');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /imapd:4: TCPDOPTS: Invalid option: --x/);
  writeFileSync(join(etc, 'imapd'), own.replace(/^PORT=.*$/m, `PORT=${ports.imap},192.0.2.300.1`));
  assert.equal(rc('imapd.rc', 'start').code, 1);
  writeFileSync(join(etc, 'imapd'), own);
});
