import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.ts';
import { SharedCounts } from './shared-counts.ts';

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
  return { admission: new Admission(counts, log, () => 0), lines, counts };
}

const limits = { connections: 3, perAddress: 2, perBlock: 2 };

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
  assert.deepEqual(lines, []);
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
    'Maximum connection limit reached for ::ffff:192.0.2.1',
    '3 maximum active connections.',
  ]);
});
