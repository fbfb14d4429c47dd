import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCharsetDecoder, decodeCharset, isKnownCharset } from './charset.ts';

const texts: [label: string, octets: string, text: string][] = [
  ['UTF-8', '\xc3\xa9', 'é'],
  [' Utf-8 ', '\xff', '\ufffd'],
  ['us-ascii', '\x80', '€'],
  ['ISO-8859-1', '\xe9', 'é'],
  ['iso-8859-15', '\xa4', '€'],
  ['koi8-r', '\xf0', 'П'],
  ['windows-1251', '\xcf', 'П'],
  ['gb2312', '\xd6\xd0', '中'],
  ['cp936', '\xd6\xd0', '中'],
  ['big5', '\xa4\xa4', '中'],
  ['shift_jis', '\x93\xfa', '日'],
  ['cp932', '\x93\xfa', '日'],
  ['euc-kr', '\xb0\xa1', '가'],
  ['ISO-2022-JP', '\x1b$BF|\x1b(Ba', '日a'],
  ['utf-7', 'a+AOk-b', 'aéb'],
  ['cp437', '\x82', 'é'],
  ['cp850', '\x82', 'é'],
  ['utf-16', '\xfe\xff\x00a', 'a'],
  ['iso-2022-kr', '\x1b$)C\x0e0!3*\x0fab', '가나ab'],
  ['iso-2022-kr', '\x1b$)\x0e0!\n0!', '\x1b$)가\n0!'],
  ['hz-gb-2312', '~{<:Ky2;VpJ)HK!#~}x~~', '己所不逐施人。x~'],
  ['hz-gb-2312', 'a~\nb~{<:\nc~x', 'ab己\nc~x'],
];

for (const [label, octets, text] of texts) {
  test(`charset ${label}: ${JSON.stringify(octets)}`, () => {
    assert.equal(decodeCharset(Buffer.from(octets, 'latin1'), label), text);
    assert.ok(isKnownCharset(label));
  });
}

for (const label of ['', 'x-unknown', 'base64', 'hex', 'constructor', 'iso-2022-cn', 'a'.repeat(100)]) {
  test(`charset "${label}" is unknown`, () => {
    assert.equal(isKnownCharset(label), false);
    assert.equal(decodeCharset(Buffer.from('a'), label), undefined);
  });
}

test('pieces of any length decode like the whole, and nothing throws', () => {
  const labels = texts.map(([label]) => label).filter((label) => !['utf-7', 'utf-16'].includes(label));
  const octets = fc.array(
    fc.oneof(fc.nat(255), fc.constantFrom(0x1b, 0x0e, 0x0f, 0x7e, 0x7b, 0x7d, 0x24, 0x29, 0x43, 10)),
  );
  fc.assert(
    fc.property(fc.constantFrom(...labels), octets, fc.nat(20), (label, list, cut) => {
      const whole = Buffer.from(list);
      const decoder = createCharsetDecoder(label)!;
      let text = decoder.write(whole.subarray(0, cut));
      for (const octet of whole.subarray(cut)) text += decoder.write(Uint8Array.of(octet));
      assert.equal(text + decoder.end(), decodeCharset(whole, label));
    }),
    { numRuns: 500 },
  );
});

test('decoders of one charset do not disturb each other', () => {
  const first = createCharsetDecoder('utf-8')!;
  const second = createCharsetDecoder('utf-8')!;
  assert.equal(first.write(Buffer.from([0xc3])) + second.write(Buffer.from('a')), 'a');
  assert.equal(first.write(Buffer.from([0xa9])) + first.end() + second.end(), 'é');
});
