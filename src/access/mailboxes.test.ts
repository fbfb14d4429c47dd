import assert from 'node:assert/strict';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TemporaryAccount, temporaryAccount } from '../../test/support/temporary-account.ts';
import { flag } from '../store/flags.ts';
import { defaultMailboxesSettings, type ListEntry, Mailboxes, type MailboxesSettings } from './mailboxes.ts';
import type { OpenMailbox } from './open-mailbox.ts';

interface Case extends TemporaryAccount {
  readonly mailboxes: Mailboxes;
}

function mailboxesOf(t: TestContext, settings: Partial<MailboxesSettings> = {}): Case {
  const a = temporaryAccount(t);
  return { ...a, mailboxes: new Mailboxes(a.account, { ...defaultMailboxesSettings, ...settings }) };
}

async function withFolders(
  t: TestContext,
  names: string[],
  settings: Partial<MailboxesSettings> = {},
): Promise<Case> {
  const c = mailboxesOf(t, settings);
  for (const name of names) await c.account.createFolder(name);
  return c;
}

/** `(\Noselect \HasChildren) name`, in Courier's order of attributes. */
function line(entry: ListEntry): string {
  const words = [
    entry.selectable ? '' : '\\Noselect',
    entry.marked === undefined ? '' : entry.marked ? '\\Marked' : '\\Unmarked',
    entry.hasChildren === undefined ? '' : entry.hasChildren ? '\\HasChildren' : '\\HasNoChildren',
    entry.specialUse ?? '',
    entry.childSubscribed ? 'CHILDINFO' : '',
  ];
  return `(${words.filter(Boolean).join(' ')}) ${entry.name}`;
}

const folders = ['INBOX.a', 'INBOX.a.b.c', 'INBOX.Sent', 'INBOX.Größe'];
const lists: [reference: string, pattern: string, lines: string[]][] = [
  [
    '',
    '*',
    [
      '(\\Unmarked \\HasChildren) INBOX',
      '(\\HasNoChildren) INBOX.Größe',
      '(\\HasNoChildren \\Sent) INBOX.Sent',
      '(\\HasChildren) INBOX.a',
      '(\\Noselect \\HasChildren) INBOX.a.b',
      '(\\HasNoChildren) INBOX.a.b.c',
    ],
  ],
  ['', '%', ['(\\Unmarked \\HasChildren) INBOX']],
  ['', 'inbox', ['(\\Unmarked \\HasChildren) INBOX']],
  ['INBOX.', 'a.%', ['(\\Noselect \\HasChildren) INBOX.a.b']],
  ['INBOX.a.b', '%', ['(\\HasNoChildren) INBOX.a.b.c']],
  ['', 'INBOX.a.', ['(\\HasChildren) INBOX.a']],
  ['', 'INBOX.*c', ['(\\HasNoChildren) INBOX.a.b.c']],
  ['', 'INBOX.s%', []],
  ['', '', ['(\\Noselect) ']],
  ['INBOX', '', ['(\\Unmarked \\HasChildren) ']],
  ['nowhere', '*', []],
];
for (const [reference, pattern, lines] of lists)
  test(`LIST ${JSON.stringify(reference)} ${JSON.stringify(pattern)}`, async (t) => {
    const { mailboxes } = await withFolders(t, folders);
    assert.deepEqual((await mailboxes.list(reference, [pattern])).map(line), lines);
  });

test('LIST of several patterns names each mailbox once', async (t) => {
  const { mailboxes } = await withFolders(t, folders);
  const entries = await mailboxes.list('', ['INBOX.a', 'INBOX.%']);
  assert.deepEqual(
    entries.map((entry) => entry.name),
    ['INBOX.Größe', 'INBOX.Sent', 'INBOX.a'],
  );
});

