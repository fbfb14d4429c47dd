/** Stops the account's operations before each of their steps and looks at what the next process finds. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type TemporaryAccount, temporaryAccount } from '../../test/support/temporary-account.ts';
import { Account } from './account.ts';
import { sweepLeftovers } from './folder-tree.ts';
import { forgetClosedFolders } from './registry.ts';
import { interceptSteps } from './steps.ts';
import { purgeFolder } from './trash.ts';

/** Runs a fresh copy of the case with a stop before step 1, 2, … until it ends unstopped; a crash does no cleaning up. */
async function stopEverywhere(
  t: TestContext,
  prepare: (a: TemporaryAccount) => Promise<void>,
  operation: (a: TemporaryAccount) => Promise<unknown>,
  check: (a: TemporaryAccount, restarted: Account) => Promise<void>,
): Promise<void> {
  t.after(() => interceptSteps(undefined));
  for (let stopAt = 1; ; stopAt++) {
    const a = temporaryAccount(t);
    await prepare(a);
    forgetClosedFolders();
    let steps = 0;
    interceptSteps((call) => {
      if (++steps >= stopAt) throw Object.assign(new Error(`stopped before ${call}`), { code: 'ESTOP' });
    });
    await operation(a).catch(() => undefined);
    interceptSteps(undefined);
    forgetClosedFolders();
    await check(a, new Account(a.maildir, { ...a.account.settings, durable: false }));
    if (steps < stopAt) {
      assert.ok(stopAt > 3, 'the operation has steps');
      return;
    }
  }
}

async function uidsOf(account: Account, name: string): Promise<[number, number[]]> {
  const folder = await account.openFolder(name);
  const { uidValidity } = folder;
  const uids = [...folder.uids.subarray(0, folder.count)];
  folder.close();
  return [uidValidity, uids];
}

for (const durable of [false, true]) {
  test(`a folder half made is no folder (durable: ${durable})`, async (t) => {
    await stopEverywhere(
      t,
      async () => undefined,
      ({ account }) => new Account(account.maildir, { ...account.settings, durable }).createFolder('INBOX.a'),
      async (a, restarted) => {
        if ((await restarted.listFolders()).has('INBOX.a')) {
          assert.ok(existsSync(join(a.maildir, '.a/courierimapuiddb')));
          assert.ok(existsSync(join(a.maildir, '.a/cur')));
        } else await restarted.createFolder('INBOX.a');
        assert.deepEqual((await uidsOf(restarted, 'INBOX.a'))[1], []);
      },
    );
  });
}

test('a folder half deleted is whole or gone, and what is left is swept away', async (t) => {
  await stopEverywhere(
    t,
    async (a) => {
      await a.account.createFolder('INBOX.a');
      for (const n of [1, 2, 3]) a.put(`.a/cur/${n}.m:2,`, 'x\n');
    },
    (a) => a.account.deleteFolder('INBOX.a'),
    async (a, restarted) => {
      if ((await restarted.listFolders()).has('INBOX.a')) {
        assert.deepEqual((await uidsOf(restarted, 'INBOX.a'))[1], [1, 2, 3]);
        await restarted.deleteFolder('INBOX.a');
      }
      await sweepLeftovers(a.maildir, -1000);
      assert.deepEqual(
        readdirSync(join(a.maildir, 'tmp')).filter((name) => name.includes('folder')),
        [],
      );
      await restarted.createFolder('INBOX.a');
    },
  );
});

test('leftovers are looked for again until there are none, young ones too', async (t) => {
  const a = temporaryAccount(t);
  mkdirSync(join(a.maildir, 'tmp/1700000000.M1P1_deletedfolder0.host'));
  assert.equal(await sweepLeftovers(a.maildir), false, 'too young to remove');
  assert.equal(await sweepLeftovers(a.maildir, -1000), false);
  assert.equal(await sweepLeftovers(a.maildir), true);
});

test('a hierarchy half renamed is whole again at the next look', async (t) => {
  const sources = ['INBOX.old', 'INBOX.old.a', 'INBOX.old.b'];
  let before: [number, number[]][] = [];
  await stopEverywhere(
    t,
    async (a) => {
      for (const [i, name] of sources.entries()) {
        await a.account.createFolder(name);
        a.put(`${name.slice(5)}/cur/${i}.m:2,`, 'x\n');
      }
      before = [];
      for (const name of sources) before.push(await uidsOf(a.account, name));
    },
    (a) => a.account.renameFolder('INBOX.old', 'INBOX.new'),
    async (a, restarted) => {
      const names = [...(await restarted.listFolders()).keys()].slice(1);
      const expected = names[0] === 'INBOX.old' ? sources : sources.map((name) => name.replace('old', 'new'));
      assert.deepEqual(names, expected);
      const after: [number, number[]][] = [];
      for (const name of names) after.push(await uidsOf(restarted, name));
      assert.deepEqual(after, before);
      assert.equal(existsSync(join(a.maildir, 'postrider-rename')), false);
    },
  );
});

test('a rename whose end is in the way is undone', async (t) => {
  const a = temporaryAccount(t);
  t.after(() => interceptSteps(undefined));
  for (const name of ['INBOX.old', 'INBOX.old.a', 'INBOX.old.b']) await a.account.createFolder(name);
  interceptSteps((call) => {
    if (/rename .*\.old\.b /.test(call)) throw Object.assign(new Error('in the way'), { code: 'ENOTEMPTY' });
  });
  await assert.rejects(a.account.renameFolder('INBOX.old', 'INBOX.new'), { kind: 'exists' });
  interceptSteps(undefined);
  assert.deepEqual(
    [...(await a.account.listFolders()).keys()],
    ['INBOX', 'INBOX.old', 'INBOX.old.a', 'INBOX.old.b'],
  );
  assert.equal(existsSync(join(a.maildir, 'postrider-rename')), false);
});

const plans: [what: string, text: string][] = [
  ['damaged', '[["'],
  ['leading out of the maildir', '[[".a","../../x"],["../x",".b"],[".a","..x"]]'],
  ['of something else', '{"a":1}'],
  ['over what exists', '[[".a",".b"]]'],
  ['of what has gone', '[[".gone",".c"]]'],
];
for (const [what, text] of plans)
  test(`a plan of renames ${what} changes nothing`, async (t) => {
    const a = temporaryAccount(t);
    for (const name of ['INBOX.a', 'INBOX.b']) await a.account.createFolder(name);
    a.put('postrider-rename', text);
    const restarted = new Account(a.maildir, a.account.settings);
    assert.deepEqual([...(await restarted.listFolders()).keys()], ['INBOX', 'INBOX.a', 'INBOX.b']);
    assert.equal(existsSync(join(a.maildir, 'postrider-rename')), false);
  });

test('emptying the trash may stop anywhere', async (t) => {
  await stopEverywhere(
    t,
    async (a) => {
      await a.account.createFolder('INBOX.Trash');
      for (const n of [1, 2, 3, 4]) a.put(`.Trash/cur/${n}.m:2,`, 'x\n');
    },
    (a) => purgeFolder(join(a.maildir, '.Trash'), -1, a.account.settings),
    async (a, restarted) => {
      const left = readdirSync(join(a.maildir, '.Trash/cur'));
      assert.equal((await uidsOf(restarted, 'INBOX.Trash'))[1].length, left.length);
      await purgeFolder(join(a.maildir, '.Trash'), -1, a.account.settings);
      assert.deepEqual((await uidsOf(restarted, 'INBOX.Trash'))[1], []);
    },
  );
});
