import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { previewCharacters, previewPart, previewText } from './preview.ts';
import { parseStructure } from './structure.ts';

for (const [text, preview] of [
  ['', ''],
  ['  Hello,\r\n\r\n  world \t.\n', 'Hello, world .'],
  ['> you said\n> this\nI say\n-- \nAnn', 'I say'],
  ['-- not a signature', '-- not a signature'],
  ['a\0b\u200Bc\uD800d\uFFFD', 'a b c d'],
] as const)
  test(`preview of the text ${JSON.stringify(text)}`, () => assert.equal(previewText(text, false), preview));

for (const [html, preview] of [
  ['<p>Hello <b>world</b></p>', 'Hello world'],
  ['<HTML><Head><title>x</title><style>p {}</style></HEAD ><body>Hi</body>', 'Hi'],
  ['<style>p > a {}</style>a<script>if (1<2) x()</script>b<!-- c <p> -->d', 'a bd'],
  ['a &amp;&lt;b&gt; &#65;&#x42;&#xfffffff;&nbsp;&unknown; &#0;c', 'a &<b> AB&#xfffffff; &unknown; c'],
  ['1 < 2 and <3', '1 < 2 and <3'],
  ['cut <a href="', 'cut'],
  ['cut <style>p', 'cut'],
  ['&constructor;', '&constructor;'],
] as const)
  test(`preview of the HTML ${JSON.stringify(html)}`, () => assert.equal(previewText(html, true), preview));

test('a preview is one line, short, whole characters, whatever the text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('<', '>', '&#', '😀', '<style>', '<!--', '\n> ', ' '),
  );
  fc.assert(
    fc.property(fc.array(piece, { size: 'large' }), fc.boolean(), (pieces, isHtml) => {
      const preview = previewText(pieces.join(''), isHtml);
      assert.ok([...preview].length <= previewCharacters);
      assert.ok(preview.isWellFormed() && !/[\r\n\0]/.test(preview));
    }),
  );
  assert.equal([...previewText('😀'.repeat(1000), false)].length, previewCharacters);
});

test('megabytes of marks take no time', () => {
  for (const text of [
    '<'.repeat(1 << 20),
    '<style>'.repeat(1 << 17),
    '&'.repeat(1 << 20),
    '<!--'.repeat(1 << 18),
  ])
    previewText(text, true);
});

const part = (type: string, text: string, more = '') => `--b\nContent-Type: ${type}\n${more}\n${text}\n`;
for (const [name, parts, subtype] of [
  ['plain before HTML', part('text/html', 'x') + part('text/plain', 'y'), 'plain'],
  ['HTML where there is no other', part('image/png', 'x') + part('text/html', 'y'), 'html'],
  [
    'HTML before an attached text',
    part('text/plain', 'x', 'Content-Disposition: attachment\n') + part('text/html', 'y'),
    'html',
  ],
  ['an attached text before nothing', part('text/x-log', 'x', 'Content-Disposition: attachment\n'), 'x-log'],
  ['nothing of an embedded message', part('message/rfc822', 'Subject: a\n\ntext'), undefined],
] as const)
  test(`preview shows ${name}`, () => {
    const message = `MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n${parts}--b--\n`;
    assert.equal(previewPart(parseStructure(Buffer.from(message)).root)?.subtype, subtype);
  });
