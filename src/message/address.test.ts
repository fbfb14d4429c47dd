import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, displayAddress, parseAddresses } from './address.ts';

/** `name|route|mailbox|host`, `name:` and `;` for groups. */
function brief(address: Address): string {
  if (address.kind === 'groupStart') return `${address.name}:`;
  if (address.kind === 'groupEnd') return ';';
  return [address.name ?? '-', address.route ?? '-', address.mailbox, address.host].join('|');
}

const lists: [value: string, addresses: string[]][] = [
  ['', []],
  [' , ;', []],
  ['a@b', ['-|-|a|b']],
  ['<a@b>', ['-|-|a|b']],
  ['Name <a@b>, c@d', ['Name|-|a|b', '-|-|c|d']],
  ['"Doe, \\"J\\"" <a@b>', ['Doe, "J"|-|a|b']],
  ['"" <a@b>', ['-|-|a|b']],
  ['John Q.  Public <a@b>', ['John Q. Public|-|a|b']],
  ['a@b (Real (x) Name)', ['Real (x) Name|-|a|b']],
  ['a@b (one) (two)', ['one|-|a|b']],
  ['<a@b> (Name)', ['Name|-|a|b']],
  ['(c) a (d) @ (e) b', ['c|-|a|b']],
  ['a . b @ c . d', ['-|-|a.b|c.d']],
  ['Name a@b', ['Name|-|a|b']],
  ['n@x <a@b>', ['n@x|-|a|b']],
  ['"a b"@c', ['-|-|a b|c']],
  ['<"a@b"@[1.2.3.4]>', ['-|-|a@b|[1.2.3.4]']],
  ['<@r,@s:a@b>', ['-|@r,@s|a|b']],
  ['<>', ['-|-||']],
  ['root', ['-|-|root|']],
  ['two words', ['-|-|two words|']],
  ['group: a@b, C <c@d>;, e@f', ['group:', '-|-|a|b', 'C|-|c|d', ';', '-|-|e|f']],
  ['undisclosed-recipients:;', ['undisclosed-recipients:', ';']],
  ['"my group": ;', ['my group:', ';']],
  ['open: a@b', ['open:', '-|-|a|b', ';']],
  ['a@b; c@d', ['-|-|a|b', '-|-|c|d']],
  ['<a@b', ['-|-|a|b']],
  ['"open <a@b>', ['-|-|open <a@b>|']],
  ['(open', []],
  ['=?utf-8?Q?a=2Cb?= <a@b>', ['=?utf-8?Q?a=2Cb?=|-|a|b']],
  ['a@b@c', ['-|-|@b|c'].map(() => '-|-|a@b|c')],
];

for (const [value, addresses] of lists) {
  test(`addresses: ${value}`, () => assert.deepEqual(parseAddresses(value).map(brief), addresses));
}

test('any text gives a list in which groups open and close', () => {
  const text = fc.array(fc.constantFrom(...'()<>@,;:."\\[] ab\t\r\xc3\0=?'.split('')), { maxLength: 60 });
  fc.assert(
    fc.property(text, (chars) => {
      let open = 0;
      for (const address of parseAddresses(chars.join(''))) {
        displayAddress(address);
        if (address.kind === 'groupStart') open++;
        if (address.kind === 'groupEnd') open--;
        assert.ok(open === 0 || open === 1);
      }
      assert.equal(open, 0);
    }),
    { numRuns: 2000 },
  );
});

test('long lists and unclosed comments take linear time', () => {
  const started = performance.now();
  for (const piece of ['(', '"', '<', 'a:', '((', 'a@', 'x (y) ', '[', ','])
    parseAddresses(piece.repeat(20_000));
  assert.ok(performance.now() - started < 2000);
});

const shown: [value: string, text: string][] = [
  ['=?utf-8?q?B=C3=BCcher?= <info@xn--bcher-kva.example>', 'Bücher <info@bücher.example>'],
  ['a@b (Name)', 'Name <a@b>'],
  ['a@xn--\xff', 'a@xn--ÿ'],
  ['root', 'root'],
];

for (const [value, text] of shown) {
  test(`address shown: ${value}`, () =>
    assert.equal(parseAddresses(value).map(displayAddress).join(', '), text));
}
