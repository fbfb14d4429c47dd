import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../base/log.ts';
import { correctPop3Sizes, savedPop3Rows, updatePop3List } from './pop3-list.ts';
import { formatPop3List, parsePop3List, pop3Order, uniqueId } from './pop3-list-format.ts';

const now = 1_800_000_000;
const settings = { durable: false, keywords: 1, useLocks: true, hostname: 'host', log: silentLog } as const;

const generations: [release: string, file: string, ids: string[], current: boolean][] = [
  ['5.0', '/3 5 1795529424\na:2,S 18 3:1795529424:1\n', ['UID3-1795529424'], true],
  ['5.0, survivors', '/3 9 1795529424\nx 112 0:0:0\ny:2, 113 7:0:0\n', ['x', 'UID7'], true],
  ['2.1', '/2 5 1795529424\na:2,S 18 3:1795529424\n', ['UID3-1795529424'], false],
  ['2.0', '/1 5\nb c:2, 18 3\n', ['UID3'], false],
  ['1.7', "1700000002.a+b'c.h:2,S 18\n", ['1700000002.a+2Bb+27c.h'], false],
];
for (const [release, file, ids, current] of generations)
  test(`the list of release ${release} keeps its unique ids`, () => {
    const list = parsePop3List(Buffer.from(file), now);
    assert.deepEqual(list.entries.map(uniqueId), ids);
    assert.equal(list.current, current);
    assert.deepEqual(parsePop3List(formatPop3List(list), now).entries.map(uniqueId), ids);
  });

for (const line of ['', 'name', 'name 12', 'name 12 x:1:0', 'name 12 1:2:3'.slice(0, -2)])
  test(`an entry "${line}" that makes no sense, or has no line end, is left out`, () => {
    const end = line.startsWith('name 12 1') ? '' : '\n';
    assert.deepEqual(parsePop3List(Buffer.from(`/3 5 6\n${line}${end}`), now).entries, []);
  });

test('a number that is in use is never given again, whatever the header says', () => {
  assert.equal(parsePop3List(Buffer.from('/3 2 6\nx 1 9:6:0\n'), now).nextUid, 10);
});

test('names are ordered by their number, then by signed octets', () => {
  const names = ['-5.x', 'abc', '9.a', '0010.a', '10.\xe9', '10.A', '10.a1', '10.a:2,S', '10.b'];
  const order = ['-5.x', 'abc', '9.a', '0010.a', '10.\xe9', '10.A', '10.a:2,S', '10.a1', '10.b'];
  assert.deepEqual(
    pop3Order(names).map((index) => names[index]),
    order,
  );
});

test('any list survives being written and read', () => {
  const name = fc.stringMatching(/^[ -~\xa0-\xff]*[!-~]$/).filter((n) => !n.startsWith('/'));
  const entry = fc.record(
    {
      fileName: name,
      wireOctets: fc.nat(),
      uid: fc.nat({ max: 1000 }),
      uidValidity: fc.nat(),
      eightBitHeader: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const list = { nextUid: 1001, uidValidity: 5, entries, current: true };
      assert.deepEqual(parsePop3List(formatPop3List(list), now), list);
    }),
  );
});

async function withMaildir(use: (maildir: string) => Promise<void>): Promise<void> {
  const maildir = mkdtempSync(join(tmpdir(), 'pop3-list-'));
  try {
    mkdirSync(join(maildir, 'tmp'));
    await use(maildir);
  } finally {
    rmSync(maildir, { recursive: true });
  }
}

const measure = async () => ({ wireOctets: 7, eightBitHeader: false });
const file = (maildir: string) => readFileSync(join(maildir, 'courierpop3dsizelist'), 'latin1');

test('new messages get the next numbers, and flags change nothing', () =>
  withMaildir(async (maildir) => {
    const first = await updatePop3List(maildir, settings, ['2.b:2,', '1.a:2,'], measure, now);
    assert.deepEqual(
      first.map(({ entry }) => uniqueId(entry)),
      [`UID1-${now}`, `UID2-${now}`],
    );
    const written = file(maildir);
    assert.equal(written, `/3 3 ${now}\n1.a:2, 7 1:${now}:0\n2.b:2, 7 2:${now}:0\n`);
    const again = await updatePop3List(maildir, settings, ['2.b:2,S', '1.a'], measure, now + 9);
    assert.deepEqual(
      again.map(({ entry }) => uniqueId(entry)),
      first.map(({ entry }) => uniqueId(entry)),
    );
    assert.equal(file(maildir), written);
    const next = await updatePop3List(maildir, settings, ['3.c', '2.b:2,S'], measure, now + 9);
    assert.deepEqual(
      next.map(({ entry }) => uniqueId(entry)),
      [`UID2-${now}`, `UID3-${now}`],
    );
  }));

test('what cannot be measured is not shown, and numbered once it can be', () =>
  withMaildir(async (maildir) => {
    const none = async () => undefined;
    assert.deepEqual(await updatePop3List(maildir, settings, ['1.a'], none, now), []);
    const entries = await updatePop3List(maildir, settings, ['1.a'], measure, now);
    assert.deepEqual(
      entries.map(({ entry }) => uniqueId(entry)),
      [`UID1-${now}`],
    );
  }));

