import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { temporaryAccount } from '../../test/support/temporary-account.ts';
import { dayNumber } from '../message/date.ts';
import { flag } from '../store/flags.ts';
import type { SearchKey } from './keys.ts';
import { search } from './search.ts';
import { type SortField, sort } from './sort.ts';
import { formatThreads, type ThreadAlgorithm, thread } from './thread.ts';
import type { SearchView } from './view.ts';

const now = 1_800_000_000;

interface Mail {
  readonly text: string;
  readonly flags?: string;
  /** INTERNALDATE; default: now less the number of days this message is before the last. */
  readonly arrived?: number;
}

/** A folder of these messages, UIDs from 1; messages whose sequence number is in `recent` are \Recent. */
async function viewOf(
  t: TestContext,
  mails: readonly Mail[],
  recent: readonly number[] = [],
): Promise<SearchView> {
  const { account, maildir, put } = temporaryAccount(t);
  mails.forEach(({ text, flags = '', arrived = now - 86_400 * (mails.length - 1) }, i) => {
    const name = `cur/${1000 + i}.x:2,${flags}`;
    put(name, text);
    utimesSync(join(maildir, name), arrived + 86_400 * i, arrived + 86_400 * i);
  });
  const folder = await account.openFolder('INBOX');
  t.after(() => folder.close());
  return { folder, uids: folder.uids, count: folder.count, isRecent: (uid) => recent.includes(uid) };
}

const numbers = (indexes: Uint32Array) => [...indexes].map((index) => index + 1);
const options = { nowSeconds: now };

const mails: Mail[] = [
  {
    text: 'From: Ann Lee <Ann@Example.ORG>\nTo: bob@example.org\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?=\n Berlin\nDate: Wed, 1 Jan 2020 23:30:00 -0500\n\nHello   World,\nmore\n',
    flags: 'S',
  },
  {
    text: 'From: zoe@xn--bcher-kva.example\nTo: Carl <carl@example.net>\nCc: ann@example.org\nSubject: Two\nDate: Thu, 2 Jan 2020 00:30:00 +0500\nX-Empty:\nMime-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n=DCber all=\nes\n',
    flags: 'F',
  },
  {
    text: 'From: dan@example.org\nSubject: Three\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\npreamble secret\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nVGhlIFF1aWNrIGJyb3du\n--b\nContent-Type: text/plain\n\n fox\n--b\nContent-Type: application/octet-stream\n\nbinary secret\n--b\nContent-Type: message/rfc822\n\nSubject: Inner\n\ninner text\n--b--\n',
    flags: 'ST',
  },
  { text: 'Subject: Four\n\n', flags: '' },
];

const header = (name: string, value: string): SearchKey => ({ kind: 'header', name, value });
const body = (value: string): SearchKey => ({ kind: 'body', value });
const text = (value: string): SearchKey => ({ kind: 'text', value });
const day = dayNumber(2020, 1, 1);

