import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStructure } from './structure.ts';
import { headerText, searchableField, textLeaves } from './text.ts';

const fields: [name: string, value: string, text: string][] = [
  ['Subject', '=?utf-8?Q?=C3=BC?= x', 'ü x'],
  ['FROM', '"Doe, J" <j@xn--bcher-kva.example>', 'Doe, J <j@bücher.example>'],
  ['to', 'a@b (Name), g: c@d;', 'Name <a@b>, g:, c@d, ;'],
];

for (const [name, value, text] of fields) {
  test(`field ${name}: ${value}`, () => assert.equal(searchableField(name, value), text));
}

test('an embedded header is decoded field by field, up to its empty line', () => {
  const header = Buffer.from('Subject: =?utf-8?Q?=C3=9C?=\n x\nFrom: a@b (A)\n\nno');
  assert.equal(headerText(header), 'Subject: Ü x\nFrom: A <a@b>\n');
});

/** A leaf per line: `header` or encoding/charset, and its octets. */
function leaves(message: string): string[] {
  const octets = Buffer.from(message);
  return textLeaves(parseStructure(octets)).map(({ start, end, encoding, charset, isHeader }) => {
    const text = JSON.stringify(octets.toString('latin1', start, end));
    return isHeader ? `header ${text}` : `${encoding}/${charset ?? '-'} ${text}`;
  });
}

const part = (header: string, text: string) => `Mime-Version: 1.0\n${header}\n\n${text}`;
const messages: [name: string, message: string, leaves: string[]][] = [
  ['plain', '\nx', ['8bit/- "x"']],
  ['us-ascii counts as no charset', part('Content-Type: text/plain; charset=US-ASCII', 'x'), ['8bit/- "x"']],
  ['a charset by RFC 2231', part("Content-Type: text/html; charset*=''Koi8-R", 'x'), ['8bit/koi8-r "x"']],
  ['base64', part('Content-Transfer-Encoding: base64', 'eA=='), ['base64/- "eA=="']],
  ['other types have no text', part('Content-Type: image/png', 'x'), []],
  ['a delivery report', part('Content-Type: message/delivery-status', 'x'), ['8bit/- "x"']],
  [
    'parts, and the charset of their multipart',
    part(
      'Content-Type: multipart/x; boundary=b; charset=big5',
      '--b\n\none\n--b\nContent-Type: a/b\n\n--b\n\ntwo',
    ),
    ['8bit/big5 "one"', '8bit/big5 "two"'],
  ],
  [
    'an embedded message',
    part('Content-Type: message/rfc822', 'A: b\n\nx'),
    ['header "A: b\\n\\n"', '8bit/- "x"'],
  ],
];

for (const [name, message, expected] of messages) {
  test(`text leaves: ${name}`, () => assert.deepEqual(leaves(message), expected));
}
