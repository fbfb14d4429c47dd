import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TemporaryAccount, temporaryAccount } from '../../test/support/temporary-account.ts';
import { silentLog } from '../base/log.ts';
import {
  type Acl,
  changeAcl,
  checkAcl,
  formatAcl,
  type Identity,
  parseAcl,
  readRights,
  rightsOf,
  withAdministrators,
} from './acl.ts';
import { AclFiles } from './acl-files.ts';
import { defaultMailboxesSettings, Mailboxes } from './mailboxes.ts';
import { AccessDenied } from './rights.ts';

const all = 'aceilrstwx';

const files: [octets: string, acl: [identifier: string, rights: string][]][] = [
  [
    'owner aceilrstwx\nanyone l\n',
    [
      ['owner', all],
      ['anyone', 'l'],
    ],
  ],
  ['user=erin \n', [['user=erin', '']]],
  ['user=erin\n', [['user=erin', '']]],
  ['a   rl\n', [['a', 'lr']]],
  [
    'a rr\nb l\na w',
    [
      ['a', 'w'],
      ['b', 'l'],
    ],
  ],
  ['\na l\n\n', [['a', 'l']]],
  ['user=b\xc3\xbc l\n', [['user=bü', 'l']]],
  ['a lzZ\n', [['a', 'Zlz']]],
];
for (const [octets, acl] of files)
  test(`ACL file ${JSON.stringify(octets)}`, () => {
    const expected = acl.map(([identifier, rights]) => ({ identifier, rights }));
    assert.deepEqual(parseAcl(octets), expected);
    assert.deepEqual(parseAcl(formatAcl(expected)), expected);
  });

for (const line of ['b l\r', 'b\tl', ' b l', 'b l r', ' '])
  test(`an ACL file with the line ${JSON.stringify(line)} is broken`, () =>
    assert.equal(parseAcl(`a l\n${line}\nc l\n`), undefined));

const of = (text: string): Acl => parseAcl(text.replaceAll('; ', '\n'))!;

const administrators: [before: string, after: string][] = [
  ['owner l', `owner l\nadministrators ${all}\n`],
  ['administrators lp; owner l', `administrators ${'aceilprstwx'}\nowner l\n`],
  ['group=administrators l', `group=administrators ${all}\n`],
  ['-administrators l; -group=administrators r', `administrators ${all}\n`],
];
for (const [before, after] of administrators)
  test(`administrators in ${before}`, () => assert.equal(formatAcl(withAdministrators(of(before))), after));

const who = (login: string, ...groups: string[]): Identity => ({ login, groups, aclsDisabled: false });

const computed: [acl: string, identity: Identity, isOwner: boolean, rights: string][] = [
  ['owner lr', who('al'), true, 'alr'],
  ['owner lr', who('al'), false, ''],
  ['', who('al'), true, 'a'],
  ['-owner a; owner alr', who('al'), true, 'alr'],
  ['anyone l; user=bob r; user=al w', who('bob'), false, 'lr'],
  ['anonymous l', who('bob'), false, 'l'],
  ['anyone lrs; -user=bob rs', who('bob'), false, 'l'],
  ['-user=bob r; anyone lr', who('bob'), false, 'l'],
  ['group=staff w; group=other s', who('bob', 'staff'), false, 'w'],
  ['administrators lr', who('bob', 'administrators'), false, 'lr'],
  ['group=administrators lr', who('bob', 'administrators'), false, 'lr'],
  ['authuser lr; bob lr', who('bob'), false, ''],
  ['user= lr', who(''), false, ''],
  ['user=BOB lr', who('bob'), false, ''],
];
for (const [acl, identity, isOwner, rights] of computed)
  test(`rights of ${identity.login || 'nobody'}${isOwner ? ', the owner,' : ''} in ${acl}`, () =>
    assert.equal(rightsOf(of(acl), identity, isOwner), rights));

const changes: [acl: string, mode: 'replace' | 'add' | 'remove', rights: string, after: string][] = [
  ['a l; b r', 'replace', 'lrd', 'a eltrx; b r'],
  ['b r', 'replace', 'l', 'b r; a l'],
  ['a l', 'add', 'rk', 'a clr'],
  ['a lrw', 'remove', 'r', 'a lw'],
  ['a l; b r', 'remove', 'l', 'b r'],
  ['a l; b r', 'replace', '', 'b r'],
  ['b r', 'remove', 'l', 'b r'],
];
for (const [acl, mode, rights, after] of changes)
  test(`${mode} ${rights || 'nothing'} of a in ${acl}`, () =>
    assert.equal(
      formatAcl(changeAcl(of(acl), { identifier: 'a', mode, rights: readRights(rights) })),
      formatAcl(of(after)),
    ));

