import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { put, temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import type { Folder } from '../store/folder.ts';
import { forgetFolder, openFolder } from '../store/registry.ts';
import { factsRecord, readFactsRecord } from './facts-record.ts';
import { type MessageFacts, textColumns } from './message-facts.ts';
import { search } from './search.ts';
import { sort } from './sort.ts';

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\ud800', 'größe', '\xff\0'),
);
const anyNumber = fc.oneof(fc.constant(Number.NaN), fc.integer(), fc.double());
const anyFacts: fc.Arbitrary<MessageFacts> = fc.record(
  {
    sentSeconds: anyNumber,
    sentDay: anyNumber,
    isReply: fc.boolean(),
    texts: fc.array(fc.option(anyText, { nil: undefined }), {
      minLength: textColumns.length,
      maxLength: textColumns.length,
    }),
    references: fc.array(anyText),
  },
  { noNullPrototype: true },
);

test('facts that were written are read', () => {
  fc.assert(
    fc.property(anyFacts, fc.nat(9), (facts, before) => {
      const content = factsRecord(facts)!;
      const octets = Buffer.concat([Buffer.alloc(before, 1), content, Buffer.alloc(9, 2)]);
      assert.deepEqual(readFactsRecord(octets, before, before + content.length), facts);
    }),
  );
});

test('octets that are no record are refused or read as something, never beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      const facts = readFactsRecord(Buffer.from(octets), 0, octets.length);
      assert.ok(facts === undefined || facts.texts.length === textColumns.length);
    }),
  );
});

test('more references than a record holds are not kept', () => {
  const facts = {
    sentSeconds: 0,
    sentDay: 0,
    isReply: false,
    texts: [],
    references: Array<string>(0x1_0000).fill(''),
  };
  assert.equal(factsRecord(facts), undefined);
});

test('another process sorts and searches by what the first one read, without opening a message', async (t) => {
  const { directory, remove } = temporaryFolder();
  t.after(remove);
  for (let i = 0; i < 9; i++) put(directory, `cur/${i}.x:2,`, `subject ${9 - i}`);
  const settings = { ...testSettings, keepsIndex: true };
  const options = { nowSeconds: 0 };
  const viewOf = (folder: Folder) => ({
    folder,
    uids: folder.uids,
    count: folder.count,
    isRecent: () => false,
  });
  const ask = async (folder: Folder) => [
    [...(await sort(viewOf(folder), [{ field: 'subject', reverse: false }], { kind: 'all' }, options))],
    [...(await search(viewOf(folder), { kind: 'header', name: 'Subject', value: 'subject 3' }, options))],
  ];
  const first = await openFolder(directory, settings);
  const expected = [[8, 7, 6, 5, 4, 3, 2, 1, 0], [6]];
  assert.deepEqual(await ask(first), expected);
  first.computed.flush();
  first.close();
  forgetFolder(directory);
  for (let i = 0; i < 9; i++) writeFileSync(join(directory, `cur/${i}.x:2,`), '\n');
  const second = await openFolder(directory, settings);
  // What this process remembers goes by the directory.
  const elsewhere = Object.create(second, { directory: { value: `${directory}/.` } }) as Folder;
  assert.deepEqual(await ask(elsewhere), expected);
  second.close();
  forgetFolder(directory);
});
