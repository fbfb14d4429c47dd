import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import koffi from '../base/native.ts';
import { Syslog } from './syslog.ts';
import { UnixDatagram, unixAddress } from './unix-datagram.ts';

const clock = () => new Date(2026, 10, 4, 17, 5, 9);

function written(use: (syslog: Syslog) => void): string[] {
  const lines: string[] = [];
  const socket = {
    send(octets: Buffer) {
      lines.push(octets.toString());
      return true;
    },
  };
  use(new Syslog(socket, new Map([['pop3d', 'local3']]), false, clock));
  return lines;
}

for (const [line, expected] of [
  ['imapd\tINFO: LOGIN, user=a', '<22>Nov  4 17:05:09 imapd: LOGIN, user=a'],
  ['imapd-ssl\tERR: bad', '<19>Nov  4 17:05:09 imapd-ssl: bad'],
  ['pop3d\tDEBUG: Connection', '<159>Nov  4 17:05:09 pop3d: Connection'],
  ['imapd#a-1\tINFO: LOGOUT, user=a', '<22>Nov  4 17:05:09 imapd: LOGOUT, user=a'],
  ['WARN: from the supervisor', '<20>Nov  4 17:05:09 postrider: from the supervisor'],
  ['Error: a stack', '<22>Nov  4 17:05:09 postrider: Error: a stack'],
  ['imapd\tNOTICE: shutdown', '<22>Nov  4 17:05:09 imapd: NOTICE: shutdown'],
] as const) {
  test(`relays ${JSON.stringify(line)}`, () =>
    assert.deepEqual(
      written((syslog) => syslog.relay(line, 'postrider')),
      [expected],
    ));
}

test('lines are cut at 511 octets, control characters escaped', () => {
  const [line] = written((syslog) => syslog.named('imapd').info(`a\nb${'x'.repeat(600)}`));
  assert.equal(line, `<22>Nov  4 17:05:09 imapd: a\\x0ab${'x'.repeat(511 - 6)}`);
});

test('as objects, if asked for', () => {
  const lines: string[] = [];
  const socket = {
    send(octets: Buffer) {
      lines.push(octets.toString());
      return true;
    },
  };
  new Syslog(socket, new Map(), true, clock).relay('imapd#a-1\tWARN: full', 'postrider');
  const [, head, object] = /^(<20>Nov {2}4 17:05:09 imapd: )(.*)$/.exec(lines[0]!) ?? [];
  assert.ok(head);
  const { time: _, ...fields } = JSON.parse(object!) as Record<string, string>;
  assert.deepEqual(fields, { level: 'warning', service: 'imapd', session: 'a-1', message: 'full' });
});

test('lost lines are counted and told when somebody listens again', () => {
  const lines: string[] = [];
  let works = false;
  const socket = {
    send(octets: Buffer) {
      if (works) lines.push(octets.toString());
      return works;
    },
  };
  const log = new Syslog(socket, new Map(), false, clock).named('imapd');
  log.info('one');
  log.info('two');
  works = true;
  log.info('three');
  assert.deepEqual(lines, [
    '<20>Nov  4 17:05:09 imapd: 2 log lines were lost',
    '<22>Nov  4 17:05:09 imapd: three',
  ]);
});

const directory = mkdtempSync(join(tmpdir(), 'postrider-datagram-'));
const path = join(directory, 'log');
const libc = koffi.load('libc.so.6');
const receive = libc.func('int64_t recv(int fd, _Out_ uint8_t *octets, uint64_t length, int flags)');
let fd: number;

before(() => {
  fd = libc.func('int socket(int domain, int type, int protocol)')(1, 2, 0);
});
after(() => {
  libc.func('int close(int fd)')(fd);
  rmSync(directory, { recursive: true });
});

test('datagrams arrive whole, once there is a receiver', () => {
  const socket = new UnixDatagram(path);
  assert.equal(socket.send(Buffer.from('too early')), false);
  const address = unixAddress(path);
  const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
  assert.equal(bind(fd, address, address.length), 0);
  assert.equal(socket.send(Buffer.from('first')), true);
  assert.equal(socket.send(Buffer.from('second')), true);
  const octets = Buffer.alloc(64);
  const next = () => octets.toString('latin1', 0, Number(receive(fd, octets, octets.length, 0x40)));
  assert.deepEqual([next(), next()], ['first', 'second']);
  socket.close();
});

test('a receiver that does not read costs datagrams, not time', () => {
  const socket = new UnixDatagram(path);
  let sent = 0;
  while (socket.send(Buffer.alloc(1000)) && sent < 100_000) sent++;
  assert.ok(sent < 100_000);
  socket.close();
});
