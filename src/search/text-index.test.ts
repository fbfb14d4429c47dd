import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder, testSettings } from '../../test/support/store-folder.ts';
import type { Folder } from '../store/folder.ts';
import { forgetFolder, openFolder } from '../store/registry.ts';
import { interceptSteps } from '../store/steps.ts';
import type { SearchKey } from './keys.ts';
import { search } from './search.ts';
import { updateInBackground } from './text-index-background.ts';
import { TextIndexFile } from './text-index-file.ts';
import { openTextIndex, updateTextIndex } from './text-index-update.ts';

const work = { pause: () => undefined };
const options = { nowSeconds: 1_800_000_000 };

const words = (
  'meeting Größe STRASSE straße ΣΊΣΥΦΟΣ σίσυφος İstanbul istanbul naïve ﬁne Kelvin \u212Aelvin 日本語 テスト e\u0301te\u0301 ' +
  'zebra fish zebrafish under_score a b 12 x-y z.z' +
  ' Привет мир'
).split(' ');
const gaps = [' ', '  ', '\n', ' \n\t', '\u00A0', '\u2003 '];

/** Prose with every sort of white space; the same for the same numbers. */
function prose(seed: number, length: number): string {
  let text = '';
  let state = seed;
  while (text.length < length) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += words[(state >>> 16) % words.length]! + gaps[(state >>> 8) % gaps.length]!;
    if ((state >>> 5) % 3 === 0) text += (state >>> 3).toString(36);
  }
  return text;
}

function quotedPrintable(octets: Buffer): string {
  const codes = [...octets].map((octet) =>
    octet > 96 && octet < 123
      ? String.fromCharCode(octet)
      : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return codes.map((code, i) => (i % 20 === 19 ? `${code}=\n` : code)).join('');
}

/** Messages with the same text in different dress. */
const dresses: readonly ((text: string) => Buffer)[] = [
  (text) => Buffer.from(`Subject: ${text.slice(0, 9).replace(/\s/g, '')}\n\n${text}`),
  (text) =>
    Buffer.from(
      `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\nSubject: =?utf-8?B?${Buffer.from(text.slice(0, 20)).toString('base64')}?=\n\n` +
        Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\n'),
    ),
  (text) =>
    Buffer.from(
      `Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n` +
        quotedPrintable(Buffer.from(text)),
    ),
  (text) =>
    Buffer.concat([
      Buffer.from(
        'Content-Type: text/plain; charset=iso-8859-1\nX-Note: =?iso-8859-1?Q?gr=FC=DFe?= zebra\n\n',
      ),
      Buffer.from(text, 'latin1'),
    ]),
  (text) => Buffer.concat([Buffer.from('Content-Type: text/plain\n\n'), Buffer.from(text, 'utf16le')]),
  (text) =>
    Buffer.from(
      'Mime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\n' +
        `${text.slice(0, text.length / 2)}\n--b\n\n${text.slice(text.length / 2)}\n--b\n` +
        `Content-Type: message/rfc822\n\nFrom: Ann Größe <ann@example.org>\nSubject: inner zebra\n\n${text}\n--b--\n`,
    ),
];

interface Folders {
  readonly directory: string;
  /** The folder with an index, and the same folder without. */
  readonly indexed: Folder;
  readonly scanned: Folder;
}

async function folders(t: TestContext, messages: readonly Buffer[]): Promise<Folders> {
  const { directory, remove } = temporaryFolder();
  messages.forEach((octets, i) => {
    writeFileSync(join(directory, `cur/${1000 + i}.x:2,`), octets);
  });
  const indexed = await openFolder(directory, { ...testSettings, textIndexFrom: 1 });
  const settings = { ...indexed.settings, textIndexFrom: undefined };
  const scanned = Object.create(indexed, { settings: { value: settings } }) as Folder;
  t.after(() => {
    indexed.close();
    forgetFolder(directory);
    remove();
  });
  return { directory, indexed, scanned };
}

async function answers(folder: Folder, key: SearchKey): Promise<string> {
  const view = { folder, uids: folder.uids, count: folder.count, isRecent: () => false };
  return (await search(view, key, options)).join(' ');
}

async function checkSame({ indexed, scanned }: Folders, key: SearchKey): Promise<string> {
  const answer = await answers(scanned, key);
  assert.equal(await answers(indexed, key), answer, JSON.stringify(key));
  return answer;
}

function keysFor(value: string): SearchKey[] {
  const body: SearchKey = { kind: 'body', value };
  const text: SearchKey = { kind: 'text', value };
  return [
    body,
    text,
    { kind: 'not', key: body },
    { kind: 'or', keys: [body, { kind: 'header', name: 'X-Note', value }] },
    {
      kind: 'and',
      keys: [
        { kind: 'not', key: text },
        { kind: 'larger', octets: 400 },
      ],
    },
    { kind: 'and', keys: [text, { kind: 'header', name: 'subject', value }] },
  ];
}

test('with an index the answers are those of a scan, whatever the mail and the question', async (t) => {
  const texts = Array.from({ length: 90 }, (_, i) => prose(i, 20 + ((i * i * 7) % 3000)));
  const messages = texts.map((text, i) => dresses[i % dresses.length]!(text));
  const both = await folders(t, messages);
  await updateTextIndex(both.indexed, work);
  const slice = fc
    .tuple(fc.nat(texts.length - 1), fc.nat(3000), fc.integer({ min: 0, max: 90 }), fc.nat(3))
    .map(([i, at, length, form]) => {
      const text = texts[i]!.slice(at % texts[i]!.length).slice(0, length);
      return [text, text.toUpperCase(), text.replace(/\s+/g, ' '), `${text}q`][form]!;
    });
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 5, arbitrary: slice }, { weight: 1, arbitrary: fc.string() }),
      async (value) => {
        for (const key of keysFor(value)) if ((await checkSame(both, key)) !== '') found++;
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(found > 0);
});

