/** Folders shared by file permissions: `shared-maildirs`, folders of links, and what sessions do with them. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  makeFolderDirectory,
  type TemporaryAccount,
  temporaryAccount,
} from '../../test/support/temporary-account.ts';
import { flag } from '../store/flags.ts';
import { sweepLeftovers } from '../store/folder-tree.ts';
import { forgetClosedFolders } from '../store/registry.ts';
import { interceptSteps } from '../store/steps.ts';
import { defaultMailboxesSettings, Mailboxes } from './mailboxes.ts';
import { AccessDenied } from './rights.ts';

const box = 'shared.pub.Größe';

interface Case extends TemporaryAccount {
  readonly me: Mailboxes;
  /** The sharable maildir. */
  readonly pub: string;
  /** Names of the links in a directory of the folder of links. */
  links(directory: string): string[];
}

/** An account that knows the sharable maildir `pub`, which has a folder with the messages 1 and 2, and one without. */
function withSharable(t: TestContext): Case {
  const a = temporaryAccount(t);
  const pub = join(dirname(a.maildir), 'a public place');
  for (const folder of ['', '.Größe', '.Other', '.Other.sub']) makeFolderDirectory(join(pub, folder));
  writeFileSync(join(pub, '.Größe/cur/1.m,S=5:2,FS'), 'a: 1\n');
  writeFileSync(join(pub, '.Größe/cur/2.m:2,'), 'a: 22\n');
  a.put('shared-maildirs', `# comment\nbad line\npub\t${pub}\nnone /nonexistent\npub /other\n`);
  return {
    ...a,
    pub,
    me: new Mailboxes(a.account, defaultMailboxesSettings, { login: 'me', groups: [], aclsDisabled: false }),
    links: (directory) => readdirSync(join(a.maildir, 'shared-folders/pub/Größe', directory)).sort(),
  };
}

async function opened(t: TestContext, { me }: Case, name = box): ReturnType<Mailboxes['open']> {
  const mailbox = await me.open(name, 'r');
  t.after(() => mailbox.close());
  return mailbox;
}

const shown = (mailbox: Awaited<ReturnType<Mailboxes['open']>>) =>
  Array.from(mailbox.folder.uids.subarray(0, mailbox.folder.count), (uid) => {
    const row = mailbox.folder.rowOf(uid);
    const message = mailbox.folder.open(row);
    const text = message.readAll().toString().trim();
    message.close();
    return `${uid} ${mailbox.folder.flags[row]} ${text}`;
  });

test('folders of sharable maildirs are listed, and subscribed where there are links', async (t) => {
  const c = withSharable(t);
  const list = async (pattern: string) =>
    (await c.me.list('', [pattern])).map(({ name, selectable }) => (selectable ? name : `(${name})`));
  assert.deepEqual(
    await list('*'),
    ['INBOX', '(shared)', '(shared.pub)', box, 'shared.pub.Other', 'shared.pub.Other.sub'].sort(
      (one, other) => (one.replace('(', '') < other.replace('(', '') ? -1 : 1),
    ),
  );
  assert.deepEqual(await list('%'), ['INBOX', '(shared)']);
  assert.deepEqual(await list('shared.pub.O%'), ['shared.pub.Other']);
  assert.deepEqual(await list('#shared.*'), []);
  assert.deepEqual(
    (await c.me.lsub('', 'shared.*')).map(({ name }) => name),
    [],
  );
  assert.equal(await c.me.subscribe(box), true);
  assert.equal(await c.me.subscribe(box), false);
  assert.equal(await c.me.subscribe('shared.pub'), false);
  await assert.rejects(c.me.subscribe('shared.nobody.x'), { kind: 'cannot' });
  assert.deepEqual(
    (await c.me.lsub('', 'shared.*')).map(({ name }) => name),
    ['shared.pub', box],
  );
  assert.ok(!existsSync(join(c.maildir, 'courierimapsubscribed')));
  assert.equal(await c.me.unsubscribe(box), true);
  assert.equal(await c.me.unsubscribe(box), false);
  assert.deepEqual(readdirSync(join(c.maildir, 'shared-folders')), []);
});