const full = `owner ${all}; administrators ${all}`;
const checks: [acl: string, refused: string | undefined][] = [
  [full, undefined],
  [`owner al; administrators ${all}`, undefined],
  [`owner a; anyone l; administrators ${all}`, undefined],
  [`owner a; administrators ${all}`, 'owner'],
  [`owner al; -anyone l; administrators ${all}`, 'owner'],
  [`owner al; -user=me a; administrators ${all}`, 'user=me'],
  [`owner al; -user=other a; administrators ${all}`, undefined],
  ['owner al; administrators aceilrstw', 'administrators'],
  ['owner al', 'administrators'],
];
for (const [acl, refused] of checks)
  test(`the list ${acl} is ${refused ? `refused for ${refused}` : 'taken'}`, () => {
    if (refused === undefined) checkAcl(of(acl), 'me');
    else assert.throws(() => checkAcl(of(acl), 'me'), { name: 'AclRefused', identifier: refused });
  });

test('an identifier that would break its line is refused', () => {
  for (const identifier of ['a b', 'a\nowner', '', 'a\t', '\ud800'])
    assert.throws(() => checkAcl([...of(full), { identifier, rights: 'l' }], undefined), {
      name: 'AclRefused',
    });
});

interface Case extends TemporaryAccount {
  readonly me: Mailboxes;
  set(name: string, identifier: string, rights: string): Promise<void>;
}

async function withFolders(t: TestContext, ...names: string[]): Promise<Case> {
  const a = temporaryAccount(t);
  for (const name of names) await a.account.createFolder(name);
  const me = new Mailboxes(a.account, defaultMailboxesSettings, who('me'));
  return {
    ...a,
    me,
    set: (name, identifier, rights) =>
      me.changeAcl(name, { identifier, mode: 'replace', rights: readRights(rights) }),
  };
}

const fileLines = (c: Case, path: string) => c.get(path).trim().split('\n');

test('looking at rights writes nothing', async (t) => {
  const c = await withFolders(t, 'INBOX.a.b');
  assert.equal(c.me.rights('INBOX.a.b'), all);
  assert.equal(c.me.rights('INBOX.nowhere'), all);
  await c.me.list('', ['*']);
  assert.deepEqual(readdirSync(c.maildir).sort(), ['.a.b', 'cur', 'new', 'postrider-uidvalidity', 'tmp']);
});

test('a list is written as Courier writes it', async (t) => {
  const c = await withFolders(t, 'INBOX.a');
  await c.set('INBOX.a', 'user=bob', 'lrd');
  assert.deepEqual(fileLines(c, '.a/courierimapacl'), [
    `owner ${all}`,
    `administrators ${all}`,
    'user=bob elrtx',
  ]);
  await c.set('INBOX', 'anyone', 'l');
  assert.deepEqual(fileLines(c, 'courierimapacl').at(-1), 'anyone l');
});

test('folders below keep the rights they had when the list above changes', async (t) => {
  const c = await withFolders(t, 'INBOX.a', 'INBOX.a.b', 'INBOX.c');
  await c.set('INBOX.a', 'user=bob', 'lr');
  await c.set('INBOX', 'user=eve', 'lr');
  const idsOf = (name: string) => c.me.acl(name).map(({ identifier }) => identifier);
  assert.deepEqual(idsOf('INBOX.a.b'), ['owner', 'administrators']);
  assert.deepEqual(idsOf('INBOX.a'), ['owner', 'administrators', 'user=bob']);
  assert.deepEqual(idsOf('INBOX.c'), ['owner', 'administrators']);
  await c.me.create('INBOX.a.new');
  assert.deepEqual(
    idsOf('INBOX.a.new'),
    ['owner', 'administrators', 'user=bob'],
    'a new folder takes its parent’s list',
  );
});

test('a missing right is told with its mailbox', async (t) => {
  const c = await withFolders(t, 'INBOX.a');
  c.put('.a/courierimapacl', 'owner l\n');
  const denied = (right: string, mailbox: string) => (error: unknown) =>
    error instanceof AccessDenied && error.right === right && error.mailbox === mailbox;
  await assert.rejects(c.me.open('INBOX.a', 'r'), denied('r', 'INBOX.a'));
  await assert.rejects(c.me.open('INBOX.a', 'i'), denied('i', 'INBOX.a'));
  await assert.rejects(c.me.status('INBOX.a'), denied('r', 'INBOX.a'));
  await assert.rejects(c.me.create('INBOX.a.b'), denied('c', 'INBOX.a'));
  await assert.rejects(c.me.delete('INBOX.a'), denied('x', 'INBOX.a'));
  await assert.rejects(c.me.rename('INBOX.a', 'INBOX.b'), denied('x', 'INBOX.a'));
  assert.equal(c.me.acl('INBOX.a')[0].identifier, 'owner', 'the owner may always repair the list');
});

test('folders without right l are hidden, and shown as parents of visible ones', async (t) => {
  const c = await withFolders(t, 'INBOX.a', 'INBOX.a.b', 'INBOX.c');
  c.put('.a/courierimapacl', 'owner r\n');
  c.put('.a.b/courierimapacl', 'owner l\n');
  c.put('.c/courierimapacl', 'owner r\n');
  for (const name of ['INBOX.a.b', 'INBOX.c']) await c.me.subscribe(name);
  const shown = (await c.me.list('', ['INBOX.*'])).map(({ name, selectable }) => [name, selectable]);
  assert.deepEqual(shown, [
    ['INBOX.a', false],
    ['INBOX.a.b', true],
  ]);
  assert.deepEqual(
    (await c.me.lsub('', 'INBOX.*')).map(({ name }) => name),
    ['INBOX.a', 'INBOX.a.b'],
  );
});

