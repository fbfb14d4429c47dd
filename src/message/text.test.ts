import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readerOf } from '../../test/support/message-checks.ts';
import { parseStructure } from './structure.ts';
import { normalizeText, searchableBody, searchableField } from './text.ts';

const body = (message: string | Buffer) => {
  const octets = Buffer.isBuffer(message) ? message : Buffer.from(message, 'latin1');
  return [...searchableBody(parseStructure(octets), readerOf(octets))].join('');
};

for (const [text, normal] of [
  ['A  B\r\n\tC', 'a b c'],
  ['\u00c4\u00a0\u3000\u0416', 'ä ж'],
  [' a ', ' a '],
  ['\n', ' '],
  ['a b', 'a b'],
] as const) {
  test(`normal form of ${JSON.stringify(text)}`, () => assert.equal(normalizeText(text), normal));
}

const fields: [name: string, value: string, text: string][] = [
  ['Subject', '=?utf-8?Q?=C3=BC?= x', 'ü x'],
  ['FROM', '"Doe, J" <j@xn--bcher-kva.example>', 'Doe, J <j@bücher.example>'],
  ['to', 'a@b (Name), g: c@d;', 'Name <a@b>, g:, c@d, ;'],
];

for (const [name, value, text] of fields) {
  test(`field ${name}: ${value}`, () => assert.equal(searchableField(name, value), text));
}

const part = (header: string, text: string) => `Mime-Version: 1.0\n${header}\n\n${text}`;
const bodies: [name: string, message: string, text: string][] = [
  ['plain', '\nHello\n World', 'hello world'],
  ['raw UTF-8 without a charset', '\n\xc3\xbc', 'ü'],
  ['raw latin1 without a charset', '\n\xfc', 'ü'],
  ['a charset', part('Content-Type: text/plain; charset=koi8-r', '\xf0'), 'п'],
  ['an unknown charset', part('Content-Type: text/plain; charset=x-y', '\xc3\xbc'), 'ü'],
  ['base64', part('Content-Transfer-Encoding: base64\nContent-Type: text/html', 'PGI+w7w='), '<b>ü'],
  ['quoted-printable', part('Content-Transfer-Encoding: quoted-printable', 'a=\nb=C3=BC'), 'abü'],
  ['an unknown encoding', part('Content-Transfer-Encoding: x-y', 'A=41'), 'a=41'],
  ['other types are passed over', part('Content-Type: image/png', 'abc'), ''],
  [
    'parts run together',
    part(
      'Content-Type: multipart/x; boundary=b',
      'pre\n--b\n\none\n\n--b\n\n two\n--b\nContent-Type: a/b\n\nno\n--b--\nepi',
    ),
    'one two',
  ],
  [
    'an embedded message with its header',
    part('Content-Type: message/rfc822', 'Subject: =?utf-8?Q?=C3=9C?=\nFrom: A <a@b>\n\nInner'),
    'subject: ü from: a <a@b> inner',
  ],
  ['a delivery report', part('Content-Type: message/delivery-status', 'Action: failed'), 'action: failed'],
];

for (const [name, message, text] of bodies) {
  test(`text of a body: ${name}`, () => assert.equal(body(message), text));
}

test('a large body comes in pieces, characters and white space whole', () => {
  const line = 'Zwölf  Boxkämpfer jagen Viktor\n';
  const text = line.repeat(20_000);
  const message = Buffer.from(part('Content-Type: text/plain; charset=utf-8', text));
  const pieces = [...searchableBody(parseStructure(message), readerOf(message))];
  assert.ok(pieces.length > 5 && pieces.every((piece) => piece.length <= 70_000));
  assert.equal(pieces.join(''), normalizeText(text));
});
