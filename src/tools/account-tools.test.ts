/** The account tools: arguments, output, exit codes (authlib §4.3, §11). */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startTestDaemon } from '../../test/support/auth-daemon.ts';
import { privateFolder, removeFolder } from '../../test/support/private-server.ts';
import { createPasswords } from '../auth/passwords.ts';
import { authenumerate } from './authenumerate.ts';
import { authinfo } from './authinfo.ts';
import { authpasswd } from './authpasswd.ts';
import { authtest } from './authtest.ts';
import { makeuserdb } from './makeuserdb.ts';
import type { PasswordInput } from './password-input.ts';
import { pw2userdb } from './pw2userdb.ts';
import { userdb } from './userdb.ts';
import { userdbpw } from './userdbpw.ts';
import { vchkpw2userdb } from './vchkpw2userdb.ts';

function output() {
  const said = { stdout: '', stderr: '' };
  return {
    said,
    stdout(text: string) {
      said.stdout += text;
    },
    stderr(text: string) {
      said.stderr += text;
    },
  };
}

/** Lines to be read; what is missing is the end of the input. */
function lines(isTerminal: boolean, ...all: string[]): PasswordInput {
  return { isTerminal, readLine: async () => all.shift() };
}

function folderFor(t: TestContext): string {
  const folder = privateFolder('account-tools');
  t.after(() => removeFolder(folder));
  return folder;
}

const passwords = createPasswords(1);

/** Arguments, the lines typed, exit code, standard output, standard error; `$` is the file. */
const userdbCalls: [string, string[], string[], number, string, string][] = [
  ['-show of all names', ['-show'], [], 0, 'fred\nclara\n', ''],
  ['-show of a record', ['-show', 'fred'], [], 0, 'uid=1\ngid=2\nhome=/home/fred\n', ''],
  ['-show of an unknown name', ['-show', 'nobody'], [], 0, '', ''],
  ['-show -f', ['-show', '-f', '$', 'clara'], [], 0, 'uid=3\n', ''],
  ['del of an unknown name', ['nobody', 'del'], [], 0, '', ''],
  ['unset of an unknown field', ['fred', 'unset', 'nothing'], [], 0, '', ''],
  ['a bar in a value', ['fred', 'set', 'home=/a|b'], [], 1, '', 'Invalid field or value.\n'],
  ['set without a line to read', ['fred', 'set', 'systempw'], [], 1, '', ''],
];
for (const [name, args, typed, code, stdout, stderr] of userdbCalls) {
  test(`userdb: ${name}`, async (t) => {
    const path = join(folderFor(t), 'userdb');
    writeFileSync(path, 'fred\tuid=1|gid=2|home=/home/fred\nclara\tuid=3\n', { mode: 0o600 });
    const out = output();
    const real = args.map((arg) => (arg === '$' ? path : arg));
    assert.equal(await userdb(real, path, lines(false, ...typed), out), code);
    assert.deepEqual(out.said, { stdout, stderr });
    assert.equal(readFileSync(path, 'latin1'), 'fred\tuid=1|gid=2|home=/home/fred\nclara\tuid=3\n');
  });
}

for (const args of [[], ['fred'], ['fred', 'put', 'a=b'], ['fred', 'set'], ['-f']]) {
  test(`userdb ${args.join(' ')}: usage on standard output`, async (t) => {
    const out = output();
    assert.equal(await userdb(args, join(folderFor(t), 'userdb'), lines(false), out), 1);
    assert.equal(out.said.stdout.split('\n').length, 5);
    assert.equal(out.said.stderr, '');
  });
}

test('userdb changes one record and leaves the lines around it', async (t) => {
  const path = join(folderFor(t), 'userdb');
  const run = (...args: string[]) => userdb(args, path, lines(false, '$1$from$stdin'), output());
  assert.equal(await run('fred', 'set', 'uid=1', 'home=/h', 'systempw'), 0);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(readFileSync(path, 'latin1'), 'fred\tuid=1|home=/h|systempw=$1$from$stdin\n');
  writeFileSync(path, `# mine\n${readFileSync(path, 'latin1')}clara\tuid=3\n`);
  await run('fred', 'set', 'uid=7', 'quota=5S');
  await run('fred', 'unset', 'home');
  await run('björk', 'set', 'uid=8');
  assert.equal(
    readFileSync(path, 'utf8'),
    '# mine\nfred\tuid=7|systempw=$1$from$stdin|quota=5S\nclara\tuid=3\nbjörk\tuid=8\n',
  );
  await run('fred', 'del');
  assert.equal(readFileSync(path, 'utf8'), '# mine\nclara\tuid=3\nbjörk\tuid=8\n');
});

