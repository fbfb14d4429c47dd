import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import {
  listOf,
  type TemporaryFolder,
  temporaryFolder,
  testSettings,
} from '../../test/support/store-folder.ts';
import { changeKeywordsSlowly, type KeywordContext, readKeywords } from './keyword-files.ts';

/** The example of maildir-store §6.3: T = 5985096. */
const now = 1795528949;
const slot = 5985096;
const known = new Set(['msgA', 'msgB', 'msgC']);
let place: TemporaryFolder;
let directory: string;
let context: KeywordContext;

beforeEach(() => {
  place = temporaryFolder();
  directory = `${place.directory}/courierimapkeywords`;
  mkdirSync(directory);
  context = {
    folder: place.directory,
    settings: testSettings,
    isKnown: (base) => known.has(base),
    nowSeconds: () => now,
  };
});

afterEach(() => place.remove());

function write(name: string, text: string, ageSeconds = 0): void {
  writeFileSync(`${directory}/${name}`, text);
  utimesSync(`${directory}/${name}`, now - ageSeconds, now - ageSeconds);
}

interface Case {
  readonly files: Record<string, string>;
  readonly keywords: Record<string, string[]>;
  readonly left: string[];
  readonly list?: string;
}

const cases: Record<string, Case> = {
  'an update becomes .{T+1}.BASE and goes into the list': {
    files: { msgA: 'Foo\n' },
    keywords: { msgA: ['Foo'] },
    left: [`.${slot + 1}.msgA`, ':list'],
    list: 'Foo\n\nmsgA:0\n',
  },
  'an update replaces what the list has': {
    files: { ':list': 'Foo\n\nmsgA:0\nmsgB:0\n', msgA: '' },
    keywords: { msgB: ['Foo'] },
    left: [`.${slot + 1}.msgA`, ':list'],
    list: 'Foo\n\nmsgB:0\n',
  },
  'the list goes with its last keyword': {
    files: { ':list': 'Foo\n\nmsgA:0\n', msgA: '' },
    keywords: {},
    left: [`.${slot + 1}.msgA`],
  },
  'a merged update of this or a coming slot is read again and stays': {
    files: { ':list': 'Old\n\nmsgA:0\n', [`.${slot}.msgA`]: 'New\n' },
    keywords: { msgA: ['New'] },
    left: [`.${slot}.msgA`, ':list'],
    list: 'New\n\nmsgA:0\n',
  },
  'the newest counts: BASE, then the highest number': {
    files: {
      msgA: 'a\n',
      [`.${slot + 1}.msgA`]: 'b\n',
      [`.${slot}.msgB`]: 'c\n',
      [`.${slot + 1}.msgB`]: 'd\n',
    },
    keywords: { msgA: ['a'], msgB: ['d'] },
    left: [`.${slot}.msgB`, `.${slot + 1}.msgA`, `.${slot + 1}.msgB`, ':list'],
  },
  'a lone update of a past slot is applied and goes': {
    files: { [`.${slot - 1}.msgA`]: 'a\n' },
    keywords: { msgA: ['a'] },
    left: [':list'],
    list: 'a\n\nmsgA:0\n',
  },
  'of two past ones the older goes': {
    files: { [`.${slot - 2}.msgA`]: 'a\n', [`.${slot - 1}.msgA`]: 'b\n' },
    keywords: { msgA: ['b'] },
    left: [`.${slot - 1}.msgA`, ':list'],
  },
  'a past one beside a present one stays': {
    files: { [`.${slot - 1}.msgA`]: 'a\n', [`.${slot}.msgA`]: 'b\n' },
    keywords: { msgA: ['b'] },
    left: [`.${slot - 1}.msgA`, `.${slot}.msgA`, ':list'],
  },
  'unknown messages leave the list': {
    files: { ':list': 'a\nb\n\nmsgA:0\ngone:1\n' },
    keywords: { msgA: ['a'] },
    left: [':list'],
    list: 'a\n\nmsgA:0\n',
  },
  'other names with dots are left alone': {
    files: { '.x.msgA': 'a\n', '.0.msgA': 'a\n', '.nfs123': '' },
    keywords: {},
    left: ['.0.msgA', '.nfs123', '.x.msgA'],
  },
};

for (const [name, each] of Object.entries(cases))
  test(`merging: ${name}`, async () => {
    for (const [file, text] of Object.entries(each.files)) write(file, text);
    const read = await readKeywords(context, false);
    assert.deepEqual(Object.fromEntries(read.messages), each.keywords, 'reading without merging');
    assert.deepEqual(listOf(place.directory, 'courierimapkeywords').length, Object.keys(each.files).length);
    assert.deepEqual(Object.fromEntries((await readKeywords(context, true)).messages), each.keywords);
    assert.deepEqual(listOf(place.directory, 'courierimapkeywords'), each.left);
    if (each.list !== undefined) assert.equal(readFileSync(`${directory}/:list`, 'latin1'), each.list);
    assert.deepEqual(
      Object.fromEntries((await readKeywords(context, true)).messages),
      each.keywords,
      'again',
    );
  });

test('updates of unknown messages go after 15 minutes, slow-mode scratch files after 2', async () => {
  write('old', 'a\n', 901);
  write('young', 'a\n', 899);
  write(`.${slot}.old2`, 'a\n', 901);
  write(`.tmp.${now - 121}.x`, 'a\n');
  write(`.tmp.${now - 119}.x`, 'a\n');
  await readKeywords(context, true);
  assert.deepEqual(listOf(place.directory, 'courierimapkeywords'), [`.tmp.${now - 119}.x`, 'young']);
});

test('a merge is wanted only where there is something to merge', async () => {
  assert.equal((await readKeywords(context, false)).wantsMerge, false);
  write(':list', 'a\n\nmsgA:0\n');
  assert.equal((await readKeywords(context, false)).wantsMerge, false);
  write('msgB', 'b\n');
  assert.equal((await readKeywords(context, false)).wantsMerge, true);
});

test('slow mode changes the newest set, of unknown messages too', async () => {
  write(':list', 'a\n\nmsgA:0\n');
  write('stranger', 'x\n');
  const add = (name: string) => (present: readonly string[]) => [...present, name];
  assert.deepEqual(await changeKeywordsSlowly(context, 'msgA', add('b')), ['a', 'b']);
  assert.deepEqual(await changeKeywordsSlowly(context, 'stranger', add('y')), ['x', 'y']);
  assert.equal(readFileSync(`${directory}/stranger`, 'latin1'), 'x\ny\n');
  assert.ok(listOf(place.directory, 'courierimapkeywords').every((name) => !name.startsWith('.tmp')));
  assert.equal((await readKeywords(context, true)).messages.get('msgA')!.join(), 'a,b');
});
