/**
 * Courier's account tools and ours, the same calls on equal files: output, exit code, and what the file says
 * afterwards. Both ask our authentication daemon.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { peersDirectory } from '../../bench/servers/peers.ts';
import { startTestDaemon } from '../support/auth-daemon.ts';
import { courierMissing } from '../support/peers.ts';
import { privateFolder, removeFolder } from '../support/private-server.ts';

const skip = courierMissing() ?? false;
const root = join(peersDirectory, 'courier');
const program = resolve(import.meta.dirname, '../../bin/postrider');

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function outcome(command: readonly string[], input: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const child = spawn(command[0]!, command.slice(1), { env });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  // Perl ends with whatever errno happened to be; a message may end in an empty line.
  return { code: code === 0 ? 0 : 1, stdout: said.stdout, stderr: said.stderr.replace(/\n+$/, '\n') };
}

/** Two configuration directories, and how to run a tool with each. */
function both(t: TestContext, run: string) {
  const folder = privateFolder('auth-tools');
  t.after(() => removeFolder(folder));
  const theirs = join(folder, 'theirs');
  const ours = join(folder, 'ours');
  cpSync(join(root, 'etc/courier'), theirs, { recursive: true });
  mkdirSync(ours);
  writeFileSync(join(ours, 'authdaemonrc'), `authdaemonvar=${run}\n`);
  return {
    theirs,
    ours,
    async courier(words: readonly string[], input = ''): Promise<Outcome> {
      const mounts = `mount --bind ${run} ${root}/run/courier/authdaemon && mount --bind ${theirs} ${root}/etc/courier`;
      const command = ['unshare', '-m', 'sh', '-c', `${mounts} && exec chroot ${root} "$@"`, 'sh', ...words];
      return outcome(command, input, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });
    },
    async postrider(words: readonly string[], input = ''): Promise<Outcome> {
      const env = { PATH: process.env['PATH'], POSTRIDER_CONFIG: ours, NODE_COMPILE_CACHE: '' };
      const { code, stdout, stderr } = await outcome([program, ...words], input, env);
      const same = (text: string) => text.replaceAll(ours, '/etc/courier');
      return { code, stdout: same(stdout), stderr: same(stderr) };
    },
  };
}

/** The order of fields after a change is nobody's business. */
function records(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'latin1').split('\n');
  return lines.map((line) =>
    line.replace(/\t(.*)/, (_, fields: string) => `\t${fields.split('|').sort().join('|')}`),
  );
}

const start =
  '# accounts\nfred\tuid=1000|gid=1000|home=/h/fred\n\nann@ex.com\tuid=1001|gid=1001|home=/h/ann|quota=5S\n';
const calls: [string[], string?][] = [
  [['userdb', '-show']],
  [['userdb', '-show', 'fred']],
  [['userdb', '-show', 'nobody']],
  [['userdb', 'fred', 'set', 'quota=1000S', 'options=a=1,b=2']],
  [['userdb', 'fred', 'set', 'systempw'], '$1$salt$hash\n'],
  [['userdb', 'fred', 'set', 'systempw'], ''],
  [['userdb', 'new', 'set', 'uid=5', 'gid=5', 'home=/n']],
  [['userdb', 'new', 'unset', 'home']],
  [['userdb', 'new', 'unset', 'nothing']],
  [['userdb', 'nobody', 'unset', 'home']],
  [['userdb', 'nobody', 'del']],
  [['userdb', 'ann@ex.com', 'del']],
  [['userdb', 'fred', 'set', 'home=/a|b']],
  [['userdb']],
  [['userdb', 'fred']],
  [['userdb', 'fred', 'put', 'a=b']],
  [['userdb', '-show']],
  [['userdb', '-show', '-f', '/etc/courier/userdb', 'fred']],
];

