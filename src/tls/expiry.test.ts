import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryWarnings } from './expiry.ts';
import { makeSelfSigned } from './self-signed.ts';

const from = new Date('2026-01-01T00:00:00Z');
const pem = await makeSelfSigned({ subject: [['CN', 'x']], names: ['x'], days: 30, from });
const files = new Map([
  ['/etc/imapd.pem', pem],
  ['/etc/trusted.pem', pem],
  ['/etc/imapd.pem.bad', '-----BEGIN CERTIFICATE-----\nxx\n'],
]);

for (const [day, expected] of [
  ['2026-01-10', []],
  ['2026-01-20', ['/etc/imapd.pem: the certificate expires in 11 days']],
  ['2026-02-01', ['/etc/imapd.pem: the certificate has expired']],
] as const) {
  test(`a certificate that ends on 2026-01-31, seen on ${day}`, () => {
    const own = (path: string) => path.startsWith('/etc/imapd.pem');
    assert.deepEqual(expiryWarnings(files, own, Date.parse(day)), expected);
  });
}
