import assert from 'node:assert/strict';
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeFolderDirectory, temporaryAccount } from '../../test/support/temporary-account.ts';
import type { Prefix } from './client-names.ts';
import { defaultMailboxesSettings, Mailboxes } from './mailboxes.ts';

const readable = 'owner aceilrstwx\nanyone lr\n';
const secret = 'owner aceilrstwx\n';
const subscriptions = [
  '#shared.bob',
  '#shared.bob.Pub',
  '#shared.bob.Pub.none',
  '#shared.bob.Secret',
  '#shared.bob.Heir',
  '#shared.group.eve',
  '#shared.me',
  '#shared.nobody',
];
const seen = [
  '#shared.bob',
  '#shared.bob.Heir',
  '#shared.bob.Pub',
  '#shared.bob.Pub.none',
  '#shared.group.eve',
];

/** Subscriptions of bob's folders, and of eve's INBOX, who is in a group; `Heir` has the list of bob's INBOX. */
function withSubscriptions(t: TestContext) {
  const a = temporaryAccount(t);
  const home = dirname(a.maildir);
  const write = (path: string, text: string) => writeFileSync(join(home, path), text);
  for (const folder of ['bob', 'bob/.Pub', 'bob/.Secret', 'bob/.Heir', 'eve'])
    makeFolderDirectory(join(home, folder));
  for (const folder of ['bob', 'bob/.Pub', 'eve']) write(`${folder}/courierimapacl`, readable);
  write('bob/.Secret/courierimapacl', secret);
  write('index', `bob\t1\t1\t${home}\tbob\nme\t1\t1\t${home}\ngroup\t*\tmore\n`);
  write('more', `eve\t1\t1\t${home}\teve\n`);
  a.put('courierimapsubscribed', `${subscriptions.join('\n')}\n`);
  const lsub = async (prefix: Prefix = 'INBOX.') => {
    const shared = { indexFile: join(home, 'index'), mungeNames: false };
    const identity = { login: 'me', groups: [], aclsDisabled: false };
    const mailboxes = new Mailboxes(a.account, { ...defaultMailboxesSettings, prefix, shared }, identity);
    const entries = await mailboxes.lsub('', '#shared.*');
    return entries.filter(({ selectable }) => selectable).map(({ name }) => name);
  };
  /** As if nothing had changed for an hour. */
  const settle = () => {
    const hourAgo = Date.now() / 1000 - 3600;
    for (const folder of readdirSync(home)) utimesSync(join(home, folder), hourAgo, hourAgo);
    for (const folder of ['.Pub', '.Secret', '.Heir'])
      utimesSync(join(home, 'bob', folder), hourAgo, hourAgo);
  };
  settle();
  return { home, write, settle, lsub };
}

for (const prefix of ['INBOX.', ''] as const)
  test(`LSUB with prefix "${prefix}" has what may be seen, and is the same again`, async (t) => {
    const { lsub } = withSubscriptions(t);
    for (let i = 0; i < 3; i++) assert.deepEqual(await lsub(prefix), seen);
  });

const changes: [what: string, path: string, text: string | undefined, gone: string[]][] = [
  ['of a folder', 'bob/.Pub/courierimapacl', secret, ['#shared.bob.Pub', '#shared.bob.Pub.none']],
  ['of INBOX', 'bob/courierimapacl', secret, ['#shared.bob', '#shared.bob.Heir']],
  ['in a group', 'eve/courierimapacl', secret, ['#shared.group.eve']],
  ['that is new', 'bob/.Heir/courierimapacl', secret, ['#shared.bob.Heir']],
  ['that is removed', 'bob/courierimapacl', undefined, ['#shared.bob', '#shared.bob.Heir']],
];
for (const [what, path, text, gone] of changes)
  test(`a list ${what} counts at the next LSUB, also where it was edited`, async (t) => {
    const { home, write, lsub } = withSubscriptions(t);
    assert.deepEqual(await lsub(), seen);
    if (text === undefined) rmSync(join(home, path));
    else write(path, text);
    assert.deepEqual(
      await lsub(),
      seen.filter((name) => !gone.includes(name)),
    );
  });

test('a list of a name without a folder counts at the next LSUB', async (t) => {
  const { home, write, settle, lsub } = withSubscriptions(t);
  makeFolderDirectory(join(home, 'bob/courierimaphieracl'));
  write('bob/courierimaphieracl/Pub.none', readable);
  settle();
  for (let i = 0; i < 2; i++) assert.deepEqual(await lsub(), seen);
  write('bob/courierimaphieracl/Pub.none', secret);
  assert.deepEqual(
    await lsub(),
    seen.filter((name) => name !== '#shared.bob.Pub.none'),
  );
});