test('messages are links, and flags and UIDs the user’s own', async (t) => {
  const c = withSharable(t);
  const mailbox = await opened(t, c);
  assert.deepEqual(shown(mailbox), ['1 0 a: 1', '2 0 a: 22']);
  const target = join(c.pub, '.Größe');
  assert.equal(readlinkSync(join(c.maildir, 'shared-folders/pub/Größe/shared')), target);
  assert.equal(
    readlinkSync(join(c.maildir, 'shared-folders/pub/Größe/cur/1.m,S=5:2,')),
    `${target}/cur/1.m,S=5:2,FS`,
  );
  await mailbox.storeFlags([1], { mode: 'add', flags: flag.answered, keywords: ['work'] });
  assert.deepEqual(c.links('cur'), ['1.m,S=5:2,R', '2.m:2,']);
  assert.deepEqual(readdirSync(join(target, 'cur')).sort(), ['1.m,S=5:2,FS', '2.m:2,']);
});

test('links follow the owner’s changes, and keep the user’s flags', async (t) => {
  const c = withSharable(t);
  const mailbox = await opened(t, c);
  await mailbox.storeFlags([1], { mode: 'add', flags: flag.answered, keywords: [] });
  const target = join(c.pub, '.Größe');
  renameSync(join(target, 'cur/1.m,S=5:2,FS'), join(target, 'cur/1.m,S=5:2,S'));
  assert.deepEqual(shown(mailbox), ['1 4 a: 1', '2 0 a: 22'], 'also before the links have followed');
  unlinkSync(join(target, 'cur/2.m:2,'));
  writeFileSync(join(target, 'new/3.m'), 'a: 3\n');
  assert.equal(mailbox.folder.hasNews(), true);
  await mailbox.folder.refresh();
  assert.deepEqual(shown(mailbox), ['1 4 a: 1', '3 0 a: 3']);
  assert.deepEqual(c.links('cur'), ['1.m,S=5:2,R', '3.m:2,']);
  assert.equal(
    readlinkSync(join(c.maildir, 'shared-folders/pub/Größe/cur/1.m,S=5:2,R')),
    `${target}/cur/1.m,S=5:2,S`,
  );
  const { messages, unseen } = await c.me.status(box);
  assert.deepEqual([messages, unseen], [2, 2]);
});

test('what is put there goes to the owner’s folder, and has a UID of the user’s', async (t) => {
  const c = withSharable(t);
  const [mailbox, inbox] = [await opened(t, c), await opened(t, c, 'INBOX')];
  const message = await mailbox.startAppend();
  message.flags = flag.seen | flag.flagged;
  await message.write(Buffer.from('a: new\n'));
  const { uids } = await mailbox.commitAppends([message]);
  assert.deepEqual(uids, [3]);
  assert.deepEqual(shown(mailbox).slice(2), ['3 0 a: new']);
  assert.ok(readdirSync(join(c.pub, '.Größe/cur')).some((name) => name.endsWith(':2,FS')));
  await mailbox.copyTo(inbox, [1]);
  assert.deepEqual(shown(inbox), ['1 0 a: 1']);
  assert.ok(lstatSync(join(c.maildir, 'cur', readdirSync(join(c.maildir, 'cur'))[0]!)).isFile());
  assert.deepEqual((await inbox.copyTo(mailbox, [1])).pairs, [[1, 4]]);
});

test('expunging removes the owner’s message, or gives it back without \\Deleted', async (t) => {
  const c = withSharable(t);
  const mailbox = await opened(t, c);
  await mailbox.storeFlags([1, 2], { mode: 'add', flags: flag.deleted, keywords: [] });
  // As if the directory were sticky and the message somebody else's.
  const file = join(c.pub, '.Größe/cur/2.m:2,');
  unlinkSync(file);
  mkdirSync(file);
  assert.deepEqual(await mailbox.expunge([1, 2]), [1]);
  assert.deepEqual(readdirSync(join(c.pub, '.Größe/cur')), ['2.m:2,']);
  assert.deepEqual(c.links('cur'), ['2.m:2,']);
});