test('what no message has opens no message', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 80 }, (_, i) => Buffer.from(`Subject: ${i}\n\n${prose(i, 900)}`)),
  );
  await updateTextIndex(both.indexed, work);
  // Gone behind the back of the folder: whoever opens one notices.
  for (const name of readdirSync(join(both.directory, 'cur'))) rmSync(join(both.directory, 'cur', name));
  assert.equal(await answers(both.indexed, { kind: 'body', value: 'zygomorphic' }), '');
  const { count } = both.indexed;
  const rest = await answers(both.indexed, { kind: 'not', key: { kind: 'body', value: 'zygomorphic' } });
  assert.equal(rest.split(' ').length, count);
});

test('a text longer than many columns is found wherever it is cut', async (t) => {
  const long = prose(7, 150_000);
  const larger = `${'='.repeat(2000)} ${prose(8, 1_100_000)}`;
  const short = Array.from({ length: 58 }, (_, i) => Buffer.from(`\n${i}`));
  const both = await folders(t, [...short, Buffer.from(`\n${long}`), Buffer.from(`\n${larger}`)]);
  await updateTextIndex(both.indexed, work);
  let found = 0;
  for (let at = 0; at < 149_000; at += 4999) {
    for (const length of [3, 40, 64, 65, 100]) {
      const value = long.slice(at, at + length).trim();
      const onlyLong: SearchKey = {
        kind: 'and',
        keys: [
          { kind: 'smaller', octets: 1_000_000 },
          { kind: 'body', value },
        ],
      };
      if ((await checkSame(both, onlyLong)).includes('58')) found++;
    }
  }
  // A word cut at a final sigma is folded to another letter: a scan does not find it either.
  assert.ok(found > 130, String(found));
  for (let at = 65_500; at < 1_000_000; at += 250_001) {
    await checkSame(both, { kind: 'body', value: larger.slice(at, at + 60) });
  }
});

