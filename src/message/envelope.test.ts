import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envelopeText } from './envelope.ts';
import { parseStructure } from './structure.ts';

function envelope(header: string, utf8 = false): string {
  const { root } = parseStructure(Buffer.from(`${header}\n\n`, 'latin1'));
  return Buffer.from(envelopeText(root.envelope!, utf8), 'latin1').toString();
}

const from = '((NIL NIL "f" "x"))';
const envelopes: [name: string, header: string, envelope: string][] = [
  ['nothing', 'X: y', '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)'],
  [
    'all fields',
    'Date: d\nSubject: s\nFrom: f@x\nSender: S <s@x>\nReply-To: r@x\nTo: t@x, <u@x>\nCc: c@x\nBcc: b@x\n' +
      'In-Reply-To: <i@x>\nMessage-ID: <m@x>',
    `("d" "s" ${from} (("S" NIL "s" "x")) ((NIL NIL "r" "x")) ((NIL NIL "t" "x")(NIL NIL "u" "x")) ` +
      '((NIL NIL "c" "x")) ((NIL NIL "b" "x")) "<i@x>" "<m@x>")',
  ],
  [
    'Sender and Reply-To absent are From',
    'From: f@x',
    `(NIL NIL ${from} ${from} ${from} NIL NIL NIL NIL NIL)`,
  ],
  [
    'Sender and Reply-To empty are From',
    'From: f@x\nSender:\nReply-To: ',
    `(NIL NIL ${from} ${from} ${from} NIL NIL NIL NIL NIL)`,
  ],
  [
    'an empty Subject is not an absent one',
    'Subject:\nTo:\nDate: ',
    '("" "" NIL NIL NIL NIL NIL NIL NIL NIL)',
  ],
  [
    'repeated fields are joined',
    'Subject: a\nTo: a@x\nSubject: b\nTo: b@x',
    '(NIL "a,b" NIL NIL NIL ((NIL NIL "a" "x")(NIL NIL "b" "x")) NIL NIL NIL NIL)',
  ],
  [
    'a group has its name and its end',
    'To: friends: a@x;, b@x',
    '(NIL NIL NIL NIL NIL ((NIL NIL "friends" NIL)(NIL NIL "a" "x")(NIL NIL NIL NIL)(NIL NIL "b" "x")) NIL NIL NIL NIL)',
  ],
  ['a route', 'To: <@r:a@x>', '(NIL NIL NIL NIL NIL ((NIL "@r" "a" "x")) NIL NIL NIL NIL)'],
  ['no domain', 'To: root, <>', '(NIL NIL NIL NIL NIL ((NIL NIL "root" "")(NIL NIL "" "")) NIL NIL NIL NIL)'],
  ['quoting', 'Subject: a "b" \\c', String.raw`(NIL "a \"b\" \\c" NIL NIL NIL NIL NIL NIL NIL NIL)`],
  [
    'folding keeps the white space',
    'Subject: a\n \tb\r\n c',
    '(NIL "a \tb c" NIL NIL NIL NIL NIL NIL NIL NIL)',
  ],
  ['CR and NUL', 'Subject: a\rb\0c\r', '(NIL "a bc" NIL NIL NIL NIL NIL NIL NIL NIL)'],
  [
    'encoded words stay',
    'Subject: =?utf-8?Q?=C3=BC?=',
    '(NIL "=?utf-8?Q?=C3=BC?=" NIL NIL NIL NIL NIL NIL NIL NIL)',
  ],
  [
    '8-bit text',
    'Subject: a \xc3\xbc\nFrom: \xfc <f@x>',
    '(NIL "a =?utf-8?B?w7w=?=" ' +
      '(("=?utf-8?B?w7w=?=" NIL "f" "x")) (("=?utf-8?B?w7w=?=" NIL "f" "x")) (("=?utf-8?B?w7w=?=" NIL "f" "x")) ' +
      'NIL NIL NIL NIL NIL)',
  ],
];

for (const [name, header, expected] of envelopes) {
  test(`ENVELOPE: ${name}`, () => assert.equal(envelope(header), expected));
}

test('with UTF8 8-bit text is sent as UTF-8', () => {
  assert.equal(
    envelope('Subject: \xc3\xbc \xe2\x82\xac', true),
    '(NIL "ü €" NIL NIL NIL NIL NIL NIL NIL NIL)',
  );
  assert.equal(envelope('Subject: \xfc', true), '(NIL "ü" NIL NIL NIL NIL NIL NIL NIL NIL)');
});