test('userdb: a path selects a file in the directory', async (t) => {
  const path = join(folderFor(t), 'userdb');
  mkdirSync(join(path, 'dom'), { recursive: true, mode: 0o700 });
  const out = output();
  assert.equal(await userdb(['dom/ex/fred', 'set', 'uid=1'], path, lines(false), out), 0);
  assert.equal(readFileSync(join(path, 'dom/ex'), 'latin1'), 'fred\tuid=1\n');
  assert.equal(await userdb(['fred', 'set', 'uid=1'], path, lines(false), out), 1);
  assert.equal(out.said.stderr, `${path}: not a file.\n`);
});

test('twenty userdb at once lose nothing', async (t) => {
  const path = join(folderFor(t), 'userdb');
  const names = Array.from({ length: 20 }, (_, i) => `user${i}`);
  await Promise.all(names.map((name) => userdb([name, 'set', 'uid=1'], path, lines(false), output())));
  assert.deepEqual(
    new Set(readFileSync(path, 'latin1').split('\n').filter(Boolean)),
    new Set(names.map((name) => `${name}\tuid=1`)),
  );
});

test('makeuserdb makes an index, or says what is wrong and keeps the old one', async (t) => {
  const path = join(folderFor(t), 'userdb');
  writeFileSync(path, 'fred\tuid=1\n', { mode: 0o600 });
  const out = output();
  assert.equal(await makeuserdb([], path, out), 0);
  assert.deepEqual(out.said, { stdout: '', stderr: '' });
  const { ino } = statSync(`${path}.index`);
  writeFileSync(path, 'fred\tuid=1\nfred\tuid=2\n');
  assert.equal(await makeuserdb(['-f', path], '/nonexistent', out), 1);
  assert.equal(out.said.stderr, 'Cannot store record for fred - duplicate or out of disk space.\n');
  assert.equal(statSync(`${path}.index`).ino, ino);
});

const hashing: [string, string[], RegExp][] = [
  ['userdbpw', [], /^\$6\$/],
  ['userdbpw', ['-md5'], /^\$1\$.{8}\$/],
  ['authpasswd', [], /^\$1\$/],
  ['authpasswd', ['md5'], /^\{MD5\}/],
  ['authpasswd', ['md5raw'], /^\{MD5RAW\}/],
  ['authpasswd', ['sha'], /^\{SHA\}/],
  ['authpasswd', ['sha1'], /^\{SHA\}/],
  ['authpasswd', ['ssha'], /^\{SSHA\}/],
  ['authpasswd', ['sha256'], /^\{SHA256\}/],
  ['authpasswd', ['sha512'], /^\{SHA512\}/],
  ['authpasswd', ['crypt'], /^\$6\$/],
  ['authpasswd', ['argon2id'], /^\$argon2id\$/],
  ['authpasswd', ['whatever'], /^\{SSHA\}/],
];
for (const [tool, args, pattern] of hashing) {
  test(`${tool} ${args.join(' ')}`, async () => {
    const out = output();
    const run = tool === 'userdbpw' ? userdbpw : authpasswd;
    assert.equal(await run(args, lines(false, 'secret'), out), 0);
    const hash = out.said.stdout.trimEnd();
    assert.match(hash, pattern);
    assert.equal(await passwords.verify(hash, 'secret'), true);
    assert.equal(await run(args, lines(false), output()), 1);
  });
}