test('an older list is written anew with the ids it had', () =>
  withMaildir(async (maildir) => {
    writeFileSync(join(maildir, 'courierpop3dsizelist'), '/2 5 17\n1.a:2, 9 3:17\n');
    await updatePop3List(maildir, settings, ['1.a:2,'], measure, now);
    assert.equal(file(maildir), '/3 5 17\n1.a:2, 9 3:17:0\n');
  }));

test('an empty mailbox leaves the file and its next number alone', () =>
  withMaildir(async (maildir) => {
    writeFileSync(join(maildir, 'courierpop3dsizelist'), '/3 5 17\n1.a:2, 9 3:17:0\n');
    assert.deepEqual(await updatePop3List(maildir, settings, [], measure, now), []);
    assert.equal(file(maildir), '/3 5 17\n1.a:2, 9 3:17:0\n');
  }));

test('without room for a new list the saved ids are still there', () =>
  withMaildir(async (maildir) => {
    writeFileSync(join(maildir, 'courierpop3dsizelist'), '/3 5 17\n1.a:2, 9 3:17:0\n');
    assert.deepEqual(
      savedPop3Rows(maildir, ['2.b', '1.a:2,S'], now).map(({ entry }) => uniqueId(entry)),
      ['UID3-17'],
    );
  }));

for (const [what, before, after] of [
  [
    'a damaged first line costs no id',
    '\x003 5 17\n1.a:2, 9 3:17:0\n2.b:2, 8 4:17:1\n',
    `/3 5 ${now}\n1.a:2, 9 3:17:0\n2.b:2, 8 4:17:1\n`,
  ],
  [
    'of a first line that is lost, too',
    '1.a:2, 9 3:17:0\n2.b:2, 8 4:17:1\n',
    `/3 5 ${now}\n1.a:2, 9 3:17:0\n2.b:2, 8 4:17:1\n`,
  ],
  [
    'two messages with one number are told apart',
    '/3 5 17\n1.a:2, 9 3:17:0\n2.b:2, 8 3:17:0\n',
    '/3 6 17\n1.a:2, 9 3:17:0\n2.b:2, 8 5:17:0\n',
  ],
  [
    'a line that makes no sense is a message without a number',
    '/3 5 17\n1.a:2, 9 3:17:0\n2.b:2, eight 4:17:0\n',
    '/3 6 17\n1.a:2, 9 3:17:0\n2.b:2, 7 5:17:0\n',
  ],
  [
    'a next number that is too low is put right',
    '/3 1 17\n1.a:2, 9 3:17:0\n',
    '/3 5 17\n1.a:2, 9 3:17:0\n2.b:2, 7 4:17:0\n',
  ],
] as const)
  test(`a broken list: ${what}`, () =>
    withMaildir(async (maildir) => {
      writeFileSync(join(maildir, 'courierpop3dsizelist'), before, 'latin1');
      await updatePop3List(maildir, settings, ['2.b:2,', '1.a:2,'], measure, now);
      assert.equal(file(maildir), after);
    }));

test('a list that cannot be read is left alone, and is an error', () =>
  withMaildir(async (maildir) => {
    mkdirSync(join(maildir, 'courierpop3dsizelist'));
    await assert.rejects(updatePop3List(maildir, settings, ['1.a'], measure, now), { name: 'MailError' });
  }));

test('any octets are read without an error, and what is made of them is read as it was written', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('', '/3 5 17\n', '/2 5\n', '/1 x'),
      (octets, first) => {
        const list = parsePop3List(Buffer.concat([Buffer.from(first), octets]), now);
        const again = parsePop3List(formatPop3List(list), now);
        assert.deepEqual(again.entries, list.entries);
        assert.equal(
          new Set(list.entries.filter(({ uid }) => uid !== 0).map(uniqueId)).size,
          list.entries.filter(({ uid }) => uid !== 0).length,
        );
      },
    ),
  );
});

test('a wrong size is put right, and nothing else', () =>
  withMaildir(async (maildir) => {
    writeFileSync(join(maildir, 'courierpop3dsizelist'), '/3 5 17\n1.a:2, 9 3:17:0\n2.b:2, 8 4:17:1\n');
    await correctPop3Sizes(
      maildir,
      settings,
      new Map([
        ['2.b:2,S', 6],
        ['gone', 1],
      ]),
    );
    assert.equal(file(maildir), '/3 5 17\n1.a:2, 9 3:17:0\n2.b:2, 6 4:17:1\n');
  }));

test('messages that cannot be read do not make every login write the list', () =>
  withMaildir(async (maildir) => {
    const some = (index: number) => (index === 0 ? { wireOctets: 7, eightBitHeader: false } : undefined);
    await updatePop3List(maildir, settings, ['1.a', '2.b'], some, now);
    const { ino } = statSync(join(maildir, 'courierpop3dsizelist'));
    const rows = await updatePop3List(maildir, settings, ['1.a', '2.b'], some, now);
    assert.deepEqual(
      rows.map(({ index }) => index),
      [0],
    );
    assert.equal(statSync(join(maildir, 'courierpop3dsizelist')).ino, ino);
  }));
