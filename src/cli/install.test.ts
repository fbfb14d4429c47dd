/** `postrider install` into a directory of its own, and what is there then at work. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  lstatSync,
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
import { after, test } from 'node:test';
import { programMissing } from '../../test/support/peers.ts';
import { freePort } from '../../test/support/private-server.ts';
import { loadConfig } from '../config/load.ts';
import { run } from './install.ts';

const scratch = mkdtempSync(join(tmpdir(), 'install-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function install(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  let [out, errors] = ['', ''];
  const umask = process.umask();
  const code = await run({
    name: 'install',
    args,
    environment: {},
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      errors += text;
    },
  });
  process.umask(umask);
  return { code, out, errors };
}

const prefixed = (prefix: string) => [
  ...['--prefix', prefix, '--piddir', join(prefix, 'run'), '--unitdir', join(prefix, 'units')],
];

test('everything is laid out, and a second time nothing changes', async () => {
  const prefix = join(scratch, 'a');
  const first = await install(...prefixed(prefix));
  assert.deepEqual([first.code, first.errors], [0, '']);
  assert.deepEqual(readdirSync(join(prefix, 'libexec')).sort(), [
    'imapd-ssl.rc',
    'imapd.rc',
    'pop3d-ssl.rc',
    'pop3d.rc',
  ]);
  assert.ok(readdirSync(join(prefix, 'man/man8')).includes('authdaemond.8'));
  assert.equal(statSync(join(prefix, 'etc/imapd')).mode & 0o777, 0o600);
  assert.equal(statSync(join(prefix, 'etc/shared')).mode & 0o777, 0o755);
  const unit = readFileSync(join(prefix, 'units/postrider.service'), 'utf8');
  assert.match(unit, new RegExp(`^ExecStart=${prefix}/bin/postrider serve --foreground$`, 'm'));
  const { errors, warnings, imap, pop3s } = loadConfig(join(prefix, 'etc'));
  assert.deepEqual([errors, warnings], [[], []]);
  assert.equal(imap!.settings.pidFile, join(prefix, 'run/imapd.pid'));
  assert.equal(pop3s!.settings.tlsCertFile, join(prefix, 'share/pop3d.pem'));
  assert.deepEqual(await install(...prefixed(prefix)), { code: 0, out: '', errors: '' });
});

test('live settings are kept; shipped ones are new; programs of others are left alone', async () => {
  const prefix = join(scratch, 'b');
  await install(...prefixed(prefix));
  writeFileSync(join(prefix, 'etc/imapd'), 'PORT=1143\n');
  writeFileSync(join(prefix, 'etc/imapd.dist'), 'old\n');
  rmSync(join(prefix, 'bin/imapd'));
  writeFileSync(join(prefix, 'bin/imapd'), 'a program');
  const { code, out, errors } = await install(...prefixed(prefix));
  assert.equal(code, 1);
  assert.equal(out, `${prefix}/etc/imapd.dist: replaced\n`);
  assert.equal(errors, `${prefix}/bin/imapd: is not Postrider's, left alone; remove it and run this again\n`);
  assert.equal(readFileSync(join(prefix, 'etc/imapd'), 'utf8'), 'PORT=1143\n');
  assert.equal(readFileSync(join(prefix, 'bin/imapd'), 'utf8'), 'a program');
});

test('-n only tells; --destdir is in front of every path and in none of the files', async () => {
  const told = await install(...prefixed(join(scratch, 'c')), '-n');
  assert.match(told.out, /\/c\/bin\/postrider: made\n/);
  assert.equal(lstatSync(join(scratch, 'c'), { throwIfNoEntry: false }), undefined);
  await install('--prefix', '/opt/mail', '--sysconfdir', '/etc/mail', '--destdir', join(scratch, 'd'));
  const program = readFileSync(join(scratch, 'd/opt/mail/bin/postrider'), 'utf8');
  assert.match(program, /POSTRIDER_CONFIG:=\/etc\/mail\}/);
  assert.doesNotMatch(program, /destdir|\/d\//);
  assert.match(
    readFileSync(join(scratch, 'd/etc/mail/imapd-ssl'), 'utf8'),
    /^TLS_CERTFILE="\/opt\/mail\/share\//m,
  );
});

for (const args of [['--prefix'], ['--prefix', 'relative'], ['--bindir', '/a"b'], ['--unknown'], ['word']])
  test(`refuses ${args.join(' ')}`, async () => {
    const { code, errors } = await install(...args);
    assert.deepEqual([code, errors.slice(0, 6)], [64, 'usage:']);
  });

test('tools run under their names with the settings of the installation', async () => {
  const prefix = join(scratch, 'e');
  await install(...prefixed(prefix));
  execFileSync(join(prefix, 'bin/maildirmake'), [join(scratch, 'Maildir')]);
  assert.ok(statSync(join(scratch, 'Maildir/cur')).isDirectory());
  const certificate = execFileSync(join(prefix, 'sbin/mkimapdcert'), { encoding: 'utf8' });
  assert.match(certificate, /CN=localhost/);
  assert.ok(statSync(join(prefix, 'share/imapd.pem')).isFile());
});

test('the System-V script: start, status, reload, stop; pid files of all services', {
  timeout: 60_000,
}, async () => {
  const prefix = join(scratch, 'f');
  await install(...prefixed(prefix));
  const script = join(prefix, 'share/courier-imap.sysvinit');
  const etc = join(prefix, 'etc');
  const ports = [await freePort(), await freePort()];
  writeFileSync(join(etc, 'imapd'), `ADDRESS=127.0.0.1\nPORT=${ports[0]}\nPIDFILE=${prefix}/run/imapd.pid\n`);
  writeFileSync(join(etc, 'pop3d'), `ADDRESS=127.0.0.1\nPORT=${ports[1]}\nPIDFILE=${prefix}/run/pop3d.pid\n`);
  for (const [file, name] of [
    ['imapd-ssl', 'IMAPDSSLSTART'],
    ['pop3d-ssl', 'POP3DSSLSTART'],
  ] as const)
    writeFileSync(join(etc, file), `${name}=NO\nTLS_VERIFYPEER=NONE\n`);
  mkdirSync(join(prefix, 'auth'));
  writeFileSync(join(etc, 'authdaemonrc'), `authmodulelist=authuserdb\nauthdaemonvar=${prefix}/auth\n`);
  writeFileSync(join(etc, 'postrider'), 'WORKERS=1\n');
  const action = (word: string) => spawnSync(script, [word], { encoding: 'utf8', timeout: 30_000 });
  assert.equal(action('status').status, 3);
  assert.equal(action('stop').status, 0);
  const started = action('start');
  assert.deepEqual([started.status, started.stdout], [0, ''], started.stderr);
  const [pid] = /\d+/.exec(action('status').stdout)!;
  for (const name of ['imapd', 'pop3d'])
    assert.equal(readFileSync(`${prefix}/run/${name}.pid`, 'utf8'), `${pid}\n`);
  assert.equal(action('start').status, 0);
  assert.equal(action('reload').status, 0);
  const alone = spawnSync(join(prefix, 'libexec/imapd.rc'), ['stop'], { encoding: 'utf8' });
  assert.equal(alone.status, 1);
  assert.match(alone.stderr, new RegExp(`process ${pid} serves pop3 as well`));
  assert.equal(action('stop').status, 0);
  assert.equal(action('status').status, 3);
  writeFileSync(join(etc, 'imapd'), 'PORT=many\n');
  const failed = action('start');
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /imapd:1: PORT: /);
});

test('systemd has nothing to say about the units', {
  skip: programMissing('systemd-analyze', 'systemd'),
}, async () => {
  const prefix = join(scratch, 'g');
  await install(...prefixed(prefix));
  const units = readdirSync(join(prefix, 'units')).map((name) => join(prefix, 'units', name));
  // Without manual pages on the machine: these are looked for with man(1).
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8' });
  assert.equal(stderr, '');
});
