import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import libmime from 'libmime';
import { encodeWords } from './encode-words.ts';
import { decodeWords, parameterValue } from './words.ts';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

const decoded: [value: string, text: string][] = [
  ['plain', 'plain'],
  ['=?utf-8?Q?a_b=C3=A9?=', 'a bé'],
  ['=?UTF-8?b?w6k=?=', 'é'],
  ['=?iso-8859-1*fr?q?=E9?= x', 'é x'],
  ['=?utf-8?q?a?= \t =?iso-8859-1?q?b?=', 'ab'],
  ['=?utf-8?q?a?= b =?utf-8?q?c?=', 'a b c'],
  ['=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=', 'é'],
  ['=?utf-8?B?w?= =?utf-8?B?6k=?=', '\ufffd'],
  ['=?utf-8?Q?two words?=', 'two words'],
  ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
  ['=?gb2312?B?1tDOxA==?=', '中文'],
  ['=?utf-7?Q?a+AOk-?=', 'aé'],
  ['=?iso-2022-kr?B?GyQpQw4wITMqDw==?=', '가나'],
  ['=?x-unknown?Q?=C3=A9?=', 'é'],
  ['=?utf-8?X?abc?=', '=?utf-8?X?abc?='],
  ['=?utf-8?Q?open', '=?utf-8?Q?open'],
  [latin1('Grüße'), 'Grüße'],
  ['Gr\xfc\xdfe', 'Grüße'],
  [`${latin1('ü')} =?utf-8?Q?=C3=A9?= \xfc`, 'ü é ü'],
];

for (const [value, text] of decoded) {
  test(`encoded words: ${JSON.stringify(value)}`, () => assert.equal(decodeWords(value), text));
}

test('what libmime encodes is decoded, and the other way round', () => {
  const text = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
        fc.constantFrom('a', 'Ünï', '日本語'.repeat(9), '😀'),
      ),
    )
    .map((words) => words.join(' ').replace(/\s+/g, ' ').trim())
    .filter((joined) => !joined.includes('=?'));
  fc.assert(
    fc.property(text, fc.constantFrom('Q', 'B'), (original, encoding) => {
      assert.equal(decodeWords(latin1(libmime.encodeWords(original, encoding, 52))), original);
      const encoded = encodeWords(original);
      assert.equal(libmime.decodeWords(encoded), original);
      assert.equal(decodeWords(encoded), original);
    }),
  );
});

test('encoded words are ASCII of at most 75 octets each', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      for (const word of encodeWords(text).split(' ')) {
        assert.match(word, /^[\x00-\x7f]*$/);
        if (word.startsWith('=?')) assert.ok(word.length <= 75, word);
      }
    }),
  );
});

test('a blank beside an encoded word that was there already is kept', () => {
  assert.equal(decodeWords(encodeWords('=?utf-8?Q?a?= é =?utf-8?Q?b?=')), 'a é b');
});

const parameters: [name: string, list: [string, string][], value: string | undefined][] = [
  ['plain', [['name', 'a.txt']], 'a.txt'],
  ['absent', [['x', 'y']], undefined],
  ['extended', [['name*', "iso-8859-1'de'%FC.txt"]], 'ü.txt'],
  [
    'extended before plain',
    [
      ['name', 'fallback'],
      ['name*', "utf-8''%C3%BC"],
    ],
    'ü',
  ],
  [
    'pieces',
    [
      ['name*1', 'b.txt'],
      ['name*0', 'a'],
    ],
    'ab.txt',
  ],
  [
    'extended pieces that split a character',
    [
      ['name*0*', "utf-8''%C3"],
      ['name*1*', '%BC'],
      ['name*2', '%41'],
    ],
    'ü%41',
  ],
  ['encoded words', [['name', '=?utf-8?Q?=C3=BC?=.txt']], 'ü.txt'],
  ['no charset', [['name*', '%C3%BC']], 'ü'],
  ['unknown charset', [['name*', "x''%FC"]], 'ü'],
  ['raw octets', [['name', '\xc3\xbc']], 'ü'],
];

for (const [name, list, value] of parameters) {
  test(`parameter value: ${name}`, () => assert.equal(parameterValue(list, 'name'), value));
}
