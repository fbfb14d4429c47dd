import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  makeFolderDirectory,
  type TemporaryAccount,
  temporaryAccount,
} from '../../test/support/temporary-account.ts';
import type { Log } from '../base/log.ts';
import { MailError } from '../base/mail-error.ts';
import { readQuota } from '../store/maildirsize.ts';
import type { Identity } from './acl.ts';
import { defaultMailboxesSettings, Mailboxes, type MailboxesSettings } from './mailboxes.ts';
import { AccessDenied } from './rights.ts';
import { SharedIndex } from './shared-index.ts';

interface Case extends TemporaryAccount {
  readonly me: Mailboxes;
  /** Where bob's maildir is. */
  readonly bob: string;
  index(lines: string[], name?: string): void;
  as(identity: Partial<Identity>, settings?: Partial<MailboxesSettings>): Mailboxes;
}

/** An account that shares an index with bob: his INBOX is for all to see, Pub for all to read, Open to insert. */
function withBob(t: TestContext, log?: Log): Case {
  const a = temporaryAccount(t, log);
  const home = dirname(a.maildir);
  const bob = join(home, 'bob/Maildir');
  for (const folder of ['', '.Pub', '.Pub.sub', '.Open', '.Private']) makeFolderDirectory(join(bob, folder));
  const acl = (folder: string, text: string) => writeFileSync(join(bob, folder, 'courierimapacl'), text);
  acl('', 'owner aceilrstwx\nanyone l\n');
  acl('.Pub', 'owner aceilrstwx\nanyone lr\n');
  acl('.Open', 'owner aceilrstwx\nuser=me lrsiwtec\ngroup=staff lra\n');
  acl('.Private', 'owner aceilrstwx\n');
  writeFileSync(join(bob, '.Pub/cur/1.m,S=4:2,'), 'abc\n');
  mkdirSync(join(home, 'shared'));
  const index = (lines: string[], name = 'index') => {
    writeFileSync(
      join(home, 'shared/new'),
      lines.map((line) => `${line.replaceAll('HOME', home).replaceAll(' ', '\t')}\n`).join(''),
    );
    renameSync(join(home, 'shared/new'), join(home, 'shared', name));
  };
  index(['bob 1000 1000 HOME/bob', 'me 1000 1000 HOME']);
  const shared = { indexFile: join(home, 'shared/index'), mungeNames: false };
  const as = (identity: Partial<Identity>, settings: Partial<MailboxesSettings> = {}) =>
    new Mailboxes(
      a.account,
      { ...defaultMailboxesSettings, shared, ...settings },
      { login: 'me', groups: [], aclsDisabled: false, ...identity },
    );
  return { ...a, bob, index, as, me: as({}) };
}

const namesOf = async (mailboxes: Mailboxes, pattern: string) =>
  (await mailboxes.list('', [pattern])).map(({ name, selectable }) => (selectable ? name : `(${name})`));

test('shared accounts are listed for patterns that name them, with what may be seen', async (t) => {
  const { me } = withBob(t);
  assert.deepEqual(await namesOf(me, '*'), ['INBOX']);
  assert.deepEqual(await namesOf(me, '#shared.%'), ['#shared.bob']);
  assert.deepEqual(await namesOf(me, '#shared.*'), [
    '#shared.bob',
    '#shared.bob.Open',
    '#shared.bob.Pub',
    '#shared.bob.Pub.sub',
  ]);
  assert.deepEqual(await namesOf(me, '#shared.bob.P%'), ['#shared.bob.Pub']);
  const entries = await me.list('#shared.', ['%']);
  assert.deepEqual(
    entries.map(({ name, hasChildren }) => [name, hasChildren]),
    [['#shared.bob', true]],
  );
});

test('an account whose INBOX may not be seen is a parent of what may', async (t) => {
  const c = withBob(t);
  writeFileSync(join(c.bob, 'courierimapacl'), 'owner aceilrstwx\n');
  assert.deepEqual(await namesOf(c.me, '#shared.%'), ['(#shared.bob)']);
});