const table: [name: string, key: SearchKey, found: number[]][] = [
  ['all', { kind: 'all' }, [1, 2, 3, 4]],
  ['seen', { kind: 'flag', bit: flag.seen, set: true }, [1, 3]],
  ['unseen', { kind: 'flag', bit: flag.seen, set: false }, [2, 4]],
  ['recent', { kind: 'recent' }, [4]],
  ['a keyword nobody has', { kind: 'keyword', name: 'nope' }, []],
  ['sequence *', { kind: 'sequence', ranges: [[Infinity, Infinity]] }, [4]],
  ['sequence *:2', { kind: 'sequence', ranges: [[Infinity, 2]] }, [2, 3, 4]],
  ['uid 3:1', { kind: 'uid', ranges: [[3, 1]] }, [1, 2, 3]],
  ['uid beyond the last, with *', { kind: 'uid', ranges: [[99, Infinity]] }, [4]],
  ['saved', { kind: 'saved', uids: Uint32Array.of(2, 4, 77) }, [2, 4]],
  ['sent on the day the field names, whatever the zone', { kind: 'sentOn', day }, [1]],
  ['sent before', { kind: 'sentBefore', day: day + 1 }, [1]],
  ['sent since', { kind: 'sentSince', day }, [1, 2]],
  ['younger', { kind: 'younger', seconds: 86_400 }, [3, 4]],
  ['older', { kind: 'older', seconds: 86_400 }, [1, 2]],
  ['since a day far back', { kind: 'since', day }, [1, 2, 3, 4]],
  ['before a day far back', { kind: 'before', day }, []],
  ['larger in wire octets', { kind: 'larger', octets: Buffer.byteLength(mails[0]!.text) + 5 }, [1, 2, 3]],
  ['smaller in wire octets', { kind: 'smaller', octets: 17 }, []],
  ['smaller by one', { kind: 'smaller', octets: 18 }, [4]],
  ['subject, decoded and folded', header('Subject', 'GRÜSSE AUS'), []],
  ['subject over a line break', header('subject', 'grüße  AUS berlin'), [1]],
  ['from as people read it', header('From', 'ann lee <ann@example.org>'), [1]],
  ['from with a decoded domain', header('From', 'bücher.example'), [2]],
  ['cc', header('Cc', 'ANN@'), [2]],
  ['header exists', header('X-Empty', ''), [2]],
  ['header is missing', header('To', ''), [1, 2]],
  ['a nested header is no header', header('Subject', 'inner'), []],
  ['body, white space squeezed', body('hello world, MORE'), [1]],
  ['body in quoted-printable latin-1', body('über alles'), [2]],
  ['body in base64', body('quick brown'), [3]],
  ['body across parts', body('brown fox'), [3]],
  ['body of an embedded message', body('inner text'), [3]],
  ['body is no header', body('carl'), []],
  ['body takes in the header of an embedded message', body('subject: inner'), [3]],
  ['attachments and preambles are no text', body('secret'), []],
  ['text in a header name', text('x-empty'), [2]],
  ['text in a body', text('WORLD'), [1]],
  ['text: name and value are apart', text('Subject: Two'), []],
  ['an empty needle is in every body', body(''), [1, 2, 3, 4]],
  ['not', { kind: 'not', key: body('hello') }, [2, 3, 4]],
  ['or', { kind: 'or', keys: [body('hello'), { kind: 'flag', bit: flag.flagged, set: true }] }, [1, 2]],
];

for (const [name, key, found] of table) {
  test(`SEARCH ${name}`, async (t) => {
    const view = await viewOf(t, mails, [4]);
    assert.deepEqual(numbers(await search(view, key, options)), found);
    assert.deepEqual(numbers(await search(view, key, options)), found, 'again');
  });
}

test('SEARCH leaves out messages that have gone', async (t) => {
  const view = await viewOf(t, mails);
  await view.folder.expunge([2]);
  assert.deepEqual(numbers(await search(view, { kind: 'all' }, options)), [1, 3, 4]);
  assert.deepEqual(numbers(await search(view, { kind: 'not', key: body('hello') }, options)), [3, 4]);
  assert.deepEqual(
    numbers(await sort(view, [{ field: 'subject', reverse: false }], { kind: 'all' }, options)),
    [4, 1, 3],
  );
});

test('SEARCH of a large message finds text across its pieces and lets others in', async (t) => {
  const filler = `${'filler '.repeat(10)}\n`.repeat(30_000);
  const view = await viewOf(t, [{ text: `Subject: big\n\n${filler}needle in\n${filler}end of it` }]);
  let turns = 0;
  let searching = true;
  const count = () => {
    turns++;
    if (searching) setImmediate(count);
  };
  setImmediate(count);
  assert.deepEqual(numbers(await search(view, body('NEEDLE in filler'), options)), [1]);
  assert.deepEqual(numbers(await search(view, text('end of it'), options)), [1]);
  assert.deepEqual(
    numbers(await search(view, { kind: 'or', keys: [body('nothing'), text('big')] }, options)),
    [1],
  );
  searching = false;
  assert.ok(turns > 3, `${turns} turns`);
});