const shortLists: [pattern: string, names: string[]][] = [
  ['*', ['INBOX', 'Größe', 'INBOX.inbox', 'INBOX.shared', 'a', 'a.b']],
  ['%', ['INBOX', 'Größe', 'a']],
  ['INBOX.%', ['INBOX.Größe', 'INBOX.a', 'INBOX.inbox', 'INBOX.shared']],
  ['a.%', ['a.b']],
];
for (const [pattern, names] of shortLists)
  test(`LIST "" ${pattern} without a prefix`, async (t) => {
    const { mailboxes } = await withFolders(
      t,
      ['INBOX.a', 'INBOX.a.b', 'INBOX.Größe', 'INBOX.inbox', 'INBOX.shared'],
      { prefix: '' },
    );
    assert.deepEqual(
      (await mailboxes.list('', [pattern])).map((entry) => entry.name),
      names,
    );
  });

const spellings: [prefix: 'INBOX.' | '', name: string, canonical: string | undefined][] = [
  ['INBOX.', 'inbox.Sent', 'INBOX.Sent'],
  ['INBOX.', 'INBOX', 'INBOX'],
  ['INBOX.', 'Sent', undefined],
  ['INBOX.', 'INBOX.a..b', undefined],
  ['INBOX.', 'INBOX.a.', undefined],
  ['INBOX.', 'INBOX.a/b', undefined],
  ['INBOX.', '#shared', undefined],
  ['INBOX.', '', undefined],
  ['', 'Sent', 'INBOX.Sent'],
  ['', 'INBOX.Sent', 'INBOX.Sent'],
  ['', 'inbox', 'INBOX'],
  ['', 'INBOX.INBOX', 'INBOX.INBOX'],
  ['', '.x', undefined],
  ['', '', undefined],
];
for (const [prefix, name, canonical] of spellings)
  test(`name ${JSON.stringify(name)} with prefix ${JSON.stringify(prefix)}`, (t) => {
    const { mailboxes } = mailboxesOf(t, { prefix });
    if (canonical === undefined) assert.throws(() => mailboxes.resolve(name), { kind: 'invalidName' });
    else assert.equal(mailboxes.resolve(name).name, canonical);
  });

test('LSUB tells of subscribed names and their parents, existing or not', async (t) => {
  const { mailboxes } = await withFolders(t, ['INBOX.a']);
  for (const name of ['INBOX.a', 'INBOX.gone.sub', 'INBOX.a.x']) await mailboxes.subscribe(name);
  assert.deepEqual((await mailboxes.lsub('', '*')).map(line), [
    '(\\Noselect \\HasChildren) INBOX',
    '(\\HasChildren) INBOX.a',
    '(\\HasNoChildren) INBOX.a.x',
    '(\\Noselect \\HasChildren) INBOX.gone',
    '(\\HasNoChildren) INBOX.gone.sub',
  ]);
  assert.deepEqual(
    (await mailboxes.lsub('INBOX', '%')).map((entry) => entry.name),
    ['INBOX.a', 'INBOX.gone'],
  );
});

test('LIST (SUBSCRIBED) knows what exists; RECURSIVEMATCH adds parents', async (t) => {
  const { mailboxes } = await withFolders(t, ['INBOX.a', 'INBOX.a.x', 'INBOX.b']);
  for (const name of ['INBOX.a.x', 'INBOX.b', 'INBOX.gone']) await mailboxes.subscribe(name);
  const list = async (pattern: string, recursiveMatch: boolean) =>
    (await mailboxes.list('', [pattern], { subscribed: true, recursiveMatch })).map(line);
  assert.deepEqual(await list('INBOX.%', false), [
    '(\\HasNoChildren) INBOX.b',
    '(\\Noselect \\HasNoChildren) INBOX.gone',
  ]);
  assert.deepEqual(await list('INBOX.%', true), [
    '(\\HasChildren CHILDINFO) INBOX.a',
    '(\\HasNoChildren) INBOX.b',
    '(\\Noselect \\HasNoChildren) INBOX.gone',
  ]);
});