test('rights are those of the other account’s lists, and nobody is its owner', async (t) => {
  const c = withBob(t);
  const { me } = c;
  assert.equal(me.rights('#shared.bob'), 'l');
  assert.equal(me.rights('#shared.bob.Pub'), 'lr');
  assert.equal(me.rights('#shared.bob.Open'), 'ceilrstw');
  assert.equal(me.rights('#shared.bob.Private'), '');
  assert.equal(c.as({ groups: ['staff'], login: 'x' }).rights('#shared.bob.Open'), 'alr');
  assert.equal(c.as({ groups: ['administrators'], login: 'x' }).rights('#shared.bob.Private'), 'aceilrstwx');
  await assert.rejects(me.open('#shared.bob.Private', 'r'), AccessDenied);
  await assert.rejects(me.delete('#shared.bob.Pub'), AccessDenied);
  await assert.rejects(me.create('#shared.bob.new'), AccessDenied);
});

test('a group’s name is nobody’s login', async (t) => {
  const c = withBob(t);
  c.index(['b * indexb']);
  c.index(['bob 1000 1000 HOME/bob'], 'indexb');
  assert.equal(c.as({ login: 'b' }).rights('#shared.b.bob.Private'), '');
});

test('a shared mailbox is read, copied from and copied to', async (t) => {
  const c = withBob(t);
  writeFileSync(join(c.bob, 'maildirsize'), `10S\n${'4'.padStart(12)} ${'1'.padStart(12)}\n`);
  c.put('maildirsize', `10S\n${'0'.padStart(12)} ${'0'.padStart(12)}\n`);
  const pub = await c.me.open('#shared.bob.Pub', 'r');
  assert.deepEqual([pub.name, pub.readOnly, pub.folder.count], ['#shared.bob.Pub', true, 1]);
  const [inbox, open] = [await c.me.open('INBOX', 'r'), await c.me.open('#shared.bob.Open', 'i')];
  await pub.copyTo(inbox, [1]);
  await inbox.copyTo(open, [1]);
  const used = async (root: string) => (await readQuota(root, c.account.settings))!.usage.octets;
  assert.deepEqual([await used(c.maildir), await used(c.bob)], [4, 8], 'each account pays for its own');
  await assert.rejects(inbox.copyTo(open, [1]), { kind: 'overQuota' });
  await inbox.moveTo(inbox, []);
  await open.moveTo(inbox, [1]);
  assert.deepEqual([await used(c.maildir), await used(c.bob)], [8, 4]);
  for (const mailbox of [pub, inbox, open]) mailbox.close();
});

test('messages expunged from a shared mailbox do not go to the user’s own trash', async (t) => {
  const c = withBob(t);
  writeFileSync(join(c.bob, '.Open/cur/1.m:2,T'), 'x\n');
  const open = await c.as({}, { moveExpungeToTrash: true }).open('#shared.bob.Open', 'r');
  assert.deepEqual(await open.expunge([1]), [1]);
  assert.deepEqual(await namesOf(c.me, 'INBOX.*'), []);
  open.close();
});

test('rights that are taken away count at once in a mailbox that is open', async (t) => {
  const c = withBob(t);
  writeFileSync(join(c.bob, '.Open/cur/1.m:2,'), 'x\n');
  const [open, inbox] = [await c.me.open('#shared.bob.Open', 'r'), await c.me.open('INBOX', 'r')];
  const target = await c.me.open('#shared.bob.Open', 'i');
  await open.storeFlags([1], { mode: 'add', flags: 8, keywords: [] });
  writeFileSync(join(c.bob, '.Open/courierimapacl'), 'owner aceilrstwx\nuser=me lr\n');
  await open.storeFlags([1], { mode: 'remove', flags: 8, keywords: [] });
  assert.equal(open.folder.flags[0], 8);
  assert.equal(open.rights, 'lr');
  await assert.rejects(open.expunge([1]), AccessDenied);
  await assert.rejects(open.moveTo(inbox, [1]), AccessDenied);
  await assert.rejects(open.copyTo(target, [1]), AccessDenied);
  const message = await target.startAppend();
  await message.write(Buffer.from('y\n'));
  await assert.rejects(target.commitAppends([message]), AccessDenied);
  for (const mailbox of [open, inbox, target]) mailbox.close();
});