/** What a key says of one message, in the plainest way; messages are `Subject: s\n\nbody\n`. */
interface Simple {
  readonly subject: string;
  readonly body: string;
  readonly seen: boolean;
}
function naive(key: SearchKey, mail: Simple, number: number): boolean {
  switch (key.kind) {
    case 'not':
      return !naive(key.key, mail, number);
    case 'and':
      return key.keys.every((each) => naive(each, mail, number));
    case 'or':
      return key.keys.some((each) => naive(each, mail, number));
    case 'flag':
      return mail.seen === key.set;
    case 'sequence':
      return key.ranges.some(([from, to]) => number >= Math.min(from, to) && number <= Math.max(from, to));
    case 'header':
      return mail.subject.toLowerCase().includes(key.value.toLowerCase());
    case 'body':
      return mail.body.toLowerCase().includes(key.value.toLowerCase());
    default:
      throw new Error(key.kind);
  }
}

test('SEARCH finds what a plain evaluation finds', async (t) => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'B', 'é', 'x'), minLength: 1, maxLength: 6 });
  const needle = fc.string({ unit: fc.constantFrom('A', 'b', 'É'), minLength: 1, maxLength: 2 });
  const simple = fc.record({ subject: letters, body: letters, seen: fc.boolean() });
  const { key: keys } = fc.letrec<{ key: SearchKey }>((tie) => ({
    key: fc.oneof(
      { maxDepth: 3 },
      needle.map(body),
      needle.map((value) => header('subject', value)),
      fc.boolean().map((set): SearchKey => ({ kind: 'flag', bit: flag.seen, set })),
      fc
        .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
        .map((r): SearchKey => ({ kind: 'sequence', ranges: [r] })),
      tie('key').map((key): SearchKey => ({ kind: 'not', key })),
      fc.array(tie('key'), { maxLength: 3 }).map((list): SearchKey => ({ kind: 'and', keys: list })),
      fc.array(tie('key'), { maxLength: 3 }).map((list): SearchKey => ({ kind: 'or', keys: list })),
    ),
  }));
  const some = fc.sample(simple, { numRuns: 8, seed: 7 });
  const view = await viewOf(
    t,
    some.map((mail) => ({ text: `Subject: ${mail.subject}\n\n${mail.body}\n`, flags: mail.seen ? 'S' : '' })),
  );
  await fc.assert(
    fc.asyncProperty(keys, async (key) => {
      const expected = some.flatMap((mail, i) => (naive(key, mail, i + 1) ? [i + 1] : []));
      assert.deepEqual(numbers(await search(view, key, options)), expected);
    }),
    { numRuns: 500 },
  );
});

const sorted: Mail[] = [
  {
    text: 'From: Zoe <zoe@a.example>\nTo: x@example.org\nCc: m@e\nSubject: Re: banana\nDate: Wed, 1 Jan 2020 10:00:00 +0000\n\n1\n',
  },
  {
    text: 'From: "A" <BOB@z.example>\nTo: b@example.org\nSubject: apple\nDate: Wed, 1 Jan 2020 09:00:00 -0500\n\n22\n',
  },
  {
    text: 'From: alice@m.example\nSubject: [list] Apple (fwd)\nDate: Wed, 1 Jan 2020 08:00:00 +0000\n\n333\n',
    arrived: 1000,
  },
  { text: 'From: bob@a.example\nSubject: Banana\n\n4\n', arrived: 1_577_850_000 },
];

const orders: [fields: SortField[], reverse: boolean, order: number[]][] = [
  [['subject'], false, [2, 3, 1, 4]],
  [['subject'], true, [1, 4, 2, 3]],
  [['from'], false, [3, 2, 4, 1]],
  [['to'], false, [3, 4, 2, 1]],
  [['cc'], false, [2, 3, 4, 1]],
  [['size'], false, [4, 3, 2, 1]],
  [['arrival'], false, [3, 4, 1, 2]],
  [['date'], false, [3, 1, 2, 4]],
  [['from', 'subject'], false, [3, 2, 4, 1]],
];

