import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern, joinReference } from './list-pattern.ts';

const rows: [pattern: string, yes: string[], no: string[]][] = [
  ['*', ['INBOX', 'INBOX.a.b', ''], []],
  ['%', ['INBOX', 'Sent'], ['INBOX.a']],
  ['INBOX.%', ['INBOX.a', 'INBOX.'], ['INBOX', 'INBOX.a.b']],
  ['inbox', ['INBOX'], ['INBOX.a', 'INBO']],
  ['inbox.%', ['INBOX.a'], ['INBOX.a.b']],
  ['in*x.A', ['INBOX.A', 'INBOX.x.A'], ['INBOX.a']],
  ['INBOX.sent', ['INBOX.sent'], ['INBOX.Sent']],
  ['i%', ['INBOX', 'ix'], ['Ix']],
  ['%.%', ['INBOX.a'], ['INBOX', 'INBOX.a.b']],
  ['*a*a', ['aa', 'xaya'], ['a', 'aab']],
  ['%a%.b', ['a.b', 'xax.b'], ['x.a.b', 'a.b.b']],
  ['*%', ['', 'a.b'], []],
  ['', [''], ['a']],
];
for (const [pattern, yes, no] of rows)
  test(`pattern ${JSON.stringify(pattern)}`, () => {
    const match = compilePattern(pattern);
    for (const name of yes) assert.ok(match(name), `${pattern} should match ${name}`);
    for (const name of no) assert.ok(!match(name), `${pattern} should not match ${name}`);
  });

const joins: [reference: string, pattern: string, joined: string][] = [
  ['', '%', '%'],
  ['INBOX', '%', 'INBOX.%'],
  ['INBOX.', '%', 'INBOX.%'],
  ['', 'INBOX.a.', 'INBOX.a'],
  ['INBOX.a', 'b.%', 'INBOX.a.b.%'],
];
for (const [reference, pattern, joined] of joins)
  test(`reference ${JSON.stringify(reference)} and ${pattern}`, () =>
    assert.equal(joinReference(reference, pattern), joined));

test('ten wildcards are taken, eleven are not', () => {
  compilePattern('*%'.repeat(5));
  assert.throws(() => compilePattern('*'.repeat(11)), { kind: 'cannot' });
});

test('patterns mean what the same regular expression means', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '%'), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 });
  fc.assert(
    fc.property(pattern, name, (p, n) => {
      const source = p.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('%', '[^.]*');
      assert.equal(compilePattern(p)(n), new RegExp(`^${source}$`).test(n));
    }),
    { numRuns: 2000 },
  );
});

test('a hostile pattern takes no longer than both lengths multiplied', () => {
  const started = performance.now();
  assert.equal(compilePattern(`${'*a'.repeat(10)}b`)('a'.repeat(5000)), false);
  assert.ok(performance.now() - started < 1000);
});