test('folders are made and renamed in the other account, but not between accounts', async (t) => {
  const c = withBob(t);
  await c.me.create('#shared.bob.Open.sub');
  assert.ok(readFileSync(join(c.bob, '.Open.sub/courierimapacl'), 'utf8').includes('user=me ceilrstw\n'));
  writeFileSync(join(c.bob, '.Open.sub/courierimapacl'), 'user=me lrx\n');
  await c.me.rename('#shared.bob.Open.sub', '#shared.bob.Open.other');
  assert.ok(readdirSync(c.bob).includes('.Open.other'));
  await assert.rejects(c.me.rename('#shared.bob.Open.other', 'INBOX.x'), { kind: 'cannot' });
  await assert.rejects(c.me.create('#shared.bob'), { kind: 'exists' });
});

test('shared names are subscribed in the user’s own file and listed where they are asked for', async (t) => {
  const c = withBob(t);
  for (const name of ['#shared.bob.Pub', '#shared.bob.Private', '#shared.nobody', 'INBOX'])
    await c.me.subscribe(name);
  assert.equal(
    c.get('courierimapsubscribed'),
    '#shared.bob.Pub\n#shared.bob.Private\n#shared.nobody\nINBOX\n',
  );
  const lsub = async (pattern: string) => (await c.me.lsub('', pattern)).map(({ name }) => name);
  assert.deepEqual(await lsub('*'), ['INBOX']);
  assert.deepEqual(await lsub('#shared.*'), ['#shared.bob', '#shared.bob.Pub']);
  assert.equal(await c.me.unsubscribe('#shared.bob.Pub'), true);
  assert.equal(await c.me.unsubscribe('#shared.nobody'), true);
  assert.equal(c.get('courierimapsubscribed'), '#shared.bob.Private\nINBOX\n');
});

const missing = ['#shared', '#shared.nobody', '#shared.nobody.x', '#shared.me', '#shared.gone'];
for (const name of missing)
  test(`there is no mailbox ${name}`, async (t) => {
    const c = withBob(t);
    c.index(['me 1000 1000 HOME', 'gone 1000 1000 HOME/gone']);
    const kind = name === '#shared' ? 'invalidName' : 'notFound';
    await assert.rejects(c.me.open(name, 'r'), { kind });
    await assert.rejects(c.me.status(name), { kind });
    assert.deepEqual(await namesOf(c.me, '#shared.*'), []);
  });

for (const name of ['#shared.bob..x', '#shared.bob.', '#shared.bob.a/b', '#shared.'])
  test(`${name} is no name`, (t) =>
    assert.throws(() => withBob(t).me.resolve(name), { kind: 'invalidName' }));

test('nothing is shared with an account that has disableshared', async (t) => {
  const c = withBob(t);
  const alone = c.as({ aclsDisabled: true });
  assert.deepEqual(await namesOf(alone, '#shared.*'), []);
  await assert.rejects(alone.open('#shared.bob.Pub', 'r'), { kind: 'notFound' });
});

test('each shared group has its own index', async (t) => {
  const c = withBob(t);
  c.index(['robert 1000 1000 HOME/bob'], 'index7');
  assert.deepEqual(await namesOf(c.as({ sharedGroup: '7' }), '#shared.%'), ['#shared.robert']);
});

