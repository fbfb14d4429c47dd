import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkSections,
  checkSerialized,
  checkStructure,
  parseInPieces,
  seededRandom,
} from '../../test/support/message-checks.ts';
import { createStructureParser, type Part, parseStructure } from './structure.ts';

/** `mixed(text/plain "body", …)`: the tree with the octets of every leaf. */
function outline(octets: Buffer, part: Part): string {
  const name = `${part.type}/${part.subtype}`;
  if (part.parts.length > 0)
    return `${name}(${part.parts.map((child) => outline(octets, child)).join(', ')})`;
  return `${name} ${JSON.stringify(octets.toString('latin1', part.bodyStart, part.end))}`;
}

const mime = 'Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=ab\n\n';

const trees: [name: string, message: string, tree: string][] = [
  ['an empty file is a message without a body', '', 'text/plain ""'],
  ['a header without an empty line has no body', 'Subject: x\n', 'text/plain ""'],
  ['a header that breaks off in its line', 'Subject: x', 'text/plain ""'],
  ['a body without a header', '\nbody', 'text/plain "body"'],
  [
    'without Mime-Version all MIME is ignored',
    'Content-Type: text/html\n\n<p>\n',
    String.raw`text/plain "<p>\n"`,
  ],
  [
    'Mime-Version may have comments',
    'Mime-Version: (a) 1.0 (b)\nContent-Type: text/html\n\nx',
    'text/html "x"',
  ],
  [
    "the line break before a boundary is the boundary's",
    `${mime}--ab\n\nx\n--ab--\n`,
    'multipart/mixed(text/plain "x")',
  ],
  ['an empty body between header and boundary', `${mime}--ab\n\n--ab--\n`, 'multipart/mixed(text/plain "")'],
  [
    'a boundary inside a header ends the part',
    `${mime}--ab\nX: y\n--ab\n\nz\n--ab--`,
    'multipart/mixed(text/plain "", text/plain "z")',
  ],
  ['CRLF', `${mime}--ab\n\nx\n--ab--\n`.replaceAll('\n', '\r\n'), 'multipart/mixed(text/plain "x")'],
  ['no last boundary', `${mime}--ab\n\nx\n`, String.raw`multipart/mixed(text/plain "x\n")`],
  [
    'a boundary that the file ends in',
    `${mime}--ab\n\nx\n--ab`,
    'multipart/mixed(text/plain "x", text/plain "")',
  ],
  ['white space after a boundary', `${mime}--ab \t\n\nx\n--ab-- \n`, 'multipart/mixed(text/plain "x")'],
  [
    'what is after the last boundary is no part',
    `${mime}--ab\n\nx\n--ab--\n--ab\n\ny`,
    'multipart/mixed(text/plain "x")',
  ],
  ['a multipart without a part is a leaf', `${mime}text`, 'multipart/mixed "text"'],
  [
    'a multipart without a boundary is a leaf',
    'Mime-Version: 1.0\nContent-Type: multipart/mixed\n\n--\n\n--\n',
    String.raw`multipart/mixed "--\n\n--\n"`,
  ],
  [
    'boundaries are compared whole and by case',
    `${mime}--ab\n\nx\n--abc\n--AB\n--ab-\n --ab\n--ab--\n`,
    String.raw`multipart/mixed(text/plain "x\n--abc\n--AB\n--ab-\n --ab")`,
  ],
  [
    'an inner boundary may begin like the outer one',
    `${mime}--ab\nContent-Type: multipart/x; boundary="abc"\n\n--abc\n\nx\n--abc--\n--ab\n\ny\n--ab--\n`,
    'multipart/mixed(multipart/x(text/plain "x"), text/plain "y")',
  ],
  [
    'an outer boundary ends an inner multipart',
    `${mime}--ab\nContent-Type: multipart/x; boundary=in\n\n--in\n\nx\n--ab\n\ny\n--ab--\n`,
    'multipart/mixed(multipart/x(text/plain "x"), text/plain "y")',
  ],
  [
    'parts of a digest are messages',
    `${mime}--ab\nContent-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: x\n\ny\n--d--\n--ab--\n`,
    'multipart/mixed(multipart/digest(message/rfc822(text/plain "y")))',
  ],
  [
    'an embedded message has its own Mime-Version',
    `${mime}--ab\nContent-Type: message/rfc822\n\nContent-Type: text/html\n\nx\n--ab--\n`,
    'multipart/mixed(message/rfc822(text/plain "x"))',
  ],
  [
    'of two Content-Type fields the last counts',
    'Mime-Version: 1.0\nContent-Type: text/html\nContent-Type: text/x-y\n\n',
    'text/x-y ""',
  ],
  ['a type without a subtype', 'Mime-Version: 1.0\nContent-Type: Foo; a=b\n\n', 'foo/ ""'],
];