test('stopping anywhere while links follow leaves what the next look puts right', async (t) => {
  t.after(() => interceptSteps(undefined));
  for (let stopAt = 1; ; stopAt++) {
    const c = withSharable(t);
    const before = await c.me.open(box, 'r');
    await before.storeFlags([1, 2], { mode: 'add', flags: flag.answered, keywords: [] });
    const target = join(c.pub, '.Größe');
    renameSync(join(target, 'cur/1.m,S=5:2,FS'), join(target, 'cur/1.m,S=5:2,'));
    unlinkSync(join(target, 'cur/2.m:2,'));
    writeFileSync(join(target, 'new/3.m'), 'a: 3\n');
    let steps = 0;
    interceptSteps((call) => {
      if (++steps >= stopAt) throw Object.assign(new Error(`stopped before ${call}`), { code: 'ESTOP' });
    });
    await before.folder.refresh().catch(() => undefined);
    interceptSteps(undefined);
    before.close();
    forgetClosedFolders();
    const after = await c.me.open(box, 'r');
    assert.deepEqual(shown(after), ['1 4 a: 1', '3 0 a: 3'], `stop ${stopAt}`);
    assert.deepEqual([...c.links('cur'), ...c.links('new')], ['1.m,S=5:2,R', '3.m:2,']);
    after.close();
    if (steps >= stopAt) continue;
    assert.ok(stopAt > 8, 'there are steps');
    return;
  }
});

test('a subscription half made is none, and what is left of it goes', async (t) => {
  t.after(() => interceptSteps(undefined));
  for (let stopAt = 1; ; stopAt++) {
    const c = withSharable(t);
    let steps = 0;
    interceptSteps((call) => {
      if (++steps >= stopAt) throw Object.assign(new Error(`stopped before ${call}`), { code: 'ESTOP' });
    });
    await c.me.subscribe(box).catch(() => undefined);
    await c.me.unsubscribe(box).catch(() => undefined);
    interceptSteps(undefined);
    const inbox = await c.me.open(box, 'r');
    assert.equal(inbox.folder.count, 2, `stop ${stopAt}`);
    inbox.close();
    await sweepLeftovers(c.maildir, -1);
    assert.deepEqual(readdirSync(join(c.maildir, 'tmp')), []);
    if (steps >= stopAt) continue;
    assert.ok(stopAt > 6, 'there are steps');
    return;
  }
});

test('a link that leads elsewhere shows nothing', async (t) => {
  const c = withSharable(t);
  const mailbox = await opened(t, c);
  c.put('secret', 'a: secret\n');
  unlinkSync(join(c.maildir, 'shared-folders/pub/Größe/cur/2.m:2,'));
  symlinkSync(join(c.maildir, 'secret'), join(c.maildir, 'shared-folders/pub/Größe/cur/2.m:2,'));
  assert.throws(() => mailbox.folder.open(1), { kind: 'unavailable' });
});

test('rights come from permissions, and nothing else is allowed', async (t) => {
  const c = withSharable(t);
  assert.equal(c.me.rights(box), 'eilrstwx');
  assert.equal(c.me.rights('shared.pub'), 'l');
  assert.equal(c.me.rights('shared.other'), '');
  assert.equal(c.me.quotas.rootOf(box), 'SHARED');
  rmSync(join(c.pub, '.Größe/tmp'), { recursive: true });
  assert.equal(c.me.rights(box), 'lrsw');
  const mailbox = await opened(t, c);
  assert.equal(mailbox.readOnly, true);
  await assert.rejects(c.me.open(box, 'i'), AccessDenied);
  await assert.rejects(c.me.create('shared.pub.new'), AccessDenied);
  await assert.rejects(c.me.rename(box, 'INBOX.x'), { kind: 'invalidName' });
  await assert.rejects(c.me.rename('INBOX.x', box), { kind: 'invalidName' });
  await assert.rejects(c.me.changeAcl(box, { identifier: 'user=x', mode: 'add', rights: 'l' }), {
    kind: 'cannot',
  });
  await c.me.delete(box);
  assert.ok(existsSync(join(c.pub, '.Größe/cur')), 'the folder itself stays');
  await assert.rejects(c.me.delete(box), { kind: 'notFound' });
});

for (const name of ['shared.pub', 'shared', 'shared.none.x', 'shared.pub.none', 'shared.nobody.x'])
  test(`there is no mailbox ${name}`, async (t) => {
    const c = withSharable(t);
    await assert.rejects(c.me.open(name, 'r'), { kind: 'notFound' });
    await assert.rejects(c.me.status(name), { kind: 'notFound' });
    assert.ok(!existsSync(join(c.maildir, 'shared-folders')));
  });

for (const name of ['shared.pub.', 'shared.pub..x', 'shared.pub.a/../../x', 'shared./x.y', 'shared.pub.x\0'])
  test(`${JSON.stringify(name)} is no name`, async (t) => {
    const c = withSharable(t);
    await assert.rejects(c.me.subscribe(name), { kind: 'invalidName' });
    await assert.rejects(c.me.open(name, 'i'), { kind: 'invalidName' });
  });