test('groups of accounts are names without mailboxes, and an index within itself has an end', async (t) => {
  const c = withBob(t);
  c.index(['staff * indexstaff', 'empty * none', 'loop * index']);
  c.index(['bob 1000 1000 HOME/bob', 'again * index'], 'indexstaff');
  assert.deepEqual(await namesOf(c.me, '#shared.%'), ['(#shared.empty)', '(#shared.staff)']);
  assert.deepEqual(await namesOf(c.me, '#shared.staff.%'), ['#shared.staff.bob']);
  assert.equal(c.me.resolve('#shared.staff.bob.Pub').folder, 'INBOX.Pub');
  await assert.rejects(c.me.open('#shared.staff', 'r'), { kind: 'notFound' });
});

test('an index that was replaced counts at once', async (t) => {
  const c = withBob(t);
  assert.deepEqual(await namesOf(c.me, '#shared.%'), ['#shared.bob']);
  c.index(['robert 1000 1000 HOME/bob']);
  assert.deepEqual(await namesOf(c.me, '#shared.%'), ['#shared.robert']);
});

function recordsOf(
  t: TestContext,
  text: string,
  mungeNames: boolean,
): { records: string[]; errors: string[] } {
  const a = temporaryAccount(t);
  a.put('../index', text);
  const errors: string[] = [];
  const log: Log = {
    error: (line) => errors.push(line.replace(/^.*\//, '')),
    warn() {},
    info() {},
    debug() {},
  };
  const index = new SharedIndex(join(dirname(a.maildir), 'index'), mungeNames, log);
  const records = [...index.records().values()].map((record) =>
    record.kind === 'account' ? `${record.name}=${record.maildir}` : `${record.name}=>`,
  );
  return { records, errors };
}

const indexes: [text: string, mungeNames: boolean, records: string[], errors: string[]][] = [
  [
    'a\t5\t5\t/h/a\nb\t5\t5\t/h/b\tMail\nc\t5\t5\t/h\t/m/c\tx\n',
    false,
    ['a=/h/a/./Maildir', 'b=/h/b/Mail', 'c=/m/c'],
    [],
  ],
  ['# comment\n\na\t5\t5\t/h # more\n', false, ['a=/h /./Maildir'], []],
  ['a\t5\t5\t/1\na\t5\t5\t/2\n', false, ['a=/2/./Maildir'], []],
  [
    'a\t0\t5\t/1\nb\t5\tx\t/1\nc\t5\t5\n\t5\t5\t/x\nd\n',
    false,
    [],
    [1, 2, 3, 4, 5].map((n) => `index(${n}): syntax error.`),
  ],
  ['g\t*\tfile\nh\t*\t../file\n', false, ['g=>'], ['index(2): syntax error.']],
  ['a.b/c\t5\t5\t/1\n', false, ['a b c=/1/./Maildir'], []],
  ['a.b/c\\d\t5\t5\t/1\n', true, ['a\\:b\\;c\\\\d=/1/./Maildir'], []],
];
for (const [text, mungeNames, records, errors] of indexes)
  test(`index ${JSON.stringify(text)}`, (t) =>
    assert.deepEqual(recordsOf(t, text, mungeNames), { records, errors }));

test('a name that is not ASCII is also known in Courier’s spelling', (t) => {
  const a = temporaryAccount(t);
  a.put('../index', 'Ünï\t5\t5\t/h\n');
  const index = new SharedIndex(join(dirname(a.maildir), 'index'), false, a.account.settings.log);
  for (const name of ['Ünï', '&ANw-n&AO8-']) assert.equal(index.find(name)?.name, 'Ünï');
  assert.equal(index.find('Uni'), undefined);
});

test('administrators see and set the quota of each shared account, others do not', async (t) => {
  const c = withBob(t);
  const file = join(c.bob, 'maildirsize');
  writeFileSync(file, `10S\n${'4'.padStart(12)} ${'1'.padStart(12)}\n`);
  assert.equal(c.me.quotas.rootOf('#shared.bob.Pub'), 'PUBLIC');
  assert.equal(await c.me.quotas.report('#shared.bob'), undefined);
  for (const root of ['ROOT', '#shared.bob'])
    await assert.rejects(c.me.quotas.setLimit(root, { octets: 0, messages: 0 }), { kind: 'noPermission' });
  for (const login of ['administrators', 'group=administrators'])
    await assert.rejects(c.as({ login }).quotas.setLimit('ROOT', { octets: 0, messages: 0 }), {
      kind: 'noPermission',
    });
  const chief = c.as({ login: 'chief', groups: ['administrators'] });
  assert.equal(chief.quotas.rootOf('#shared.bob.Pub'), '#shared.bob');
  assert.equal(chief.quotas.rootOf('#shared.nobody.x'), 'PUBLIC');
  await chief.quotas.setLimit('#shared.bob', { octets: 2048, messages: 9 });
  assert.equal(readFileSync(file, 'latin1').split('\n')[0], '2048S,9C');
  const { quota } = (await chief.quotas.report('#shared.bob'))!;
  assert.deepEqual(
    [quota?.limit, quota?.usage],
    [
      { octets: 2048, messages: 9 },
      { octets: 4, messages: 1 },
    ],
  );
  for (const root of ['#shared.bob.Pub', '#shared.nobody', '#shared.me', 'PUBLIC', 'x', '../bob'])
    await assert.rejects(chief.quotas.setLimit(root, { octets: 1, messages: 0 }), { kind: 'notFound' }, root);
});

/** Names, as they are after decoding, by which somebody might get out of a maildir or become an owner. */
const tricks = [
  '#shared.bob/../me',
  '#shared.bob/../../x',
  '#shared.bob.Pub/../../x',
  '#shared.bob.Pub.%2e%2e',
  '#shared.bob.&AC8-x',
  '#shared.bob.Pub.new\0x',
  '#shared.BOB.Pub.new',
  '#SHARED.bob.Open.new',
  '#shared.bob.',
  '#shared..bob',
  '#shared.bob..new',
  '#shared.bob./x',
  '#shared.owner.x',
  '#shared.administrators.x',
  '#shared.bob.Private.x',
  '#shared.bob.Pub.x',
  '#shared.bob.x',
  'INBOX/../bob/x',
  'INBOX.../bob/.x',
];
for (const name of tricks)
  test(`nothing is made, changed or opened by the name ${JSON.stringify(name)}`, async (t) => {
    const c = withBob(t);
    const everything = () => readdirSync(dirname(c.maildir), { recursive: true }).map(String).sort();
    const before = everything();
    const attempts: (() => unknown)[] = [
      () => c.me.create(name),
      () => c.me.rename('#shared.bob.Open', name),
      () => c.me.delete(name),
      () => c.me.open(name, 'i'),
      () => c.me.changeAcl(name, { identifier: 'user=me', mode: 'add', rights: 'a' }),
      () => c.me.status(name),
    ];
    for (const attempt of attempts) await assert.rejects(async () => attempt(), MailError);
    for (const look of [() => c.me.rights(name), () => c.me.list('', [name]), () => c.me.lsub('', name)])
      await (async () => look())().catch((error: unknown) => assert.ok(error instanceof MailError));
    await c.me.subscribe(name).catch((error: unknown) => assert.ok(error instanceof MailError));
    assert.deepEqual(
      everything().filter((path) => !path.endsWith('courierimapsubscribed')),
      before,
    );
  });

for (const login of [
  'owner',
  'anyone',
  'administrators',
  'group=staff',
  'bob',
  'user=bob',
  'b',
  'vendor=courier.internal',
  '',
])
  test(`the login ${JSON.stringify(login)} gives no rights in the maildir of somebody else`, async (t) => {
    const c = withBob(t);
    c.index(['b * indexb', 'bob 1000 1000 HOME/bob']);
    c.index(['bob 1000 1000 HOME/bob'], 'indexb');
    const list = 'owner aceilrstwx\nadministrators aceilrstwx\ngroup=staff lra\n';
    writeFileSync(join(c.bob, '.Private/courierimapacl'), list);
    for (const name of ['#shared.bob.Private', '#shared.b.bob.Private'])
      assert.equal(c.as({ login }).rights(name), '', name);
  });
