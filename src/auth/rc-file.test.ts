import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { privateFolder, removeFolder } from '../../test/support/private-server.ts';
import type { Log } from '../base/log.ts';
import { AuthError } from './auth-error.ts';
import { integerValue, openRcFile, parseRcFile, requiredValue } from './rc-file.ts';

const lines: [string, string, Record<string, string>][] = [
  ['blanks around a value', '  NAME \t a b \t\n', { NAME: 'a b' }],
  ['no value', 'NAME\n', { NAME: '' }],
  ['a comment', '# NAME x\n  # NAME y\n', {}],
  ['no comment behind a value', 'NAME a # b\n', { NAME: 'a # b' }],
  ['no quotes', `NAME "a" 'b'\n`, { NAME: `"a" 'b'` }],
  ['the first of two', 'NAME a\nNAME b\n', { NAME: 'a' }],
  ['a value that goes on', 'NAME a \\\n   b\\\n# c\n', { NAME: 'a  b # c' }],
  ['a backslash at the end of the file', 'NAME a \\', { NAME: 'a \\' }],
  ['CR at line ends', 'NAME a\r\nOTHER b\r\n', { NAME: 'a', OTHER: 'b' }],
];
for (const [name, text, expected] of lines) {
  test(`rc file: ${name}`, () => assert.deepEqual(Object.fromEntries(parseRcFile(text)), expected));
}

function place(t: TestContext) {
  const folder = privateFolder('rc');
  t.after(() => removeFolder(folder));
  const said: string[] = [];
  const push = (line: string) => void said.push(line);
  const log: Log = { error: push, warn: push, info: push, debug: push };
  const path = join(folder, 'authmysqlrc');
  const open = () => openRcFile(path, (values) => integerValue(values, 'N', 'test', 7), log);
  return { path, said, open, write: (text: string, mode = 0o600) => writeFileSync(path, text, { mode }) };
}

test('what is wrong is said once, when the file is opened, and again when it has changed', (t) => {
  const { path, said, open, write } = place(t);
  write('N x\n##NAME: MARKER:0\n');
  const file = open();
  assert.deepEqual(said, ['test: cannot parse the N setting']);
  assert.throws(() => file.current(), AuthError);
  assert.equal(said.length, 1);
  write('N 5\n');
  assert.throws(() => file.current(), /marker line not found/);
  write('N 12 and more\n##NAME: MARKER:0\n');
  assert.equal(file.current(), 12);
  write('N yy\n##NAME: MARKER:0\n');
  assert.equal(file.current(), 12);
  write('N 12345\n');
  assert.equal(file.current(), 12);
  assert.match(said.at(-1)!, new RegExp(`marker line not found in ${path} will try again later`));
});

test('a file that is not there, and one that everybody can read', (t) => {
  const { said, open, write } = place(t);
  const file = open();
  assert.throws(() => file.current(), /ENOENT/);
  write('##NAME: MARKER:0\n', 0o644);
  assert.equal(file.current(), 7);
  assert.match(said.at(-1)!, /everybody can read the passwords/);
});

test('a required value may not be empty', () => {
  assert.throws(() => requiredValue(parseRcFile('A\n'), 'A', 'test'), /test: cannot read A/);
  assert.equal(requiredValue(parseRcFile('A b\n'), 'A', 'test'), 'b');
});
