import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  canonicalInbox,
  checkNewName,
  decodeFolderWord,
  encodeFolderWord,
  entryOfName,
  nameOfEntry,
  octetsToText,
  parentsOf,
  textToOctets,
} from './names.ts';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

const folders: [name: string, entry: string][] = [
  ['INBOX.Sent', '.Sent'],
  ['INBOX.a.b', '.a.b'],
  ['INBOX. a b', '. a b'],
  ['INBOX.new', '.new'],
  ['INBOX.INBOX', '.INBOX'],
  ['INBOX.Größe', latin1('.Größe')],
  ['INBOX.😀', latin1('.😀')],
  ['INBOX.R&AOk-', '.R&AOk-'],
  ['INBOX.\uefe9t', '.\xe9t'],
  ['INBOX.é\uefc3', `${latin1('.é')}\xc3`],
  ['INBOX.\uefed\uefa0\uef80', '.\xed\xa0\x80'],
  ['INBOX.\uefee\uefbe\uef80', latin1('.\uef80')],
  ['INBOX.\ufeffx', latin1('.\ufeffx')],
  ['INBOX.a\nb', '.a\nb'],
];
for (const [name, entry] of folders)
  test(`folder ${JSON.stringify(name)} <-> directory ${JSON.stringify(entry)}`, () => {
    assert.equal(entryOfName(name), entry);
    assert.equal(nameOfEntry(entry), name);
  });

test('INBOX is the maildir itself', () => assert.equal(entryOfName('INBOX'), ''));

for (const entry of ['.', '..', '..x', '.a.', '.a..b', 'cur', ''])
  test(`directory ${JSON.stringify(entry)} is no folder`, () => assert.equal(nameOfEntry(entry), undefined));

const noFolders = [
  '',
  'x',
  'inbox.x',
  'INBOX.',
  'INBOX..x',
  'INBOX.x.',
  'INBOX.a/b',
  'INBOX.a\0',
  'INBOXx',
  'INBOX.\ud800',
];
// The octets C3 A9 read as é: the stray spelling would be a second name for that folder.
for (const name of [...noFolders, 'INBOX.\uefc3\uefa9'])
  test(`${JSON.stringify(name)} is no folder's name`, () =>
    assert.throws(() => entryOfName(name), { kind: 'invalidName' }));

test('a directory entry may have 255 octets and no more', () => {
  assert.equal(entryOfName(`INBOX.${'é'.repeat(127)}`).length, 255);
  assert.throws(() => entryOfName(`INBOX.${'é'.repeat(127)}x`), { kind: 'invalidName' });
});

test('octets and text map one to one', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const octets = Buffer.from(bytes).toString('latin1');
      const text = octetsToText(octets);
      assert.ok(text.isWellFormed());
      assert.equal(textToOctets(text), octets);
    }),
    { numRuns: 2000 },
  );
});

for (const name of [
  'INBOX.a\nb',
  'INBOX.a\x7f',
  'INBOX.\u0085',
  'INBOX.\ud800',
  'INBOX.\uefe9',
  'INBOX.\uffff',
  'INBOX.\ufffd',
])
  test(`a new folder may not be called ${JSON.stringify(name)}`, () =>
    assert.throws(() => checkNewName(name, true), { kind: 'invalidName' }));

for (const name of ['INBOX.a b', 'INBOX.R&D', 'INBOX.Größe', 'INBOX.*%"\\~:', 'INBOX.日本語'])
  test(`a new folder may be called ${name}`, () => checkNewName(name, false));

test('characters beyond the BMP are a matter of a setting', () => {
  checkNewName('INBOX.😀', true);
  assert.throws(() => checkNewName('INBOX.😀', false), { kind: 'invalidName' });
});

test('only the first component INBOX may be spelt in any case', () => {
  assert.equal(canonicalInbox('inBox.Inbox'), 'INBOX.Inbox');
  assert.equal(canonicalInbox('inbox'), 'INBOX');
  assert.equal(canonicalInbox('inboxes'), 'inboxes');
});

test('the names above a folder, nearest first', () => {
  assert.deepEqual([...parentsOf('INBOX.a.b')], ['INBOX.a', 'INBOX']);
  assert.deepEqual([...parentsOf('INBOX')], []);
});

test('a folder word reads back from its component, which has no separator', () =>
  fc.assert(
    fc.property(fc.string(), (word) => {
      assert.equal(decodeFolderWord(encodeFolderWord(word)), word);
      assert.doesNotMatch(encodeFolderWord(word), /[./~:\0]/);
    }),
  ));

test('a folder word is encoded as Courier does', () =>
  assert.equal(encodeFolderWord('b/c~:d\\e.f'), 'b\\057c\\176\\072d\\134e\\056f'));
