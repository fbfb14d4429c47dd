import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseShellFile, ShellRefusal, splitShellWords } from './shell-file.ts';

function parse(text: string, before: Record<string, string> = {}) {
  const { assignments, errors } = parseShellFile(text, 'imapd', new Map(Object.entries(before)));
  return {
    values: Object.fromEntries(assignments.map(({ name, value }) => [name, value])),
    lines: assignments.map(({ line }) => line),
    errors: errors.map(({ file, line, message }) => `${file}:${line}: ${message}`),
  };
}

const accepted: [string, Record<string, string>][] = [
  ['', {}],
  ['# only a comment', {}],
  ['##NAME: PORT:1\n##VERSION: $Id$\n', {}],
  ['PORT=143', { PORT: '143' }],
  ['PORT=143\nPORT=144\n', { PORT: '144' }],
  ['  PORT=143  # the port', { PORT: '143' }],
  ['OUTBOX=.Out#box', { OUTBOX: '.Out#box' }],
  ['EMPTY=\nEMPTY2=""', { EMPTY: '', EMPTY2: '' }],
  ['A=1 B=2', { A: '1', B: '2' }],
  ['export A=1 B', { A: '1' }],
  ['export A', {}],
  ['export A=1 export', { A: '1' }],
  ['export=1', { export: '1' }],
  ['A="x y"', { A: 'x y' }],
  ['A=\'x $y "z"\'', { A: 'x $y "z"' }],
  ['A="\\$x \\" \\\\ \\n"', { A: '$x " \\ \\n' }],
  ['A=x\\ y', { A: 'x y' }],
  ['A="x\\\ny"\nB=1', { A: 'xy', B: '1' }],
  ['A="x\ny"\nB=1', { A: 'x\ny', B: '1' }],
  ['A=x\\\ny', { A: 'xy' }],
  ['A=1 \\\nB=2', { A: '1', B: '2' }],
  ['A=one"two"\'three\'', { A: 'onetwothree' }],
  [`A=1\nB="$A and \${A}s"`, { A: '1', B: '1 and 1s' }],
  ["A=1\nB='$A'", { A: '1', B: '$A' }],
  ['B=$UNKNOWN.', { B: '.' }],
  ['A=1\nB="$A\\\n x"', { A: '1', B: '1 x' }],
  ['A="costs 5$"\nB=$', { A: 'costs 5$', B: '$' }],
  ['A=*.[x]?', { A: '*.[x]?' }],
];
for (const [text, values] of accepted)
  test(`shell file reads ${JSON.stringify(text)}`, () => {
    const result = parse(text);
    assert.deepEqual(result.errors, []);
    assert.deepEqual(result.values, values);
  });

const refused: [string, string][] = [
  ['A=`date`', '1: a command in backquotes cannot be evaluated'],
  ['A="`date`"', '1: a command in backquotes cannot be evaluated'],
  ['\nA=$(date)', '2: a command in $( ) cannot be evaluated'],
  [`A=\${B:-x}`, '1: only a name can be evaluated in braces behind a $'],
  ['A=$1', '1: $1 cannot be evaluated'],
  ['A=1; B=2', '1: ";" needs a shell; quote it if it belongs to the value'],
  ['A=a&b', '1: "&" needs a shell; quote it if it belongs to the value'],
  ['A=~/x', '1: a home directory (~) cannot be evaluated here'],
  ['if true', '1: "if" is not an assignment, and commands are not run'],
  ['. /etc/other', '1: "." is not an assignment, and commands are not run'],
  ['f() {', '1: "f()" is not an assignment, and commands are not run'],
  ['A =1', '1: "A" is not an assignment, and commands are not run'],
  ['A= 1', '1: "1" is not an assignment, and commands are not run'],
  ['1A=2', '1: "1A=2" is not an assignment, and commands are not run'],
  ["A='x\ny", "1: a ' has no closing '"],
  ['A="x\ny', '1: a " has no closing "'],
  ['A=1\r\n', '1: a carriage return: the file has DOS line ends'],
  ['\r\nA=1', '1: a carriage return: the file has DOS line ends'],
  ['A=x\0y', '1: a NUL octet'],
  ['A=1 export B=2', '1: "export" is not an assignment, and commands are not run'],
  ['A=$B\\\nC', '1: a line is continued within the name of a variable'],
  ['A=$\\\nB', '1: a line is continued within the name of a variable'],
];
for (const [text, message] of refused)
  test(`shell file refuses ${JSON.stringify(text)}`, () =>
    assert.equal(parse(text).errors[0], `imapd:${message}`));

test('shell file goes on behind an error', () => {
  const result = parse('A=1\nB=`x`\nC=3\nwhile\nD="4"\n');
  assert.deepEqual(result.values, { A: '1', C: '3', D: '4' });
  assert.equal(result.errors.length, 2);
});

test('shell file counts lines through quotes, continuations and comments', () =>
  assert.deepEqual(parse('# x\nA="1\n2"\nB=3\nC=\\\n4\n\nD=5').lines, [2, 4, 5, 8]));

test('shell file sees the variables of files read before', () =>
  assert.deepEqual(parse('B="$A x"', { A: '1' }).values, { B: '1 x' }));

test('shell file terminates on any text, with every error in a line of it', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom('A=', '$', '{', '}', '"', "'", '\\', '\n', ' ', '#', '`', '(', 'x', '\r', 'é'),
        {
          maxLength: 30,
        },
      ),
      (pieces) => {
        const text = pieces.join('');
        const lines = text.split('\n').length;
        const { assignments, errors } = parseShellFile(text, 'f');
        for (const { line } of [...assignments, ...errors]) assert.ok(line >= 1 && line <= lines);
      },
    ),
  ));

test('shell file gives back any value that was quoted for it', () =>
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0')),
      (value) => {
        const single = `A='${value.replaceAll("'", "'\\''")}'`;
        const double = `B="${value.replace(/[$`"\\]/g, '\\$&')}"`;
        assert.deepEqual(parse(`${single}\n${double}`).values, { A: value, B: value });
      },
    ),
  ));

const words: [string, string[]][] = [
  ['', []],
  ['-nodnslookup', ['-nodnslookup']],
  ["-nodnslookup '-denymsg=go away'", ['-nodnslookup', '-denymsg=go away']],
  ['  -a\t-b\n-c ', ['-a', '-b', '-c']],
  ['-a="x y" ""', ['-a=x y', '']],
];
for (const [value, expected] of words)
  test(`option words of ${JSON.stringify(value)}`, () => assert.deepEqual(splitShellWords(value), expected));

test('option words refuse an open quote', () => assert.throws(() => splitShellWords("-a 'b"), ShellRefusal));
