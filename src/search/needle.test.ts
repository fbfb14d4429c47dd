import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldCase, Needle, squeeze } from './needle.ts';

const table: [needle: string, text: string, found: boolean][] = [
  ['', 'anything', true],
  ['Hello', 'say HELLO there', true],
  ['hello world', 'Hello\r\n\t World', true],
  [' hello ', 'xhellox', true],
  ['hello world', 'hello', false],
  ['helloworld', 'hello world', false],
  ['ÄRGER', 'viel ärger', true],
  ['straße', 'STRASSE', false],
  ['Привет', 'ПРИВЕТ!', true],
  ['a  b', 'a b', true],
];

for (const [needle, text, found] of table) {
  test(`needle ${JSON.stringify(needle)} is ${found ? '' : 'not '}in ${JSON.stringify(text)}`, () => {
    assert.equal(new Needle(needle).isIn(text), found);
    assert.equal(new Needle(needle).isInFolded(foldCase(squeeze(text))), found);
  });
}

test('a needle is found in pieces wherever it is found in the whole', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '\n', 'é'), maxLength: 30 });
  const words = fc.string({ unit: fc.constantFrom('A', 'b', ' ', 'É'), maxLength: 5 });
  fc.assert(
    fc.property(words, fc.array(letters, { maxLength: 6 }), (needle, pieces) => {
      const plain = foldCase(squeeze(pieces.join(''))).includes(foldCase(squeeze(needle)).trim());
      const matches = new Needle(needle).matcher();
      let found = matches('');
      for (const piece of pieces) found = matches(piece);
      assert.equal(found, plain);
    }),
    { numRuns: 3000 },
  );
});