test('userdb', { skip, timeout: 60_000 }, async (t) => {
  const { daemon } = await startTestDaemon(t);
  const tools = both(t, resolve(daemon.socketPath, '..'));
  for (const directory of [tools.theirs, tools.ours]) {
    rmSync(join(directory, 'userdb'), { recursive: true, force: true });
    writeFileSync(join(directory, 'userdb'), start, { mode: 0o600 });
  }
  for (const [words, input] of calls) {
    await t.test(words.join(' '), async () => {
      const expected = await tools.courier(words, input);
      const local = words.map((word) => word.replace('/etc/courier', tools.ours));
      const found = await tools.postrider(local, input);
      const sorted = ({ stdout }: Outcome) => {
        if (words[1] === '-show') return stdout.split('\n').sort();
        // Only that it is one, and its length.
        return stdout.startsWith('Usage: ') ? stdout.split('\n').length : stdout;
      };
      assert.deepEqual({ ...found, stdout: sorted(found) }, { ...expected, stdout: sorted(expected) });
      assert.deepEqual(records(join(tools.ours, 'userdb')), records(join(tools.theirs, 'userdb')));
    });
  }
});

/** Where the configured userdb is a directory. */
const inDirectory: [string[], string?][] = [
  [['userdb', 'fred', 'set', 'uid=1']],
  [['userdb', 'dom/fred', 'set', 'uid=1', 'gid=1', 'home=/d']],
  [['userdb', 'sub/dom/ann', 'set', 'uid=2', 'gid=2', 'home=/a']],
  [['userdb', 'sub/fred', 'set', 'uid=1']],
  [['userdb', '-show', 'dom/fred']],
  [['userdb', '-show', 'sub/dom/ann']],
  [['userdb', 'dom/fred', 'del']],
  [['makeuserdb']],
];
test('userdb in a directory', { skip, timeout: 60_000 }, async (t) => {
  const { daemon } = await startTestDaemon(t);
  const tools = both(t, resolve(daemon.socketPath, '..'));
  for (const directory of [tools.theirs, tools.ours]) {
    rmSync(join(directory, 'userdb'), { recursive: true, force: true });
    mkdirSync(join(directory, 'userdb/sub'), { recursive: true, mode: 0o700 });
  }
  for (const [words, input] of inDirectory) {
    await t.test(words.join(' '), async () => {
      const expected = await tools.courier(words, input);
      const found = await tools.postrider(words, input);
      const sorted = ({ stdout }: Outcome) => stdout.split('\n').sort();
      assert.deepEqual({ ...found, stdout: sorted(found) }, { ...expected, stdout: sorted(expected) });
      for (const file of ['dom', 'sub/dom'])
        assert.deepEqual(
          records(join(tools.ours, 'userdb', file)),
          records(join(tools.theirs, 'userdb', file)),
        );
    });
  }
});

const texts: [string, string, number][] = [
  ['a good text', start, 0o600],
  ['a duplicate', `${start}fred\tuid=1\n`, 0o600],
  ['a text that the group may read', start, 0o640],
  ['a text that others may read', start, 0o604],
  ['a line without TAB', `${start}nothing\n`, 0o600],
];
for (const [name, text, mode] of texts) {
  test(`makeuserdb of ${name}`, { skip, timeout: 60_000 }, async (t) => {
    const { daemon } = await startTestDaemon(t);
    const tools = both(t, resolve(daemon.socketPath, '..'));
    for (const directory of [tools.theirs, tools.ours]) {
      rmSync(join(directory, 'userdb'), { recursive: true, force: true });
      writeFileSync(join(directory, 'userdb'), text);
      chmodSync(join(directory, 'userdb'), mode);
    }
    assert.deepEqual(await tools.postrider(['makeuserdb']), await tools.courier(['makeuserdb']));
  });
}

const asked: string[][] = [
  ['authtest', 'fred'],
  ['authtest', '-s', 'pop3', 'fred'],
  ['authtest', '-simap', 'fred', 'secret'],
  ['authtest', 'fred', 'wrong'],
  ['authtest', 'nobody'],
  ['authtest', 'cryptonly@ex.com'],
  ['authtest'],
  ['authtest', '-x', 'fred'],
  ['authtest', 'fred', 'a', 'b', 'c'],
  ['authtest', 'fred', 'wrong', 'new'],
  ['authtest', 'fred', ''],
  ['authtest', 'fr\ned', 'x'],
  ['authenumerate'],
  ['authenumerate', '-o'],
  ['authenumerate', '-s'],
  ['authenumerate', '-s', '-o'],
  ['authenumerate', '-x'],
  ['authtest', 'fred', 'secret', 'other'],
];

