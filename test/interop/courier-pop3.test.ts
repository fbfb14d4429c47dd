/** POP3 of Debian's Courier and of Postrider on the same maildir: unique ids and sizes, whoever comes first. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { mailOwner } from '../../bench/servers/server.ts';
import { courierMissing, runInCourier, type SharedMaildir, sharedMaildir } from '../support/peers.ts';

const skip = courierMissing() ?? false;
const program = resolve(import.meta.dirname, '../../bin/postrider');

type Server = (maildir: SharedMaildir, commands: readonly string[]) => string;

const courier: Server = ({ insidePath }, commands) =>
  runInCourier(['/usr/lib/courier/courier/courierpop3d', insidePath], `${commands.join('\r\n')}\r\nQUIT\r\n`);

const postrider: Server = ({ path }, commands) => {
  const { stdout, status } = spawnSync(program, ['pop3d', path], {
    cwd: resolve(path, '..'),
    input: `${commands.join('\r\n')}\r\nQUIT\r\n`,
    encoding: 'latin1',
    env: { PATH: process.env['PATH'], AUTHENTICATED: 'test', NODE_COMPILE_CACHE: '' },
    ...mailOwner,
  });
  assert.equal(status, 0);
  return stdout;
};

const servers = { courier, postrider } as const;

/** What UIDL and LIST say in a session that first does something else. */
function look(
  server: Server,
  maildir: SharedMaildir,
  ...before: string[]
): { ids: string[]; sizes: string[] } {
  const output = server(maildir, [...before, 'UIDL', 'LIST']);
  const [, ids, sizes] =
    /\r\n\+OK[^\r]*\r\n(1 [^.].*?|)\.\r\n\+OK[^\r]*\r\n([\d \r\n]*)\.\r\n\+OK Bye/s.exec(output) ?? [];
  assert.notEqual(ids, undefined, output);
  return { ids: ids!.split('\r\n').slice(0, -1), sizes: sizes!.split('\r\n').slice(0, -1) };
}

function put(maildir: SharedMaildir, place: string, text = `Subject: ${place}\n\nBody.\n`): void {
  const file = join(maildir.path, place);
  writeFileSync(file, text, 'latin1');
  chownSync(file, mailOwner.uid, mailOwner.gid);
}

const names = ['1700000001.M1P1.host', "1700000002.a+b'c.h", '1700000003.M3P3.host,S=9'];

/** Courier's file in each of its generations, and the ids it stands for. */
const generations: readonly { release: string; list: string | undefined; ids: readonly string[] }[] = [
  { release: 'no file', list: undefined, ids: [] },
  {
    release: '5.0',
    list: `/3 9 1600000000\n${names[0]}:2, 77 4:1600000000:0\n${names[1]}:2,S 78 0:0:0\n${names[2]}:2, 79 7:0:1\n`,
    ids: ['UID4-1600000000', '1700000002.a+2Bb+27c.h', 'UID7'],
  },
  {
    release: '2.1',
    list: `/2 9 1600000000\n${names[0]}:2, 77 4:1600000000\n${names[1]}:2,S 78 0:0\n${names[2]}:2, 79 7:0\n`,
    ids: ['UID4-1600000000', '1700000002.a+2Bb+27c.h', 'UID7'],
  },
];

/** Courier 5.2 gives these up; releases before, and Postrider, keep them. */
const older: typeof generations = [
  {
    release: '2.0',
    list: `/1 9\n${names[0]}:2, 77 4\n${names[1]}:2,S 78 5\n${names[2]}:2, 79 7\n`,
    ids: ['UID4', 'UID5', 'UID7'],
  },
  {
    release: '1.7',
    list: `${names[0]}:2, 77\n${names[1]}:2,S 78\n${names[2]}:2, 79\n`,
    ids: ['1700000001.M1P1.host', '1700000002.a+2Bb+27c.h', '1700000003.M3P3.host,S=9'],
  },
];

function prepare(t: TestContext, list: string | undefined): SharedMaildir {
  const maildir = sharedMaildir(t);
  for (const name of names) put(maildir, `cur/${name}:2,`);
  if (list !== undefined) put(maildir, 'courierpop3dsizelist', list);
  return maildir;
}

/** Both in turn: with new mail, after reading it, after deleting. Nobody may change an id. */
function takeTurns(maildir: SharedMaildir, first: Server, second: Server): string[] {
  const { ids } = look(first, maildir);
  assert.deepEqual(look(second, maildir).ids, ids);
  put(maildir, 'new/1700000004.four');
  const four = look(second, maildir, 'RETR 1', 'TOP 2 0').ids;
  assert.deepEqual(four.slice(0, ids.length), ids);
  assert.equal(four.length, ids.length + 1);
  put(maildir, 'new/1700000005.five');
  const five = look(first, maildir, 'RETR 2', 'RETR 4').ids;
  assert.deepEqual(five.slice(0, four.length), four);
  second(maildir, ['RETR 5', 'DELE 1']);
  first(maildir, ['DELE 3']);
  const left = look(second, maildir);
  assert.deepEqual(
    left.ids.map(idOf),
    [1, 2, 4].map((i) => idOf(five[i]!)),
  );
  assert.deepEqual(look(first, maildir), left);
  return ids.map(idOf);
}

function idOf(line: string): string {
  return line.split(' ')[1]!;
}

for (const { release, list, ids } of generations)
  for (const [one, other] of [
    ['courier', 'postrider'],
    ['postrider', 'courier'],
  ] as const)
    test(`unique ids of release ${release}, ${one} first`, { skip }, (t) => {
      const maildir = prepare(t, list);
      const found = takeTurns(maildir, servers[one], servers[other]);
      if (list === undefined) for (const id of found) assert.match(id, /^UID[123]-\d+$/);
      else assert.deepEqual(found, ids);
    });

for (const { release, list, ids } of older)
  test(`unique ids of release ${release} stay, also for Courier, once Postrider has been there`, {
    skip,
  }, (t) => {
    const maildir = prepare(t, list);
    assert.deepEqual(takeTurns(maildir, postrider, courier), ids);
  });

test('a size that Courier counted wrong is right in RETR, and in LIST once the message was read', {
  skip,
}, (t) => {
  const maildir = sharedMaildir(t);
  put(maildir, 'cur/1.crlf:2,', 'Subject: crlf\r\n\r\nBody.\r\n');
  put(maildir, 'cur/2.unfinished:2,', 'Subject: end\n\nno end');
  put(maildir, 'cur/3.plain:2,', '.first line\n\n.\n..two\n');
  assert.deepEqual(look(courier, maildir).sizes, ['1 27', '2 22', '3 25']);
  const output = postrider(maildir, ['RETR 1', 'RETR 2', 'RETR 3', 'LIST']);
  assert.ok(output.includes('+OK 24 octets follow.\r\nSubject: crlf\r\n\r\nBody.\r\n.\r\n'), output);
  assert.ok(output.includes('+OK 24 octets follow.\r\nSubject: end\r\n\r\nno end\r\n.\r\n'), output);
  assert.ok(output.includes('+OK 25 octets follow.\r\n..first line\r\n\r\n..\r\n...two\r\n.\r\n'), output);
  assert.match(output, /\r\n1 24\r\n2 24\r\n3 25\r\n\.\r\n\+OK Bye/);
  assert.deepEqual(look(postrider, maildir).sizes, ['1 24', '2 24', '3 25']);
  assert.deepEqual(look(courier, maildir).sizes, ['1 24', '2 24', '3 25']);
});
