import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLog } from './json-log.ts';

function written(use: (log: ReturnType<typeof jsonLog>) => void): unknown[] {
  const lines: string[] = [];
  use(
    jsonLog(
      (line) => lines.push(line),
      () => new Date('2026-11-04T17:05:09Z'),
    ),
  );
  for (const line of lines) assert.match(line, /^[^\n]*\n$/);
  return lines.map((line) => JSON.parse(line) as unknown);
}

const time = '2026-11-04T17:05:09.000Z';
const info = { time, level: 'info', service: 'imapd' };

for (const [line, expected] of [
  [
    'imapd#a1-2\tINFO: LOGIN, user=ann, ip=[::ffff:192.0.2.7], port=[4711], protocol=IMAP',
    {
      ...info,
      session: 'a1-2',
      event: 'LOGIN',
      user: 'ann',
      ip: '::ffff:192.0.2.7',
      port: 4711,
      protocol: 'IMAP',
    },
  ],
  [
    'imapd\tINFO: DISCONNECTED, user=ann, ip=[::1], port=[1], headers=0, body=5, rcvd=7, sent=9, time=3, starttls=1',
    {
      ...info,
      event: 'DISCONNECTED',
      user: 'ann',
      ip: '::1',
      port: 1,
      headers: 0,
      body: 5,
      rcvd: 7,
      sent: 9,
      seconds: 3,
      starttls: 1,
    },
  ],
  [
    'imapd\tINFO: LOGIN FAILED, method=PLAIN, ip=[::1], port=[1]',
    { ...info, event: 'LOGIN FAILED', method: 'PLAIN', ip: '::1', port: 1 },
  ],
  [
    'imapd\tINFO: LOGIN FAILED, user=x, ip=[6.6.6.6], port=[6], ip=[::1], port=[1]',
    { ...info, event: 'LOGIN FAILED', user: 'x, ip=[6.6.6.6], port=[6]', ip: '::1', port: 1 },
  ],
  ['imapd\tERR: 40 maximum active connections.', { ...info, level: 'error' }],
  ['WARN: from the supervisor', { time, level: 'warning', service: 'postrider' }],
  ['Error: a stack', { time, level: 'info', service: 'postrider' }],
] as const) {
  test(`structured: ${line}`, () => {
    const message = line.replace(/^[^\t]*\t/, '').replace(/^(ERR|WARN|INFO|DEBUG): /, '');
    assert.deepEqual(
      written((log) => log.relay(line, 'postrider')),
      [{ ...expected, message }],
    );
  });
}

test('a line of the supervisor itself, control characters escaped', () =>
  assert.deepEqual(
    written((log) => log.named('postrider').warn('a\nb')),
    [{ time, level: 'warning', service: 'postrider', message: 'a\\x0ab' }],
  ));
