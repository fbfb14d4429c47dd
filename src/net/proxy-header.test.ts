import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readProxyHeader } from './proxy-header.ts';

const magic = '0d0a0d0a000d0a515549540a';
const inet = `${magic}2111000c` + 'c0000207c6336401' + '9c400391';
const inet6 =
  `${magic}21210024` + '20010db8000000000000000000000001' + '20010db8000000000000000000000002' + '9c400391';

for (const [name, header, expected] of [
  [
    'version 1, TCP4',
    'PROXY TCP4 192.0.2.7 198.51.100.1 40000 913\r\n',
    ['192.0.2.7', 40000, '198.51.100.1', 913],
  ],
  [
    'version 1, TCP6',
    'PROXY TCP6 2001:db8::1 2001:db8::2 40000 913\r\n',
    ['2001:db8::1', 40000, '2001:db8::2', 913],
  ],
  ['version 1, UNKNOWN', 'PROXY UNKNOWN\r\n', undefined],
  ['version 2, IPv4', Buffer.from(inet, 'hex'), ['192.0.2.7', 40000, '198.51.100.1', 913]],
  ['version 2, IPv6', Buffer.from(inet6, 'hex'), ['2001:db8::1', 40000, '2001:db8::2', 913]],
  [
    'version 2 with extensions',
    Buffer.from(`${inet.replace('2111000c', '21110010')}04000100`, 'hex'),
    ['192.0.2.7', 40000, '198.51.100.1', 913],
  ],
  ['version 2, LOCAL', Buffer.from(`${magic}20000000`, 'hex'), undefined],
  ['version 2, UNIX', Buffer.from(`${magic}21310000`, 'hex'), undefined],
] as const) {
  const octets = Buffer.from(header as Buffer);
  test(`${name}, then the client's octets`, () => {
    const result = readProxyHeader(Buffer.concat([octets, Buffer.from('a LOGIN')]));
    assert.equal(result.kind, 'done');
    assert.ok(result.kind === 'done');
    assert.equal(result.consumed, octets.length);
    const { addresses } = result;
    const got = addresses && [
      addresses.remoteAddress,
      addresses.remotePort,
      addresses.localAddress,
      addresses.localPort,
    ];
    assert.deepEqual(got, expected);
  });
  test(`${name}, cut anywhere, asks for more`, () => {
    for (let end = 0; end < octets.length; end++) {
      assert.deepEqual(readProxyHeader(octets.subarray(0, end)), { kind: 'more' }, `${end} octets`);
    }
  });
}

for (const [header, reason] of [
  ['a001 LOGIN', 'missing PROXY statement'],
  ['EHLO x\r\n', 'missing PROXY statement'],
  ['PROXY SCTP 1.2.3.4 1.2.3.4 1 2\r\n', 'unknown protocol: SCTP'],
  ['PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n', 'malformed PROXY statement'],
  ['PROXY TCP4 ::1 ::1 1 2\r\n', 'malformed PROXY statement'],
  ['PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n', 'malformed PROXY statement'],
  ['PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n', 'malformed PROXY statement'],
  [`PROXY ${'x'.repeat(250)}`, 'response too long'],
] as const) {
  test(`refuses ${JSON.stringify(header.slice(0, 40))}`, () =>
    assert.deepEqual(readProxyHeader(Buffer.from(header)), { kind: 'refused', reason }));
}

for (const [hex, reason] of [
  [`${magic}1111000c${'00'.repeat(12)}`, 'malformed PROXY statement'],
  [`${magic}2211000c${'00'.repeat(12)}`, 'malformed PROXY statement'],
  [`${magic}2111000b${'00'.repeat(11)}`, 'malformed PROXY statement'],
  [`${magic}2111ffff`, 'response too long'],
] as const) {
  test(`refuses version 2: ${hex.slice(24, 32)}`, () =>
    assert.deepEqual(readProxyHeader(Buffer.from(hex, 'hex')), { kind: 'refused', reason }));
}

test('property: any octets give an answer, and never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('', 'PROXY ', magic), (octets, prefix) => {
      const start = prefix === magic ? Buffer.from(magic, 'hex') : Buffer.from(prefix);
      readProxyHeader(Buffer.concat([start, octets]));
    }),
  );
});