for (const [name, text, tree] of trees) {
  test(`structure: ${name}`, () => {
    const octets = Buffer.from(text);
    const structure = parseStructure(octets);
    checkStructure(octets, structure);
    assert.equal(outline(octets, structure.root), tree);
  });
}

test('an embedded message may hold a multipart, and inherits nothing', () => {
  const octets = Buffer.from(
    'Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=ab; charset=UTF-8\nContent-Transfer-Encoding: 7BIT\n\n' +
      `--ab\n\nx\n--ab\nContent-Type: message/rfc822\n\nSubject: i\n${mime}--ab\n\ny\n--ab--\n--ab--\n`,
  );
  const [text, embedded] = parseStructure(octets).root.parts;
  assert.deepEqual([text!.parameters, text!.encoding], [[['charset', 'utf-8']], '7bit']);
  const inner = embedded!.parts[0]!;
  assert.equal(inner.envelope?.subject, 'i');
  assert.equal(outline(octets, inner), 'multipart/mixed(text/plain "y")');
  assert.deepEqual([inner.parts[0]!.parameters, inner.parts[0]!.encoding], [[], '8bit']);
});

test('header fields are unfolded, trimmed and joined when repeated', () => {
  const octets = Buffer.from(
    'SUBJECT : a\n\tb\r\n \n c \nTo: x@y\nSubject: d\nto:\nX-From: no\nFrom no colon\nCc: \n\r\nDate: body',
    'latin1',
  );
  assert.deepEqual(parseStructure(octets).root.envelope, { subject: 'a\tb  c,d', to: 'x@y', cc: '' });
});

for (const depth of [99, 100, 101, 5000]) {
  test(`${depth} levels of multiparts stay within the limit`, () => {
    let text = 'Mime-Version: 1.0\n';
    for (let level = 0; level < depth; level++) {
      text += `Content-Type: multipart/mixed; boundary=b${level}\n\n--b${level}\n`;
    }
    const octets = Buffer.from(text);
    const structure = parseStructure(octets);
    checkStructure(octets, structure);
    checkSerialized(structure);
    let levels = 0;
    for (let part: Part | undefined = structure.root; part; part = part.parts[0]) levels++;
    assert.equal(levels, Math.min(depth + 1, 100));
  });
}

for (const count of [9_999, 10_000, 15_000]) {
  test(`${count} parts: the last within the limit takes what follows`, () => {
    const octets = Buffer.from(`${mime}${'--ab\n\nx\n'.repeat(count)}--ab--\nend`);
    const structure = parseStructure(octets);
    checkStructure(octets, structure);
    const { parts } = structure.root;
    assert.equal(parts.length, Math.min(count, 9_999));
    const last = octets.toString('latin1', parts.at(-1)!.bodyStart, parts.at(-1)!.end);
    assert.equal(last, `x${'\n--ab\n\nx'.repeat(count - parts.length)}`);
  });
}

test('100,000 header lines and endless fields keep little', () => {
  const line = `To: ${'x'.repeat(60)}@example.org,\n`;
  const parser = createStructureParser();
  for (let at = 0; at < 100_000; at++) parser.write(Buffer.from(line));
  parser.write(Buffer.from('Subject: '));
  for (let at = 0; at < 2_000; at++) parser.write(Buffer.alloc(1000, 'y'));
  parser.write(Buffer.from('\nDate: d\n\nbody'));
  const { root, sizeOctets } = parser.end();
  assert.equal(sizeOctets - root.bodyStart, 4);
  assert.equal(root.envelope?.date, 'd');
  assert.ok(root.envelope.to!.length <= 65536 && root.envelope.subject!.length <= 65536);
});

test('an attachment of 100 MB, also as one line, costs a mark per 64 KiB', () => {
  for (const piece of [Buffer.from(`${'QUJD'.repeat(19)}\n`.repeat(850)), Buffer.alloc(65450, 'A')]) {
    const parser = createStructureParser();
    parser.write(Buffer.from(`${mime}--ab\nContent-Type: image/png\n\n`));
    for (let at = 0; at < 1600; at++) parser.write(piece);
    parser.write(Buffer.from('\n--ab--\n'));
    const { root, sizeOctets, marks } = parser.end();
    assert.equal(root.parts[0]!.end - root.parts[0]!.bodyStart, piece.length * 1600);
    assert.equal(marks.length, Math.floor(sizeOctets / 65536) + 1);
  }
});