test('userdbpw makes CRAM secrets, and refuses other arguments', async () => {
  const out = output();
  assert.equal(await userdbpw(['-hmac-md5'], lines(false, 'secret'), out), 0);
  assert.equal(out.said.stdout, 'cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56\n');
  assert.equal(await userdbpw(['-sha'], lines(false, 'secret'), out), 1);
  assert.equal(out.said.stderr, 'userdbpw: invalid argument.\n');
});

test('on a terminal the password is asked for until both are the same', async () => {
  const out = output();
  assert.equal(await userdbpw(['-hmac-md5'], lines(true, 'secret', 'other', 'secret', 'secret'), out), 0);
  assert.equal(
    out.said.stderr,
    "Password: \nReenter password: \nPasswords don't match.\nPassword: \nReenter password: \n",
  );
  assert.match(out.said.stdout, /^cd3ba7/);
});

test('authtest prints the account in the words of Courier', async (t) => {
  const { daemon } = await startTestDaemon(t);
  const settings = { socketPath: daemon.socketPath, remoteIp: undefined };
  const out = output();
  assert.equal(await authtest(['-s', 'imap', 'fred', 'secret'], settings, out), 0);
  assert.equal(
    out.said.stdout,
    'Authentication succeeded.\n\n     Authenticated: fred  (uid 1000, gid 1001)\n    Home Directory: /home/fred\n' +
      '           Maildir: Maildir\n             Quota: 1000S\n' +
      'Encrypted Password: {SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\nCleartext Password: secret\n' +
      '           Options: disableimap=0,wbnodsn=0,disableshared=0\n',
  );
});

const authtestCalls: [string, string[], number, string][] = [
  ['a wrong password', ['fred', 'wrong'], 1, 'Authentication FAILED: Operation not permitted\n'],
  ['an unknown id', ['-simap', 'nobody'], 1, 'Authentication FAILED: Operation not permitted\n'],
  ['a change', ['fred', 'secret', 'next'], 0, 'Password change succeeded.\n'],
  ['a refused change', ['fred', 'wrong', 'next'], 1, 'Authentication FAILED: Operation not permitted\n'],
  ['no arguments', [], 1, 'Usage: authtest [-s service] userid [ password [ newpassword ] ]\n'],
  ['a wrong option', ['-x', 'fred'], 1, 'Usage: authtest [-s service] userid [ password [ newpassword ] ]\n'],
];
for (const [name, args, code, stderr] of authtestCalls) {
  test(`authtest: ${name}`, async (t) => {
    const { daemon } = await startTestDaemon(t);
    const out = output();
    assert.equal(await authtest(args, { socketPath: daemon.socketPath, remoteIp: undefined }, out), code);
    assert.deepEqual(out.said, { stdout: '', stderr });
  });
}

test('without a daemon authtest and authenumerate say so', async () => {
  const out = output();
  assert.equal(await authtest(['fred'], { socketPath: '/nonexistent/socket', remoteIp: undefined }, out), 1);
  assert.equal(
    out.said.stderr,
    'ERR: authdaemon: s_connect() failed: No such file or directory\nAuthentication FAILED: No such file or directory\n',
  );
  assert.equal(await authenumerate([], '/nonexistent/socket', out), 1);
});

test('authenumerate lists accounts, with options and without unshared ones', async (t) => {
  const { daemon } = await startTestDaemon(t, {
    userdb:
      'fred\tuid=1000|gid=1001|home=/home/fred|mail=Maildir\nclara\tuid=5|gid=6|home=/c|options=disableshared=1\n' +
      'root\tuid=0|gid=0|home=/root\n',
  });
  const list = async (...args: string[]) => {
    const out = output();
    assert.equal(await authenumerate(args, daemon.socketPath, out), 0);
    return out.said.stdout;
  };
  assert.equal(await list(), 'fred\t1000\t1001\t/home/fred\tMaildir\nclara\t5\t6\t/c\t\n');
  assert.equal(await list('-s', '-o'), 'fred\t1000\t1001\t/home/fred\tMaildir\twbnodsn=1,disableshared=0\n');
  const out = output();
  assert.equal(await authenumerate(['-x'], daemon.socketPath, out), 1);
  assert.equal(out.said.stderr, 'Usage: authenumerate [-s] [-o]\n');
});

