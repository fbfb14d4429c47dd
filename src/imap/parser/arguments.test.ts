import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ArgumentReader } from './arguments.ts';
import { readFetchItems } from './fetch-items.ts';
import { readFlagList } from './flag-list.ts';
import { readSearchKeys } from './search-program.ts';
import { SyntaxRefusal } from './syntax-refusal.ts';

const maxDepth = 5;
const reader = (text: string | Buffer): ArgumentReader =>
  new ArgumentReader(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, 0, maxDepth);

for (const [text, octets, form] of [
  ['abc', 'abc', 'atom'],
  ['a]b', 'a]b', 'atom'],
  ['"a \\"b\\\\"', 'a "b\\', 'quoted'],
  ['""', '', 'quoted'],
  ['{3}\r\na\nb', 'a\nb', 'literal'],
  ['{2+}\r\n"x', '"x', 'literal'],
  ['~{1}\r\n\0', '\0', 'literal8'],
] as const)
  test(`astring ${JSON.stringify(text)}`, () => {
    const read = reader(text).astring();
    assert.deepEqual([read.octets.toString('latin1'), read.form], [octets, form]);
  });

for (const text of ['', '"', '"a', '"a\rb"', '{3}\r\nab', '{x}', '(', '~', '\xe9'])
  test(`astring refuses ${JSON.stringify(text)}`, () =>
    assert.throws(() => reader(text).astring(), SyntaxRefusal));

test('a refusal says where', () => {
  const args = reader('abc "def');
  args.atom();
  assert.throws(
    () => args.astring(),
    (error) => error instanceof SyntaxRefusal && error.position === 4,
  );
});

for (const [text, flags, keywords] of [
  ['(\\Seen \\dELETED)', 24, []],
  ['()', 0, []],
  ['NIL', 0, []],
  ['\\Flagged', 2, []],
  ['($Work $work [x)', 0, ['$Work', '[x']],
] as const)
  test(`flag list ${text}`, () => assert.deepEqual(readFlagList(reader(text)), { flags, keywords }));

for (const text of ['(\\Recent)', '\\Nothing', '(\\)', '(a*)', '(a', ''])
  test(`flag list refuses "${text}"`, () => assert.throws(() => readFlagList(reader(text)), SyntaxRefusal));

for (const [text, labels] of [
  ['FLAGS', 'FLAGS'],
  ['(uid Flags)', 'UID FLAGS'],
  ['FULL', 'FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY'],
  ['body.peek', 'BODY'],
  ['BODY[]', 'BODY[]'],
  ['BODY [ header ] <5>', 'BODY[HEADER]<5>'],
  ['BODY[1.2.mime]<0.10>', 'BODY[1.2.MIME]<0>'],
  ['BODY[1.HEADER.FIELDS (Subject "from")]', 'BODY[1.HEADER.FIELDS ("Subject" "from")]'],
  ['BODY.PEEK[HEADER.FIELDS.NOT x]', 'BODY[HEADER.FIELDS.NOT ("x")]'],
  ['BODY[HEADER.FIELDS ()]', 'BODY[HEADER.FIELDS ()]'],
  ['(BINARY.PEEK[1]<2.3> BINARY.SIZE[2])', 'BINARY[1]<2> BINARY.SIZE[2]'],
] as const)
  test(`fetch items ${text}`, () =>
    assert.equal(
      readFetchItems(reader(text))
        .map(({ label }) => label)
        .join(' '),
      labels,
    ));

for (const text of [
  '',
  '()',
  'FLAG',
  'BODY[',
  'BODY[MIME]',
  'BODY[0]',
  'BODY[1.0]',
  'BODY[1.]',
  'BODY[.1]',
  'BODY[TEXT.1]',
  'BODY[HEADER.FIELDS]',
  'BODY[]<>',
  'BODY[]<x.y>',
  'BINARY[TEXT]',
  'BINARY.SIZE',
])
  test(`fetch items refuse "${text}"`, () =>
    assert.throws(() => readFetchItems(reader(text)), SyntaxRefusal));

const context = { charset: 'utf-8', savedResult: new Uint32Array(0), maxKeys: 20 };

for (const [text, key] of [
  ['ALL', { kind: 'all' }],
  ['1:3', { kind: 'sequence', ranges: [[1, 3]] }],
  ['UID 5', { kind: 'uid', ranges: [[5, 5]] }],
  ['$', { kind: 'saved', uids: new Uint32Array(0) }],
  ['NOT SEEN', { kind: 'not', key: { kind: 'flag', bit: 8, set: true } }],
  ['FROM a[b', { kind: 'header', name: 'from', value: 'a[b' }],
  ['SINCE 1-jan-2020', { kind: 'since', day: 18262 }],
  ['ON "01-Jan-20"', { kind: 'on', day: 18262 }],
  ['ON yesterday', { kind: 'not', key: { kind: 'all' } }],
  ['OR ALL (RECENT)', { kind: 'or', keys: [{ kind: 'all' }, { kind: 'and', keys: [{ kind: 'recent' }] }] }],
] as const)
  test(`search key ${text}`, () => assert.deepEqual(readSearchKeys(reader(text), context), key));

for (const text of ['', 'FOO', '()', 'OR ALL', 'LARGER x', '0', '1:', 'HEADER a', `${'ALL '.repeat(21)}`])
  test(`search keys refuse "${text.slice(0, 20)}"`, () =>
    assert.throws(() => readSearchKeys(reader(text), context), SyntaxRefusal));

test('lists nest to the limit, and no deeper', () => {
  const nest = (depth: number): string => `${'('.repeat(depth)}ALL${')'.repeat(depth)}`;
  readSearchKeys(reader(nest(maxDepth)), context);
  assert.throws(() => readSearchKeys(reader(nest(maxDepth + 1)), context), SyntaxRefusal);
  const negate = (depth: number): string => `${'NOT '.repeat(depth)}ALL`;
  readSearchKeys(reader(negate(maxDepth)), context);
  assert.throws(() => readSearchKeys(reader(negate(maxDepth + 1)), context), SyntaxRefusal);
});

test('no octets make a reader throw anything but a refusal', () => {
  const readers: ((args: ArgumentReader) => unknown)[] = [
    (args) => args.astring(),
    (args) => args.numberSet(),
    readFlagList,
    readFetchItems,
    (args) => readSearchKeys(args, context),
  ];
  const token = fc.constantFrom(
    '(',
    ')',
    '[',
    ']',
    '"',
    '{3}\r\n',
    'BODY',
    'NOT',
    'OR',
    '1',
    ' ',
    '\\',
    'HEADER.FIELDS',
    '<1.2>',
    'x',
  );
  const octets = fc.oneof(
    fc.array(token).map((tokens) => Buffer.from(tokens.join(''))),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(octets, fc.constantFrom(...readers), (input, read) => {
      try {
        read(reader(input));
      } catch (error) {
        assert.ok(error instanceof SyntaxRefusal, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
