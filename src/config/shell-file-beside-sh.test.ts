/** The shell itself as the oracle: what is accepted must mean the same to /bin/sh, which reads Courier's files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseShellFile } from './shell-file.ts';

const names = ['A', 'B', 'C_1'] as const;

/** Values after sourcing the text in an empty environment; only texts that our parser takes come here. */
function bySh(texts: readonly string[]): (Record<string, string> | undefined)[] {
  const report = names.map((name) => `printf '%s\\0' "\${${name}-}"`).join('; ');
  const script = `for text; do (eval "$text" >/dev/null; ${report}; printf 'end\\0'); done`;
  const { stdout } = spawnSync('/bin/sh', ['-c', script, 'sh', ...texts], { env: {}, encoding: 'utf8' });
  const fields = stdout.split('\0');
  return texts.map((_, index) => {
    const at = index * (names.length + 1);
    if (fields[at + names.length] !== 'end') return undefined;
    return Object.fromEntries(names.map((name, i) => [name, fields[at + i]!]));
  });
}

function byUs(text: string): Record<string, string> | undefined {
  const { assignments, errors } = parseShellFile(text, 'f');
  if (errors.length > 0) return undefined;
  const values = Object.fromEntries(names.map((name) => [name, '']));
  for (const { name, value } of assignments) if (name in values) values[name] = value;
  return values;
}

const piece = fc.constantFrom(
  ...[
    'A=',
    'B=',
    'C_1=',
    'export ',
    '$A',
    '$',
    '${',
    '}',
    'B',
    '"',
    "'",
    '\\',
    '\n',
    ' ',
    '\t',
    '#',
    'x',
    '*',
    'é',
    '=',
    '~',
    '.',
  ],
);

test('what is accepted means the same to /bin/sh', () => {
  const texts = fc
    .sample(fc.array(piece, { minLength: 1, maxLength: 16 }), 4000)
    .map((pieces) => `A=${pieces.join('')}`)
    .filter((text) => byUs(text) !== undefined);
  assert.ok(texts.length > 300, `${texts.length} texts`);
  const expected = bySh(texts);
  for (const [index, text] of texts.entries())
    assert.deepEqual(byUs(text), expected[index], JSON.stringify(text));
});
