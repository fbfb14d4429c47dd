import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serializeBody } from './bodystructure.ts';
import { parseStructure } from './structure.ts';

/** Header lines of a MIME message, then the body. */
const mime = (header: string, body = '') => `Mime-Version: 1.0\n${header}\n${body}`;

const structures: [name: string, message: string, bodystructure: string][] = [
  ['no MIME', 'Content-Type: a/b\n\nx\ny\n', '("text" "plain" NIL NIL NIL "8bit" 6 2 NIL NIL NIL)'],
  ['an empty file', '', '("text" "plain" NIL NIL NIL "8bit" 0 0 NIL NIL NIL)'],
  ['no empty line', 'Subject: x\n', '("text" "plain" NIL NIL NIL "8bit" 0 0 NIL NIL NIL)'],
  ['CRLF counts as it is', 'A: b\r\n\r\nx\r\n', '("text" "plain" NIL NIL NIL "8bit" 3 1 NIL NIL NIL)'],
  [
    'case: names, encoding and charset are lowered, other values stay',
    mime('CONTENT-TYPE: Text/HTML; Charset="UTF-8"; Name=A.B\nContent-Transfer-Encoding: 7BIT\n'),
    '("text" "html" ("charset" "utf-8" "name" "A.B") NIL NIL "7bit" 0 0 NIL NIL NIL)',
  ],
  [
    'all fields of a leaf',
    mime(
      'Content-Type: image/png; name="a \\"b\\" (c).png" (d)\nContent-ID: <i@d>\nContent-Description: some thing\n' +
        'Content-Transfer-Encoding: base64\nContent-MD5: Q2h\nContent-Disposition: Attachment; FileName=x.png\n' +
        'Content-Language: en, fr\nContent-Location: http://x/\n',
      'AA==\n',
    ),
    String.raw`("image" "png" ("name" "a \"b\" (c).png") "<i@d>" "some thing" "base64" 6 "Q2h" ` +
      '("attachment" ("filename" "x.png")) ("en" "fr") "http://x/")',
  ],
  ['a type without a subtype', mime('Content-Type: foo\n'), '("foo" "" NIL NIL NIL "8bit" 0 NIL NIL NIL)'],
  ['one language', mime('Content-Language: en\n'), '("text" "plain" NIL NIL NIL "8bit" 0 0 NIL NIL "en")'],
  [
    'a parameter twice',
    mime('Content-Type: a/b; c=1; C=2\n'),
    '("a" "b" ("c" "2") NIL NIL "8bit" 0 NIL NIL NIL)',
  ],
  [
    'RFC 2231 pieces stay',
    mime("Content-Type: a/b; n*0*=utf-8''%41; n*1=B\n"),
    `("a" "b" ("n*0*" "utf-8''%41" "n*1" "B") NIL NIL "8bit" 0 NIL NIL NIL)`,
  ],
  [
    'values with blanks and without quotes, odd parameters',
    mime('Content-Type: a/b; name=two words.txt ; ; x; =y; z=\n'),
    '("a" "b" ("name" "two words.txt" "z" "") NIL NIL "8bit" 0 NIL NIL NIL)',
  ],
  [
    'a disposition without parameters',
    mime('Content-Disposition: inline\n'),
    '("text" "plain" NIL NIL NIL "8bit" 0 0 NIL ("inline" NIL) NIL)',
  ],
  [
    'a multipart',
    mime(
      'Content-Type: multipart/Mixed; boundary=B\nContent-Language: en, fr\n',
      '--B\n\none\n--B\nContent-Type: text/html\n\ntwo\nlines\n\n--B--\n',
    ),
    '(("text" "plain" NIL NIL NIL "8bit" 3 0 NIL NIL NIL)("text" "html" NIL NIL NIL "8bit" 12 2 NIL NIL NIL) ' +
      '"mixed" ("boundary" "B") NIL ("en" "fr"))',
  ],
  [
    'a multipart without parts',
    mime('Content-Type: multipart/mixed; boundary=B\n', 'x\n'),
    '("multipart" "mixed" ("boundary" "B") NIL NIL "8bit" 3 NIL NIL NIL)',
  ],
  [
    'an embedded message',
    mime('Content-Type: message/rfc822\n', 'Subject: s\nFrom: a@b\n\nx\n'),
    '("message" "rfc822" NIL NIL NIL "8bit" 28 (NIL "s" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ' +
      'NIL NIL NIL NIL NIL) ("text" "plain" NIL NIL NIL "8bit" 3 1 NIL NIL NIL) 4 NIL NIL NIL)',
  ],
  [
    'another message type is a leaf',
    mime('Content-Type: message/delivery-status\n', 'x\n'),
    '("message" "delivery-status" NIL NIL NIL "8bit" 3 NIL NIL NIL)',
  ],
  [
    '8-bit text as an encoded word',
    mime('Content-Description: Gr\xc3\xbc\xc3\x9fe\nContent-Type: a/b; name="\xfc"\n'),
    '("a" "b" ("name" "=?utf-8?B?w7w=?=") NIL "=?utf-8?B?R3LDvMOfZQ==?=" "8bit" 0 NIL NIL NIL)',
  ],
];

for (const [name, message, bodystructure] of structures) {
  test(`BODYSTRUCTURE: ${name}`, () => {
    const structure = parseStructure(Buffer.from(message, 'latin1'));
    assert.equal(serializeBody(structure, true, false).toString(), bodystructure);
  });
}

test('BODY leaves extension data out, at every level', () => {
  const message = mime(
    'Content-Type: multipart/x; boundary=B\nContent-Disposition: inline\n',
    '--B\nContent-MD5: x\n\none\n--B\nContent-Type: message/rfc822\n\n\n--B--\n',
  );
  assert.equal(
    serializeBody(parseStructure(Buffer.from(message)), false, false).toString(),
    '(("text" "plain" NIL NIL NIL "8bit" 3 0)("message" "rfc822" NIL NIL NIL "8bit" 2 ' +
      '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" NIL NIL NIL "8bit" 0 0) 1) "x")',
  );
});

test('with UTF8 8-bit text is sent as UTF-8, and made UTF-8', () => {
  const message = mime('Content-Description: \xc3\xbc\nContent-Type: a/b; name="\xfc"\n');
  const body = serializeBody(parseStructure(Buffer.from(message, 'latin1')), true, true).toString();
  assert.equal(body, '("a" "b" ("name" "ü") NIL "ü" "8bit" 0 NIL NIL NIL)');
});