for (const [fields, reverse, order] of orders) {
  test(`SORT (${reverse ? 'REVERSE ' : ''}${fields.join(' ')}): ${order.join(' ')}`, async (t) => {
    const view = await viewOf(t, sorted);
    const criteria = fields.map((field) => ({ field, reverse }));
    for (const round of ['first', 'again']) {
      assert.deepEqual(numbers(await sort(view, criteria, { kind: 'all' }, options)), order, round);
    }
  });
}

test('SORT takes new mail into what it remembers', async (t) => {
  const { account, put } = temporaryAccount(t);
  put('cur/1.x:2,', 'Subject: b\n\n');
  put('cur/2.x:2,', 'Subject: d\n\n');
  const folder = await account.openFolder('INBOX');
  t.after(() => folder.close());
  const order = async () => {
    const view = { folder, uids: folder.uids, count: folder.count, isRecent: () => false };
    return numbers(await sort(view, [{ field: 'subject', reverse: false }], { kind: 'all' }, options));
  };
  assert.deepEqual(await order(), [1, 2]);
  put('cur/3.x:2,', 'Subject: a\n\n');
  put('cur/4.x:2,', 'Subject: c\n\n');
  await folder.refresh();
  assert.deepEqual(await order(), [3, 1, 4, 2]);
  await folder.expunge([1]);
  assert.deepEqual(await order(), [2, 3, 1]);
});

test('a question asked again gets the same answer, until there is other mail', async (t) => {
  const { account, put } = temporaryAccount(t);
  for (let i = 0; i < 9; i++) put(`cur/${i}.x:2,`, `Subject: ${9 - i}\n\n`);
  const folder = await account.openFolder('INBOX');
  t.after(() => folder.close());
  const all: SearchKey = { kind: 'all' };
  const ask = (reverse: boolean, key: SearchKey = all) => {
    const view = { folder, uids: folder.uids, count: folder.count, isRecent: () => false };
    return sort(view, [{ field: 'subject', reverse }], key, options);
  };
  await ask(false);
  const kept = await ask(false);
  assert.equal(await ask(false), kept);
  assert.deepEqual(numbers(await ask(true)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(numbers(await ask(false, { kind: 'sequence', ranges: [[2, 4]] })), [4, 3, 2]);
  assert.equal(await ask(false), kept);
  put('cur/99.x:2,', 'Subject: 0\n\n');
  await folder.refresh();
  assert.deepEqual(numbers(await ask(false)), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  await folder.expunge([5]);
  assert.deepEqual(numbers(await ask(false)), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
});

const threads: [algorithm: ThreadAlgorithm, text: string][] = [
  ['references', '(1 3 2)(5 4)'],
  ['orderedSubject', '(1 (3)(2))(5)(4)'],
];
const threaded: Mail[] = [
  { text: 'Message-ID: <a@x>\nSubject: Plan\nDate: Wed, 1 Jan 2020 10:00:00 +0000\n\n' },
  {
    text: 'Message-ID: <c@x>\nReferences: <a@x>\n <b@x>\nSubject: Re: plan\nDate: Wed, 1 Jan 2020 12:00:00 +0000\n\n',
  },
  {
    text: 'Message-ID: <b@x>\nIn-Reply-To: <a@x>\nSubject: RE: PLAN\nDate: Wed, 1 Jan 2020 11:00:00 +0000\n\n',
  },
  { text: 'In-Reply-To: "x" <other@x> of today\nSubject: Reply\nDate: Wed, 1 Jan 2020 14:00:00 +0000\n\n' },
  { text: 'Message-ID: <other@x>\nSubject: Other\nDate: Wed, 1 Jan 2020 13:00:00 +0000\n\n' },
];
for (const [algorithm, expected] of threads) {
  test(`THREAD ${algorithm}: ${expected}`, async (t) => {
    const view = await viewOf(t, threaded);
    for (const round of ['first', 'again']) {
      const forest = await thread(view, algorithm, { kind: 'all' }, options);
      assert.equal([...formatThreads(forest, (index) => index + 1)].join(''), expected, round);
    }
    const some = await thread(view, algorithm, { kind: 'sequence', ranges: [[2, 3]] }, options);
    assert.equal([...formatThreads(some, (index) => index + 1)].join(''), '(3 2)');
  });
}
