/** maildirmake, maildiracl and deliverquota say what Debian's Courier's say, and end with the same codes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { peersDirectory } from '../../bench/servers/peers.ts';
import { courierMissing, type SharedMaildir, sharedMaildir } from '../support/peers.ts';

const skip = courierMissing() ?? false;
const root = join(peersDirectory, 'courier');
const program = resolve(import.meta.dirname, '../../bin/postrider');
const owner = 5000;

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool; paths and the program's own are made the same. */
function runTool(
  which: 'courier' | 'postrider',
  maildir: SharedMaildir,
  words: readonly string[],
  input = '',
): Said {
  const path = which === 'courier' ? maildir.insidePath : maildir.path;
  const command = words.map((word) => word.replace('MAILDIR', path));
  // The other one, of maildrop, has one exit code for all that is beyond the quota.
  if (which === 'courier' && command[0] === 'deliverquota') command[0] = '/usr/bin/deliverquota.courier';
  const env = { PATH: process.env['PATH'] ?? '', HOSTNAME: 'mx1', NODE_COMPILE_CACHE: '' };
  const { status, stdout, stderr } =
    which === 'courier'
      ? spawnSync('chroot', [`--userspec=${owner}:${owner}`, root, ...command], { input, env })
      : spawnSync(program, command, { input, env, uid: owner, gid: owner });
  const text = (octets: Buffer) =>
    octets.toString().replaceAll(path, 'MAILDIR').replaceAll('/usr/bin/deliverquota.courier', 'deliverquota');
  return { code: status, stdout: text(stdout), stderr: text(stderr) };
}

/** Command lines one after the other on one maildir of each. */
function compare(t: TestContext, lines: readonly (readonly string[])[], input?: string): void {
  const [theirs, ours] = [sharedMaildir(t), sharedMaildir(t)];
  for (const line of lines)
    assert.deepEqual(
      runTool('postrider', ours, line, input),
      runTool('courier', theirs, line, input),
      line.join(' '),
    );
}

const acl = (...words: string[]) => ['maildiracl', ...words];
const make = (...words: string[]) => ['maildirmake', ...words];

test('maildiracl', { skip }, (t) =>
  compare(t, [
    make('-f', 'a', 'MAILDIR'),
    make('-f', 'a.b', 'MAILDIR'),
    acl(),
    acl('-list', 'MAILDIR'),
    acl('-list', 'MAILDIR', 'INBOX'),
    acl('-list', 'MAILDIR', 'INBOX.a'),
    acl('-list', 'MAILDIR', 'INBOX.none'),
    // Courier's folder has a list of its own as soon as somebody looks.
    acl('-list', 'MAILDIR', 'INBOX.a.b'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'user=bob', 'rl'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'user=bob', '+sd'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'user=bob', '-r'),
    acl('-set', 'MAILDIR', 'INBOX.a', '-user=eve', 'w'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'user=empty', ''),
    acl('-list', 'MAILDIR', 'INBOX.a'),
    acl('-list', 'MAILDIR', 'INBOX.a.b'),
    acl('-compute', 'MAILDIR', 'INBOX.a', 'user=bob', 'user=eve'),
    acl('-compute', 'MAILDIR', 'INBOX.a', 'owner'),
    acl('-compute', 'MAILDIR', 'INBOX.a', 'user=nobody'),
    acl('-delete', 'MAILDIR', 'INBOX.a', 'user=bob'),
    acl('-delete', 'MAILDIR', 'INBOX.a', 'user=nobody'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'owner', 'r'),
    acl('-set', 'MAILDIR', 'INBOX.a', '-owner', 'l'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'administrators', 'r'),
    acl('-delete', 'MAILDIR', 'INBOX.a', 'owner'),
    acl('-set', 'MAILDIR', 'INBOX..a', 'user=x', 'l'),
    acl('-set', 'MAILDIR', 'inbox', 'user=x', 'l'),
    acl('-set', 'MAILDIR', 'INBOX.a/b', 'user=x', 'l'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'user=x y', 'l'),
    acl('-set', 'MAILDIR', 'INBOX.a', 'user=x'),
    acl('-list', 'MAILDIR', 'INBOX.a'),
    acl('-reset', 'MAILDIR'),
    acl('-nonsense', 'MAILDIR', 'INBOX'),
  ]),
);

test('maildirmake', { skip }, (t) =>
  compare(t, [
    make(),
    make('-x', 'MAILDIR'),
    make('MAILDIR'),
    make('-f', 'a', 'MAILDIR'),
    make('-f', 'a', 'MAILDIR'),
    make('-f', '.a', 'MAILDIR'),
    make('-F', 'x.y', 'MAILDIR'),
    make('-s', 'read', 'MAILDIR'),
    make('-s', 'write,group', '-f', 's', 'MAILDIR'),
    make('-q', '1000S,5C', 'MAILDIR'),
    make('-q', '1000X', 'MAILDIR'),
    make('-q', 'nothing', 'MAILDIR'),
    make('-S', 'MAILDIR/new-one'),
    make('--add', 'pub=/tmp', 'MAILDIR'),
    make('--add', 'pub=/tmp', 'MAILDIR'),
    make('--add', 'pub', 'MAILDIR'),
    make('--add', 'x=relative', 'MAILDIR'),
    make('--add', 'y=/nonexistent', 'MAILDIR'),
    make('--del', 'pub', 'MAILDIR'),
    make('--del', 'pub', 'MAILDIR'),
    make('MAILDIR/none/deep'),
  ]),
);

test('deliverquota', { skip }, (t) => {
  const deliver = (...words: string[]) => ['deliverquota', ...words];
  compare(
    t,
    [
      deliver(),
      deliver('MAILDIR'),
      deliver('MAILDIR', '100S'),
      deliver('MAILDIR', '10S'),
      deliver('-w', '90', 'MAILDIR', '100S'),
      deliver('MAILDIR', 'nonsense'),
      deliver('MAILDIR/.none'),
      deliver('-c', 'MAILDIR/made/here', '500S'),
    ],
    'Subject: x\n\nx\n',
  );
});

test('deliverquota warns with the message of a file', { skip }, (t) => {
  const [theirs, ours] = [sharedMaildir(t), sharedMaildir(t)];
  const said = [theirs, ours].map((maildir, i) => {
    const file = join(maildir.path, 'warning');
    writeFileSync(file, 'Subject: warning\n\nfull\n');
    chownSync(file, owner, owner);
    chmodSync(file, 0o644);
    const words = ['deliverquota', '-w', '10', '-W', 'MAILDIR/warning', 'MAILDIR', '100S'];
    return runTool(i === 0 ? 'courier' : 'postrider', maildir, words, 'Subject: x\n\nx\n');
  });
  assert.deepEqual(said[1], said[0]);
});
