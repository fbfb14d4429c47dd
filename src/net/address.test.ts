import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOctets, mappedAddress, plainAddress } from './address.ts';

for (const [address, plain, mapped] of [
  ['192.0.2.7', '192.0.2.7', '::ffff:192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7', '::ffff:192.0.2.7'],
  ['2001:db8::9', '2001:db8::9', '2001:db8::9'],
  ['fe80::1%eth0', 'fe80::1', 'fe80::1%eth0'],
] as const) {
  test(`plain and mapped form of ${address}`, () => {
    assert.equal(plainAddress(address), plain);
    assert.equal(mappedAddress(address), mapped);
  });
}

for (const [address, hex] of [
  ['1.2.3.4', '00000000000000000000ffff01020304'],
  ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['2001:db8::9:a', '20010db8000000000000000000090000a'.slice(0, 28) + '000a'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
] as const) {
  test(`octets of ${address}`, () => assert.equal(Buffer.from(addressOctets(address)!).toString('hex'), hex));
}

for (const text of ['', '1.2.3', '1.2.3.256', ':::', 'localhost', '1::2::3']) {
  test(`"${text}" is no address`, () => assert.equal(addressOctets(text), undefined));
}
