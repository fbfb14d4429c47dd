import assert from 'node:assert/strict';
import { test } from 'node:test';
import { octetPath, pathOctets } from './paths.ts';

test('an ASCII path stays a string', () => assert.equal(octetPath('/m', 'cur', '1.a'), '/m/cur/1.a'));

test('other octets make a Buffer with one octet a char', () => {
  assert.deepEqual(octetPath('/m/\xc3\xa9\xff'), Buffer.from([0x2f, 0x6d, 0x2f, 0xc3, 0xa9, 0xff]));
});

test('text becomes its UTF-8 octets', () => assert.equal(pathOctets('/é'), '/\xc3\xa9'));