test('each special use has one folder, the configured trash first', async (t) => {
  const { mailboxes } = await withFolders(
    t,
    ['INBOX.Sent Items', 'INBOX.Spam', 'INBOX.Trash', 'INBOX.Papierkorb', 'INBOX.Drafts'],
    {
      trashFolder: 'Papierkorb',
    },
  );
  const entries = await mailboxes.list('', ['*'], { specialUse: true });
  assert.deepEqual(
    entries.map((entry) => [entry.name, entry.specialUse]),
    [
      ['INBOX.Drafts', '\\Drafts'],
      ['INBOX.Papierkorb', '\\Trash'],
      ['INBOX.Sent Items', '\\Sent'],
      ['INBOX.Spam', '\\Junk'],
    ],
  );
});

const marks: [path: string, marked: boolean][] = [
  ['new/1.m', true],
  ['cur/1.m:2,', true],
  ['cur/1.m:2,S', false],
  ['cur/1.m', true],
  ['new/.x', false],
];
for (const [path, marked] of marks)
  test(`INBOX with ${path} is ${marked ? '\\Marked' : '\\Unmarked'}`, async (t) => {
    const c = mailboxesOf(t);
    c.put(path, 'x\n');
    assert.equal((await c.mailboxes.list('', ['INBOX']))[0].marked, marked);
  });

test('all folders are marked if all are to be checked', async (t) => {
  const { mailboxes } = await withFolders(t, ['INBOX.a'], { checkAllFolders: true });
  assert.deepEqual(
    (await mailboxes.list('', ['INBOX.%'])).map((entry) => entry.marked),
    [false],
  );
});

const badNames = ['INBOX.a\nb', 'INBOX.\u0085', 'INBOX.\uefe9', 'INBOX.😀', 'Sent', 'INBOX.a..b'];
for (const name of badNames)
  test(`${JSON.stringify(name)} is not created, renamed to or subscribed`, async (t) => {
    const { mailboxes, maildir } = await withFolders(t, ['INBOX.x']);
    await assert.rejects(mailboxes.create(name), { kind: 'invalidName' });
    await assert.rejects(mailboxes.rename('INBOX.x', name), { kind: 'invalidName' });
    await assert.rejects(mailboxes.subscribe(name), { kind: 'invalidName' });
    assert.ok(!readdirSync(maildir).includes('courierimapsubscribed'));
  });

test('a folder that is not UTF-8 can be subscribed, opened, renamed and deleted', async (t) => {
  const c = mailboxesOf(t);
  for (const name of ['INBOX.\uefe9', 'INBOX.\uefea']) await c.account.createFolder(name);
  await c.mailboxes.subscribe('INBOX.\uefe9');
  assert.equal(c.get('courierimapsubscribed'), 'INBOX.\xe9\n');
  assert.deepEqual(
    (await c.mailboxes.lsub('', 'INBOX.%')).map((entry) => entry.name),
    ['INBOX.\uefe9'],
  );
  (await c.mailboxes.open('INBOX.\uefe9', 'r')).close();
  await c.mailboxes.rename('INBOX.\uefe9', 'INBOX.é');
  await c.mailboxes.delete('INBOX.\uefea');
  assert.deepEqual(
    (await c.mailboxes.list('', ['INBOX.%'])).map((entry) => entry.name),
    ['INBOX.é'],
  );
});

test('INBOX cannot be deleted, the trash folder neither deleted nor renamed', async (t) => {
  const { mailboxes } = await withFolders(t, ['INBOX.Bin', 'INBOX.Bin.sub', 'INBOX.x'], {
    trashFolder: 'Bin',
  });
  for (const name of ['INBOX', 'INBOX.Bin']) await assert.rejects(mailboxes.delete(name), { kind: 'cannot' });
  await assert.rejects(mailboxes.rename('INBOX.Bin', 'INBOX.y'), { kind: 'cannot' });
  for (const name of ['INBOX', 'INBOX.x']) {
    await assert.rejects(mailboxes.rename(name, 'INBOX.Bin'), { kind: 'cannot' });
    await assert.rejects(mailboxes.rename(name, 'INBOX'), { kind: 'noPermission' });
  }
  await mailboxes.delete('INBOX.Bin.sub');
});

