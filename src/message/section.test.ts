import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FieldSelection, locateSection, type Section, selectFields } from './section.ts';
import { parseStructure } from './structure.ts';

const simple = Buffer.from('Subject: s\n\nbody\n');
const nested = Buffer.from(
  'Mime-Version: 1.0\nX: y\nContent-Type: multipart/mixed; boundary=a\n\npre\n--a\nContent-Id: <1>\n\none\n--a\n' +
    'Content-Type: message/rfc822\n\nMime-Version: 1.0\nSubject: in\nContent-Type: multipart/mixed; boundary=b\n\n' +
    '--b\n\ntwo.one\n--b\nContent-Type: message/rfc822\n\nSubject: deep\n\ndeep body\n--b--\n--a--\n',
);

/** `1.2.HEADER` and so on; the answer as file octets, or undefined. */
function cut(message: Buffer, name: string): string | undefined {
  const words = name === '' ? [] : name.split('.');
  const part = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const what = (words.find((word) => /^\D/.test(word)) ?? 'ALL').toLowerCase() as Section['what'];
  const range = locateSection(parseStructure(message), { part, what, fields: [] });
  if (range === undefined) return undefined;
  const octets = message.subarray(range.start, range.end);
  return range.select ? selectFields(octets, range.select).toString() : octets.toString();
}

const sections: [message: Buffer, name: string, octets: string | undefined][] = [
  [simple, '', 'Subject: s\n\nbody\n'],
  [simple, 'HEADER', 'Subject: s\n\n'],
  [simple, 'TEXT', 'body\n'],
  [simple, '1', 'body\n'],
  [simple, '1.1', 'body\n'],
  [simple, '1.1.1', 'body\n'],
  [simple, '2', undefined],
  [simple, '0', undefined],
  [simple, '1.2', undefined],
  [simple, '1.MIME', '\r\n'],
  [nested, '1', 'one'],
  [nested, '1.1', 'one'],
  [nested, '1.MIME', 'Content-Id: <1>\r\n\r\n'],
  [nested, '1.HEADER', 'Content-Id: <1>\n\n'],
  [nested, '1.TEXT', 'one'],
  [nested, '2.HEADER', 'Mime-Version: 1.0\nSubject: in\nContent-Type: multipart/mixed; boundary=b\n\n'],
  [nested, '2.MIME', 'Content-Type: message/rfc822\r\n\r\n'],
  [nested, '2.1', 'two.one'],
  [nested, '2.2', 'Subject: deep\n\ndeep body'],
  [nested, '2.2.TEXT', 'deep body'],
  [nested, '2.2.1', 'deep body'],
  [nested, '2.2.2', undefined],
  [nested, '2.3', undefined],
  [nested, '3', undefined],
  [nested, 'MIME', 'Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n'],
];

for (const [message, name, octets] of sections) {
  const kind = message === simple ? 'plain message' : 'nested message';
  test(`section [${name}] of a ${kind}`, () => assert.equal(cut(message, name), octets));
}

const header = 'Received: a\n\tb\nSubject: c\nno colon\n more\nsubject : d\r\nTo:e\n\nSubject: body\n';
const selections: [select: FieldSelection, octets: string][] = [
  [{ kind: 'named', fields: ['SUBJECT'] }, 'Subject: c\r\nsubject : d\r\n\r\n'],
  [{ kind: 'named', fields: ['received', 'to'] }, 'Received: a\r\n\tb\r\nTo:e\r\n\r\n'],
  [{ kind: 'named', fields: [] }, '\r\n'],
  [{ kind: 'named', fields: ['x'] }, '\r\n'],
  [{ kind: 'notNamed', fields: ['Subject', 'Received'] }, 'no colon\r\n more\r\nTo:e\r\n\r\n'],
  [
    { kind: 'notNamed', fields: [] },
    'Received: a\r\n\tb\r\nSubject: c\r\nno colon\r\n more\r\nsubject : d\r\nTo:e\r\n\r\n',
  ],
];

for (const [select, octets] of selections) {
  test(`fields ${JSON.stringify(select)}`, () =>
    assert.equal(selectFields(Buffer.from(header), select).toString(), octets));
}

test('a header that breaks off is answered with whole lines', () => {
  const select: FieldSelection = { kind: 'named', fields: ['a'] };
  assert.equal(selectFields(Buffer.from('A: b'), select).toString(), 'A: b\r\n\r\n');
  assert.equal(selectFields(Buffer.from(''), select).toString(), '\r\n');
});