test('new and removed messages: an index that is behind gives the same answers, and is brought up to date', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 60 }, (_, i) => Buffer.from(`\nold ${i} zebrafish`)),
  );
  await updateTextIndex(both.indexed, work);
  for (let i = 0; i < 70; i++)
    writeFileSync(join(both.directory, `cur/${2000 + i}.x:2,`), `\nnew ${i} axolotl`);
  for (let i = 0; i < 20; i++) rmSync(join(both.directory, `cur/${1000 + i}.x:2,`));
  await both.indexed.refresh();
  const keys = ['axolotl', 'zebrafish', 'new 69', 'old 19', 'absent'].flatMap(keysFor);
  for (const key of keys) await checkSame(both, key);
  await updateInBackground(both.indexed, false);
  const before = readFileSync(join(both.directory, 'postrider-text'));
  await updateTextIndex(both.indexed, work);
  assert.deepEqual(
    readFileSync(join(both.directory, 'postrider-text')),
    before,
    'there was nothing left to do',
  );
  for (const key of keys) await checkSame(both, key);
});

test('an index mostly of removed messages is made anew', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 90 }, (_, i) => Buffer.from(`\n${prose(i, 300)}`)),
  );
  await updateTextIndex(both.indexed, work);
  for (let i = 0; i < 60; i++) rmSync(join(both.directory, `cur/${1000 + i}.x:2,`));
  writeFileSync(join(both.directory, 'cur/2000.x:2,'), '\nnew');
  await both.indexed.refresh();
  await updateTextIndex(both.indexed, work);
  const file = new TextIndexFile(join(both.directory, 'postrider-text'), both.indexed.uidValidity);
  const uids = [...file.segments()].flatMap((segment) => [...segment.uids]);
  file.close();
  assert.deepEqual(uids, [...both.indexed.uids.subarray(0, both.indexed.count)]);
});

test('with INDEX_DIRECTORY the index is there, and nothing of it in the folder', async (t) => {
  const { directory, remove } = temporaryFolder();
  t.after(remove);
  const indexDirectory = join(directory, '../indexes');
  mkdirSync(indexDirectory);
  for (let i = 0; i < 60; i++) writeFileSync(join(directory, `cur/${i}.x:2,`), `\n${prose(i, 300)}`);
  const folder = await openFolder(directory, { ...testSettings, textIndexFrom: 1, indexDirectory });
  await updateTextIndex(folder, work);
  assert.deepEqual(
    readdirSync(indexDirectory).map((name) => name.replace(/^[0-9a-f]+/, '')),
    ['.text'],
  );
  assert.ok(!readdirSync(directory).includes('postrider-text'));
  assert.equal(await answers(folder, { kind: 'body', value: 'absent' }), '');
  folder.close();
  forgetFolder(directory);
});

test('an index is made in as many steps as are asked for', async (t) => {
  const messages = Array.from({ length: 90 }, (_, i) => Buffer.from(`\n${prose(i, 400)}`));
  const both = await folders(t, messages);
  const steps = { ...work, messages: 20 };
  const more: boolean[] = [];
  do more.push(await updateTextIndex(both.indexed, steps));
  while (more.at(-1));
  // 20, 20, 20, 30: half of what there is.
  assert.deepEqual(more, [true, true, true, false]);
  const path = join(both.directory, 'postrider-text');
  const inSteps = readFileSync(path);
  for (const key of keysFor('zebrafish')) await checkSame(both, key);
  assert.equal(await updateTextIndex(both.indexed, steps), false);
  assert.deepEqual(readFileSync(path), inSteps);
});

test('of two that make an index at once, the one with more messages stays', async (t) => {
  const messages = Array.from({ length: 90 }, (_, i) => Buffer.from(`\n${prose(i, 400)}`));
  for (const wholeFirst of [true, false]) {
    const both = await folders(t, messages);
    const path = join(both.directory, 'postrider-text');
    const whole = (pause: () => Promise<void> | undefined = work.pause) =>
      updateTextIndex(both.indexed, { pause });
    const part = (pause: () => Promise<void> | undefined = work.pause) =>
      updateTextIndex(both.indexed, { pause, messages: 20 });
    const [first, second] = wholeFirst ? [whole, part] : [part, whole];
    let other: Promise<boolean> | undefined;
    // The second begins and ends while the first is at work.
    await first(() => {
      if (other !== undefined) return undefined;
      other = second();
      return other.then(() => undefined);
    });
    assert.ok(other !== undefined);
    const index = openTextIndex(path, both.indexed.uidValidity)!;
    const indexed = [...index.segments()].reduce((sum, segment) => sum + segment.uids.length, 0);
    index.close();
    assert.equal(indexed, 90);
    for (const key of keysFor('zebrafish')) await checkSame(both, key);
  }
});