/** A part to be written down, and what the parser must find. */
interface Model {
  kind: 'leaf' | 'multipart' | 'message';
  lines: readonly string[];
  children: readonly Model[];
}

const bodyLine = fc.oneof(
  fc.constantFrom(
    '',
    '-',
    '--',
    '-- ',
    '--b',
    '--b-',
    '--b--x',
    '--b0x',
    'x--b0',
    '--B0--',
    'Subject: no',
    '\t',
    '\0',
  ),
  fc.uint8Array({ maxLength: 20 }).map((octets) =>
    Buffer.from(octets)
      .toString('latin1')
      .replace(/[\r\n]/g, ''),
  ),
);
const { model } = fc.letrec<{ model: Model }>((tie) => ({
  model: fc.oneof(
    { depthSize: 'small' },
    fc.record({
      kind: fc.constant('leaf' as const),
      lines: fc.array(bodyLine, { maxLength: 5 }),
      children: fc.constant([]),
    }),
    fc.record({
      kind: fc.constant('multipart' as const),
      lines: fc.array(bodyLine, { maxLength: 2 }),
      children: fc.array(tie('model'), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('message' as const),
      lines: fc.constant([]),
      children: fc.array(tie('model'), { minLength: 1, maxLength: 1 }),
    }),
  ),
}));

/** The octets of a part; boundaries are numbered `b0`, `b1`, so that one begins like another. */
function write(part: Model, lineEnd: string, counter: { boundaries: number }): string {
  if (part.kind === 'leaf') return `X-Leaf: 1${lineEnd}${lineEnd}${part.lines.join(lineEnd)}`;
  if (part.kind === 'message') {
    const embedded = write(part.children[0]!, lineEnd, counter);
    return `Content-Type: message/rfc822${lineEnd}${lineEnd}Mime-Version: 1.0${lineEnd}${embedded}`;
  }
  const boundary = `b${counter.boundaries++}`;
  const pieces = part.children.map((child) => `--${boundary}${lineEnd}${write(child, lineEnd, counter)}`);
  const text = part.lines.map((line) => line + lineEnd).join('');
  return (
    `Content-Type: multipart/x; boundary=${boundary}${lineEnd}${lineEnd}${text}` +
    `${pieces.join(lineEnd)}${lineEnd}--${boundary}--${lineEnd}${text}`
  );
}

function expected(part: Model, lineEnd: string): string {
  if (part.kind === 'leaf') return `text/plain ${JSON.stringify(part.lines.join(lineEnd))}`;
  const name = part.kind === 'message' ? 'message/rfc822' : 'multipart/x';
  return `${name}(${part.children.map((child) => expected(child, lineEnd)).join(', ')})`;
}

test("a written tree is found again, with every leaf's octets, in pieces as in whole", () => {
  fc.assert(
    fc.property(model, fc.constantFrom('\n', '\r\n'), fc.nat(), (part, lineEnd, seed) => {
      const text = `Mime-Version: 1.0${lineEnd}${write(part, lineEnd, { boundaries: 0 })}`;
      const octets = Buffer.from(text, 'latin1');
      const structure = parseStructure(octets);
      assert.equal(outline(octets, structure.root), expected(part, lineEnd));
      checkStructure(octets, structure);
      checkSerialized(structure);
      const random = seededRandom(seed);
      assert.deepEqual(parseInPieces(octets, random), structure);
      checkSections(octets, structure, random);
    }),
    { numRuns: 300 },
  );
});

test('a header in one piece is what its octets one by one are', () => {
  const words = [
    'Subject: ',
    'to :',
    'CC:\t',
    'content-type: multipart/x; boundary=b',
    'Mime-Version: 1.0',
    'X: y',
  ];
  const bits = [
    '\n',
    '\n',
    '\r\n',
    '\r',
    '\n\n',
    '\n\r\n',
    ' ',
    '\t',
    ':',
    'a',
    '\xe9',
    '--b',
    '\n--b',
    '\n--b--',
  ];
  const text = fc.array(fc.constantFrom(...words, ...bits, 'z'.repeat(900)), { maxLength: 40 });
  fc.assert(
    fc.property(text, (pieces) => {
      const octets = Buffer.from(pieces.join(''), 'latin1');
      const parser = createStructureParser();
      for (let at = 0; at < octets.length; at++) parser.write(octets.subarray(at, at + 1));
      assert.deepEqual(parseStructure(octets), parser.end());
    }),
    { numRuns: 2000 },
  );
});