test('authtest and authenumerate', { skip, timeout: 60_000 }, async (t) => {
  const { daemon, client } = await startTestDaemon(t);
  const tools = both(t, resolve(daemon.socketPath, '..'));
  for (const words of asked) {
    await t.test(words.join(' '), async () => {
      const expected = await tools.courier(words);
      if (words.at(-1) === 'other') await client.changePassword('login', 'fred', 'other', 'secret');
      const found = await tools.postrider(words);
      assert.deepEqual(found, expected);
    });
  }
});

test('authtest without a daemon', { skip }, async (t) => {
  const folder = privateFolder('nobody');
  t.after(() => removeFolder(folder));
  const tools = both(t, folder);
  for (const words of [['authtest', 'fred'], ['authtest', 'fred', 'a', 'b'], ['authenumerate']])
    assert.deepEqual(await tools.postrider(words), await tools.courier(words), words.join(' '));
});

const hashing: [string[], string?][] = [
  [['userdbpw', '-hmac-md5'], 'secret\n'],
  [['userdbpw', '-hmac-sha1'], 'secret\n'],
  [['userdbpw', '-hmac-sha256'], 'secret\n'],
  [['userdbpw', '-hmac-sha256'], `${'x'.repeat(80)}\n`],
  [['userdbpw', '-nothing'], 'secret\n'],
  [['userdbpw'], ''],
  [['authpasswd', 'md5'], 'secret\n'],
  [['authpasswd', 'md5raw'], 'secret\n'],
  [['authpasswd', 'sha'], 'secret\n'],
  [['authpasswd', 'sha256'], 'secret\n'],
  [['authpasswd', 'sha512'], 'secret\n'],
  [['authpasswd'], ''],
];
test('userdbpw and authpasswd', { skip, timeout: 60_000 }, async (t) => {
  const { daemon } = await startTestDaemon(t);
  const tools = both(t, resolve(daemon.socketPath, '..'));
  for (const [words, input] of hashing) {
    await t.test(`${words.join(' ')} ${input?.trim() ?? ''}`, async () =>
      assert.deepEqual(await tools.postrider(words, input), await tools.courier(words, input)),
    );
  }
});

test('pw2userdb', { skip, timeout: 60_000 }, async (t) => {
  const { daemon } = await startTestDaemon(t);
  const tools = both(t, resolve(daemon.socketPath, '..'));
  const passwd = 'fred:x:1000:1001:Fred F,|,,:/home/fred:/bin/sh\nann:$1$a$b:1002:1002::/home/ann:\n';
  const shadow = 'fred:$6$salt$hash:19000:0:99999:7:::\nann:*:19000::::::\n';
  for (const directory of [tools.theirs, tools.ours]) {
    writeFileSync(join(directory, 'p'), passwd);
    writeFileSync(join(directory, 's'), shadow);
  }
  const options = [[], ['--nouid'], ['--noshadow'], ['--domain=ex.com'], ['--bogus']];
  for (const more of options) {
    await t.test(more.join(' '), async () => {
      const words = (directory: string) => [
        'pw2userdb',
        `--passwd=${directory}/p`,
        `--shadow=${directory}/s`,
        ...more,
      ];
      const expected = await tools.courier(words('/etc/courier'));
      const found = await tools.postrider(words(tools.ours));
      const sorted = ({ stdout }: Outcome) =>
        stdout
          .split('\n')
          .map((line) => line.split(/[\t|]/).sort().join('|'))
          .sort();
      assert.deepEqual({ ...found, stdout: sorted(found) }, { ...expected, stdout: sorted(expected) });
    });
  }
});
