import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Log, silentLog } from '../base/log.ts';
import { Admission } from './admission.ts';
import { SeldomLines, seldomKeeper } from './seldom.ts';
import type { ConnectionLimits, ServiceName } from './settings.ts';
import { SharedCounts } from './shared-counts.ts';

function withLog(admission: Admission, log: Log) {
  return {
    admit: (service: ServiceName, address: string, limits: ConnectionLimits) =>
      admission.admit(service, address, limits, log),
  };
}

function makeAdmission() {
  const lines: string[] = [];
  const note = (line: string) => {
    lines.push(line);
  };
  const counts = new SharedCounts(
    () => Promise.resolve(undefined),
    () => {},
  );
  const log = { debug: note, info: note, warn: note, error: note };
  const keeper = seldomKeeper(() => 0);
  const seldom = (kind: string, write: () => void) => {
    if (keeper(kind)) write();
  };
  return { admission: withLog(new Admission(counts, seldom), log), lines, counts };
}

const limits = { connections: 3, perAddress: 2, perBlock: 2, perAccount: undefined, warnAt: 3 };

test('-maxperc counts an IPv4 /24 and gives back what a refused client had taken', () => {
  const { admission, lines, counts } = makeAdmission();
  const first = admission.admit('imap', '192.0.2.1', limits);
  void admission.admit('imap', '192.0.2.2', limits);
  assert.equal(admission.admit('imap', '192.0.2.3', limits), 'address');
  assert.equal(counts.used('imap 192.0.2.3'), 0);
  assert.equal(counts.used('imap'), 2);
  assert.ok(typeof first === 'object' && 'release' in first);
  first.release();
  assert.equal(typeof admission.admit('imap', '192.0.2.3', limits), 'object');
  assert.equal(typeof admission.admit('imap', '192.0.3.3', limits), 'object');
  assert.deepEqual(lines, ['3 active connections.']);
});

test('-maxperc counts an IPv6 /120', () => {
  const { admission } = makeAdmission();
  for (const address of ['2001:db8::1', '2001:db8::ff']) void admission.admit('imap', address, limits);
  assert.equal(admission.admit('imap', '2001:db8::2', limits), 'address');
  assert.equal(typeof admission.admit('imap', '2001:db8::100', limits), 'object');
});

test('MAXPERIP and MAXDAEMONS refuse with their lines, the second once a minute', () => {
  const { admission, lines } = makeAdmission();
  const many = { ...limits, perBlock: undefined };
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) void admission.admit('imap', address, many);
  assert.equal(admission.admit('imap', '192.0.2.1', many), 'address');
  assert.equal(admission.admit('imap', '192.0.2.3', many), 'server');
  assert.equal(admission.admit('imap', '192.0.2.4', many), 'server');
  assert.deepEqual(lines, [
    '3 active connections.',
    'Maximum connection limit reached for ::ffff:192.0.2.1',
    '3 maximum active connections.',
  ]);
});

test('a session counts against a limit of its own, until its connection is over', async () => {
  const { admission, counts } = makeAdmission();
  const wide = { ...limits, connections: 9, perAddress: 9, perBlock: undefined };
  const entries = [1, 2, 3].map(() => admission.admit('imap', '192.0.2.1', wide));
  const claims = entries.map((entry) => {
    assert.ok(typeof entry === 'object' && 'claim' in entry);
    return entry.claim('account 192.0.2.1 ann', 2);
  });
  assert.deepEqual(claims, [true, true, false]);
  const [first, , third] = entries;
  assert.ok(typeof first === 'object' && 'release' in first);
  assert.ok(typeof third === 'object' && 'claim' in third);
  first.release();
  assert.equal(third.claim('account 192.0.2.1 ann', 2), true);
  assert.equal(counts.used('account 192.0.2.1 ann'), 2);
  first.release();
  assert.equal(counts.used('account 192.0.2.1 ann'), 2);
});

test('a claim that is granted after the connection has gone is given back', async () => {
  let lend = (_lender: number | undefined) => {};
  const given: string[] = [];
  const counts = new SharedCounts(
    () =>
      new Promise((resolve) => {
        lend = resolve;
      }),
    (key) => given.push(key),
  );
  counts.configure(1, 2);
  const entry = new Admission(counts, () => {}).admit(
    'imap',
    '192.0.2.1',
    { ...limits, connections: 8 },
    silentLog,
  );
  assert.ok(typeof entry === 'object' && 'claim' in entry);
  const claim = entry.claim('account', 1);
  entry.release();
  lend(0);
  assert.equal(await claim, true);
  assert.equal(counts.used('account'), 0);
  assert.deepEqual(given, ['account']);
});

test('lines of a kind are written once a minute, whichever worker asks', () => {
  let now = 0;
  const keeper = seldomKeeper(() => now);
  const written: string[] = [];
  const workers = ['a', 'b'].map((name) => {
    const lines: SeldomLines = new SeldomLines((kind) => lines.answered(kind, keeper(kind)));
    return (kind: string) => lines.write(kind, () => written.push(`${name} ${kind}`));
  });
  for (const write of workers) write('full');
  workers[1]!('near');
  now = 59_999;
  for (const write of workers) write('full');
  now = 60_000;
  for (const write of workers.toReversed()) write('full');
  assert.deepEqual(written, ['a full', 'b near', 'b full']);
});