test('pw2userdb makes records of passwd and shadow', async (t) => {
  const folder = folderFor(t);
  writeFileSync(
    join(folder, 'passwd'),
    'fred:x:1000:1001:Fred|F,:/home/fred:/bin/sh\n# x\nbad\nnopw:x:5:6::/n:\n',
  );
  writeFileSync(join(folder, 'shadow'), 'fred:$6$a$b:1:::::\n');
  const run = async (...args: string[]) => {
    const out = output();
    const code = await pw2userdb([`--passwd=${folder}/passwd`, `--shadow=${folder}/shadow`, ...args], out);
    return { code, ...out.said };
  };
  assert.equal(
    (await run()).stdout,
    'fred\tuid=1000|gid=1001|home=/home/fred|shell=/bin/sh|systempw=$6$a$b|gecos=Fred.F,\n1000=\tfred\n' +
      'nopw\tuid=5|gid=6|home=/n\n5=\tnopw\n',
  );
  assert.match(
    (await run('--nouid', '--noshadow', '--domain=ex.com')).stdout,
    /^fred@ex\.com\tuid=1000\|gid=1001\|home=\/home\/fred\|shell=\/bin\/sh\|gecos=Fred\.F,\nnopw@/,
  );
  assert.deepEqual(await run('--what'), {
    code: 1,
    stdout: '',
    stderr: 'Unknown option: what\nInvalid options.\n',
  });
});

test('vchkpw2userdb reads users and domains, and writes a file for each', async (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'users'));
  mkdirSync(join(folder, 'domains/ex.com'), { recursive: true });
  writeFileSync(join(folder, 'users/vpasswd'), 'fred:$1$a$b:1:2:Fred:/v/users/fred:NOQUOTA\n');
  writeFileSync(join(folder, 'domains/ex.com/vpasswd'), 'clara:$1$c$d:1:2:Clara:/v/domains/ex.com/clara:\n');
  const out = output();
  assert.equal(await vchkpw2userdb([`--vpopmailhome=${folder}`], out), 0);
  assert.match(
    out.said.stdout,
    /^fred\tuid=1\|gid=2\|home=\/v\/users\/fred\|.*systempw=\$1\$a\$b\|gecos=Fred\nclara@ex\.com\t/,
  );
  const to = join(folder, 'out');
  assert.equal(await vchkpw2userdb([`--vpopmailhome=${folder}`, `--todir=${to}`], out), 0);
  assert.match(readFileSync(join(to, 'ex.com'), 'latin1'), /^clara@ex\.com\t/);
  assert.equal(statSync(join(to, 'users')).mode & 0o777, 0o600);
});

/** What Debian's courierauthconfig 0.72.4 printed. */
const infos: [string, string][] = [
  ['--version', '0.72.4\n'],
  ['--version=', 'yes\n'],
  ['--version=0.72.4', 'yes\n'],
  ['--version=0.72.4.1', 'yes\n'],
  ['--version=0.72.5', 'no\n'],
  ['--version=0.72.10', 'no\n'],
  ['--version=0.7', 'yes\n'],
  ['--version=1', 'no\n'],
  ['--version=x', 'yes\n'],
  ['--cppflags', ''],
  ['--bogus', ''],
  [
    '--configfiles',
    'userdb=/etc/courier/userdb\nauthdaemonrc=/etc/courier/authdaemonrc\nauthldaprc=/etc/courier/authldaprc\n' +
      'authmysqlrc=/etc/courier/authmysqlrc\nauthpgsqlrc=/etc/courier/authpgsqlrc\nmailuser=courier\n' +
      'mailgroup=courier\nmailuid=101\nmailgid=102\nsbindir=/usr/sbin\n',
  ],
];
const facts = {
  userdb: '/etc/courier/userdb',
  configDirectory: '/etc/courier',
  mailUser: { name: 'courier', group: 'courier', uid: 101, gid: 102 },
  sbinDirectory: '/usr/sbin',
};
for (const [argument, expected] of infos)
  test(`authinfo ${argument}`, () => {
    const out = output();
    assert.equal(authinfo([argument], facts, out), 0);
    assert.deepEqual(out.said, { stdout: expected, stderr: '' });
  });