test('mailboxes that are not there', async (t) => {
  const { mailboxes } = mailboxesOf(t);
  for (const call of [
    mailboxes.open('INBOX.x', 'r'),
    mailboxes.status('INBOX.x'),
    mailboxes.delete('INBOX.x'),
    mailboxes.rename('INBOX.x', 'INBOX.y'),
  ])
    await assert.rejects(call, { kind: 'notFound' });
  assert.equal(await mailboxes.unsubscribe('INBOX.x'), false);
});

test('STATUS counts new mail without taking it', async (t) => {
  const c = mailboxesOf(t);
  (await c.mailboxes.open('INBOX', 'r')).close();
  c.put('new/1.m', 'x\n');
  c.put('cur/2.m:2,S', 'x\n');
  const { messages, unseen } = await c.mailboxes.status('INBOX');
  assert.deepEqual({ messages, unseen }, { messages: 2, unseen: 1 });
  assert.deepEqual(readdirSync(join(c.maildir, 'new')), ['1.m']);
});

async function expungeAll(mailbox: OpenMailbox): Promise<number[]> {
  return mailbox.expunge([...mailbox.folder.uids.subarray(0, mailbox.folder.count)]);
}

test('expunged messages go to the trash if so set, but not from there, nor if they were copied', async (t) => {
  const c = await withFolders(t, ['INBOX.a'], { moveExpungeToTrash: true });
  c.put('cur/1.m:2,ST', 'one\n');
  c.put('cur/2.m:2,T', 'two\n');
  const inbox = await c.mailboxes.open('INBOX', 'r');
  const target = await c.mailboxes.open('INBOX.a', 'i');
  await inbox.copyTo(target, [2]);
  assert.deepEqual(await expungeAll(inbox), [1, 2]);
  assert.deepEqual(readdirSync(join(c.maildir, '.Trash/cur')), ['1.m:2,S']);
  const trash = await c.mailboxes.open('INBOX.Trash', 'r');
  await expungeAll(trash);
  assert.deepEqual(readdirSync(join(c.maildir, '.Trash/cur')), []);
  for (const mailbox of [inbox, target, trash]) mailbox.close();
});

test('a mailbox open read-only changes nothing', async (t) => {
  const c = mailboxesOf(t);
  c.put('cur/1.m:2,', 'x\n');
  const inbox = await c.mailboxes.open('INBOX', 'r', { readOnly: true });
  const change = { mode: 'add', flags: flag.seen, keywords: [] } as const;
  await assert.rejects(inbox.storeFlags([1], change), { kind: 'readOnly' });
  await assert.rejects(expungeAll(inbox), { kind: 'readOnly' });
  await assert.rejects(inbox.moveTo(inbox, [1]), { kind: 'readOnly' });
  assert.deepEqual(readdirSync(join(c.maildir, 'cur')), ['1.m:2,']);
  inbox.close();
});

test('the trash is emptied of what is old, and a wrong name is no failure', async (t) => {
  const c = await withFolders(t, ['INBOX.Trash']);
  c.put('.Trash/cur/1.m:2,', 'x\n');
  utimesSync(join(c.maildir, '.Trash/cur/1.m:2,'), 0, 0);
  await c.mailboxes.emptyTrash('Trash:1,none:1,a..b:1');
  assert.deepEqual(readdirSync(join(c.maildir, '.Trash/cur')), ['1.m:2,'], 'its inode changed just now');
  await c.mailboxes.emptyTrash(undefined);
});
