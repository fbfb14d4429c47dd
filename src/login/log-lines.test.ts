import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textLog } from '../base/log.ts';
import type { Connection } from '../net/connection.ts';
import {
  authenticationErrorLine,
  connectionLine,
  disconnectedBeforeLoginLine,
  lockedLine,
  loginFailedLine,
  loginLine,
  logoutBeforeLoginLine,
  sessionEndLine,
} from './log-lines.ts';

const plain = {
  remoteAddress: '192.0.2.7',
  remotePort: 40000,
  secure: false,
  octetsRead: 12,
  octetsWritten: 345,
} as Connection;
const secure = { ...plain, remoteAddress: '2001:db8::1', secure: true } as Connection;
const counts = { user: 'a@b', headerOctets: 1, bodyOctets: 2, seconds: 3.4 };
const end = 'ip=[::ffff:192.0.2.7], port=[40000]';

for (const [line, expected] of [
  [connectionLine(plain), `Connection, ${end}`],
  [loginLine(plain, 'a@b', 'IMAP'), `LOGIN, user=a@b, ${end}, protocol=IMAP`],
  [
    loginLine(secure, 'a', 'IMAP'),
    'LOGIN, user=a, ip=[2001:db8::1], port=[40000], protocol=IMAP, starttls=1',
  ],
  [loginLine(plain, 'a', 'SMAP1'), `LOGIN, user=a, ${end}, protocol=SMAP1`],
  [loginLine(secure, 'a', 'POP3'), 'LOGIN, user=a, ip=[2001:db8::1], port=[40000], stls=1'],
  [lockedLine(plain, 'x'), `LOCKED, user=x, ${end}`],
  [loginFailedLine(plain, { user: 'x' }), `LOGIN FAILED, user=x, ${end}`],
  [loginFailedLine(plain, { method: 'PLAIN' }), `LOGIN FAILED, method=PLAIN, ${end}`],
  [logoutBeforeLoginLine(plain, 'IMAP'), `LOGOUT, ${end}, rcvd=12, sent=345`],
  [logoutBeforeLoginLine(plain, 'POP3'), `LOGOUT, ${end}`],
  [disconnectedBeforeLoginLine(plain, 'IMAP', 59.6), `Disconnected, ${end}, time=60`],
  [disconnectedBeforeLoginLine(plain, 'POP3', 1), `Disconnected, ${end}`],
  [
    sessionEndLine(plain, 'IMAP', 'logout', counts),
    `LOGOUT, user=a@b, ${end}, headers=1, body=2, rcvd=12, sent=345, time=3`,
  ],
  [
    sessionEndLine(secure, 'IMAP', 'timeout', counts),
    'TIMEOUT, user=a@b, ip=[2001:db8::1], port=[40000], headers=1, body=2, rcvd=12, sent=345, time=3, starttls=1',
  ],
  [
    sessionEndLine(plain, 'POP3', 'disconnected', counts),
    `DISCONNECTED, user=a@b, ${end}, top=1, retr=2, rcvd=12, sent=345, time=3`,
  ],
  [
    sessionEndLine(plain, 'IMAP', 'shutdown', counts),
    `Disconnected during shutdown by signal, user=a@b, ${end}, headers=1, body=2, rcvd=12, sent=345, time=3`,
  ],
  [authenticationErrorLine('Connection refused'), 'authentication error: Connection refused'],
] as const) {
  test(expected, () => assert.equal(line, expected));
}

test('a user name with a line break does not forge a line', () => {
  const lines: string[] = [];
  const log = textLog((line) => lines.push(line));
  log.info(loginFailedLine(plain, { user: 'x\r\nINFO: LOGIN, user=root' }));
  assert.deepEqual(lines, [`INFO: LOGIN FAILED, user=x\\x0d\\x0aINFO: LOGIN\\x2c user=root, ${end}\n`]);
});