test('with few rights a mailbox is read-only or keeps what is allowed', async (t) => {
  const c = await withFolders(t, 'INBOX.a', 'INBOX.b');
  c.put('cur/1.m:2,', 'x\n');
  c.put('.a/courierimapacl', 'owner lr\n');
  c.put('.b/courierimapacl', 'owner lris\n');
  c.put('.a/cur/2.m:2,', 'x\n');
  const a = await c.me.open('INBOX.a', 'r');
  assert.equal(a.readOnly, true);
  const b = await c.me.open('INBOX.b', 'i');
  const inbox = await c.me.open('INBOX', 'r');
  await inbox.storeFlags([1], { mode: 'add', flags: 31, keywords: ['k'] });
  await inbox.copyTo(b, [1]);
  assert.equal(b.folder.flags[0], 8, 'only \\Seen was allowed');
  await b.storeFlags([1], { mode: 'replace', flags: 16, keywords: [] });
  assert.equal(b.folder.flags[0], 0);
  await assert.rejects(b.expunge([1]), AccessDenied);
  await assert.rejects(b.moveTo(inbox, [1]), AccessDenied);
  for (const mailbox of [a, b, inbox]) mailbox.close();
});

test('a list goes where its name goes', async (t) => {
  const c = await withFolders(t, 'INBOX.a', 'INBOX.a.b');
  await c.set('INBOX.a', 'user=bob', 'l');
  await c.me.delete('INBOX.a');
  assert.ok(fileLines(c, 'courierimaphieracl/a').includes('user=bob l'));
  await c.me.rename('INBOX.a', 'INBOX.n');
  assert.ok(fileLines(c, 'courierimaphieracl/n').includes('user=bob l'));
  await c.me.create('INBOX.n');
  assert.ok(fileLines(c, '.n/courierimapacl').includes('user=bob l'));
  assert.ok(!existsSync(join(c.maildir, 'courierimaphieracl/n')));
  await c.me.delete('INBOX.n.b');
  await c.me.delete('INBOX.n');
  assert.deepEqual(readdirSync(join(c.maildir, 'courierimaphieracl')), []);
});

test('a list that cannot be read gives no rights', async (t) => {
  const c = await withFolders(t, 'INBOX.a');
  c.put('.a/courierimapacl/x', '');
  assert.equal(c.me.rights('INBOX.a'), '');
});

test('a list that is broken gives no rights but to repair it, is logged and stays', async (t) => {
  const logged: string[] = [];
  const log = { ...silentLog, error: (line: string) => logged.push(line.replace(/^.*Maildir/, '')) };
  const a = temporaryAccount(t, log);
  const me = new Mailboxes(a.account, defaultMailboxesSettings, who('me'));
  const bobs = (name: string) => rightsOf(new AclFiles(a.account).effective(name)!, who('bob'), false);
  for (const name of ['INBOX.a', 'INBOX.a.b']) await me.create(name);
  const broken = 'owner aceilrstwx\nanyone lr\n-user=bob\tr\n';
  a.put('.a/courierimapacl', broken);
  for (const name of ['INBOX.a', 'INBOX.a.b']) {
    assert.equal(me.rights(name), 'a');
    assert.equal(bobs(name), '');
  }
  const reason = 'there are lines that are no entries; it gives no rights';
  assert.deepEqual([...new Set(logged)], [`/.a/courierimapacl: ${reason}`]);
  const change = { identifier: 'user=eve', mode: 'add', rights: 'l' } as const;
  await assert.rejects(me.changeAcl('INBOX.a', change), { kind: 'unavailable' });
  await me.create('INBOX.a.c').catch(() => undefined);
  assert.equal(a.get('.a/courierimapacl'), broken);
  await me.replaceAcl('INBOX.a', of('owner aceilrstwx; administrators aceilrstwx'));
  assert.equal(me.rights('INBOX.a'), all);
});

test('without ACLs the owner has all rights but a', async (t) => {
  const c = await withFolders(t, 'INBOX.a');
  c.put('.a/courierimapacl', 'owner l\n');
  const me = new Mailboxes(c.account, defaultMailboxesSettings, { ...who('me'), aclsDisabled: true });
  assert.equal(me.rights('INBOX.a'), 'ceilrstwx');
  assert.throws(() => me.acl('INBOX.a'), AccessDenied);
});

test('lists of names with nothing below them go after an hour', async (t) => {
  const c = await withFolders(t, 'INBOX.a.b');
  c.put('courierimaphieracl/a', 'owner al\n');
  c.put('courierimaphieracl/gone', 'owner al\n');
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_700_000 });
  await new AclFiles(c.account).sweep();
  t.mock.timers.reset();
  assert.deepEqual(readdirSync(join(c.maildir, 'courierimaphieracl')), ['a']);
});