test('messages that cannot be read are searched as ever, and do not keep the index busy', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 60 }, (_, i) => Buffer.from(`\n${prose(i, 400)}`)),
  );
  for (let i = 40; i < 60; i++) {
    rmSync(join(both.directory, `cur/${1000 + i}.x:2,`));
    mkdirSync(join(both.directory, `cur/${1000 + i}.x:2,`));
  }
  while (await updateTextIndex(both.indexed, { ...work, messages: 10 }));
  for (const key of keysFor('zebrafish').slice(0, 2)) await checkSame(both, key);
});

test('a flipped, cut, grown or noisy file costs time and never an answer', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 70 }, (_, i) => dresses[i % dresses.length]!(prose(i, 500))),
  );
  await updateTextIndex(both.indexed, work);
  const path = join(both.directory, 'postrider-text');
  const sound = readFileSync(path);
  const keys = ['zebrafish', 'größe', 'absent'].flatMap((value) => keysFor(value).slice(0, 2));
  const noise = (octets: number) => Buffer.from(Array.from({ length: octets }, (_, i) => (i * 7919) >>> 3));
  const damage: ((at: number) => Buffer)[] = [
    (at) => {
      const flipped = Buffer.from(sound);
      flipped[at]! ^= 1 << (at % 8);
      return flipped;
    },
    (at) => sound.subarray(0, at),
    (at) => Buffer.concat([sound, noise(at % 1000)]),
    (at) => Buffer.concat([sound.subarray(0, at), noise(500), sound.subarray(at + 500)]),
    (at) => Buffer.concat([sound.subarray(0, at), Buffer.alloc(sound.length - at)]),
  ];
  const places = fc.oneof(fc.nat(700), fc.nat(sound.length - 1));
  await fc.assert(
    fc.asyncProperty(places, fc.nat(damage.length - 1), async (at, how) => {
      writeFileSync(path, damage[how]!(at));
      for (const key of keys) await checkSame(both, key);
    }),
    { numRuns: 60 },
  );
});

test('a damaged index is made anew', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 70 }, (_, i) => Buffer.from(`\n${prose(i, 500)}`)),
  );
  const path = join(both.directory, 'postrider-text');
  await updateInBackground(both.indexed, false);
  const sound = readFileSync(path);
  const damaged = Buffer.from(sound);
  damaged.fill(0xff, 800);
  writeFileSync(path, damaged);
  await answers(both.indexed, { kind: 'body', value: 'zebrafish' });
  await updateInBackground(both.indexed, false);
  assert.deepEqual(readFileSync(path), sound);
});

test('stopping before any system call leaves an index that is right', async (t) => {
  const both = await folders(
    t,
    Array.from({ length: 70 }, (_, i) => Buffer.from(`\nold ${prose(i, 300)}`)),
  );
  await updateTextIndex(both.indexed, work);
  for (let i = 0; i < 40; i++)
    writeFileSync(join(both.directory, `cur/${2000 + i}.x:2,`), `\nnew ${prose(i, 300)}`);
  await both.indexed.refresh();
  const sound = readFileSync(join(both.directory, 'postrider-text'));
  let stops = 0;
  for (let isDone = false; !isDone; stops++) {
    let calls = 0;
    interceptSteps(() => {
      if (calls++ >= stops) throw new Error('stopped');
    });
    try {
      isDone = await updateTextIndex(both.indexed, work).then(
        () => true,
        () => false,
      );
    } finally {
      interceptSteps(undefined);
    }
    if (!isDone) assert.deepEqual(readFileSync(join(both.directory, 'postrider-text')), sound);
    for (const key of keysFor('new')) await checkSame(both, key);
  }
  assert.ok(stops > 4);
});
