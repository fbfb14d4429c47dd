/** Names of shared accounts on the wire: separators in them, and characters that are not ASCII. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessClient } from './support/imap-client.ts';
import { makeFolderDirectory, temporaryAccount } from './support/temporary-account.ts';

async function withAccount(t: TestContext, name: string, mungeNames = false): Promise<InProcessClient> {
  const { maildir } = temporaryAccount(t);
  const home = dirname(maildir);
  for (const folder of ['', '.Größe']) makeFolderDirectory(join(home, 'other', folder));
  writeFileSync(join(home, 'other/courierimapacl'), 'owner aceilrstwx\nanyone lr\n');
  writeFileSync(join(home, 'index'), `${name}\t5\t5\t${home}\tother\n`);
  const client = new InProcessClient(maildir, {
    identity: { login: 'me', groups: [], aclsDisabled: false },
    mailboxes: { shared: { indexFile: join(home, 'index'), mungeNames } },
  });
  t.after(() => client.close());
  await client.line();
  return client;
}

const names: [name: string, mungeNames: boolean, onWire: string][] = [
  ['a.b/c d', false, '#shared.a b c d'],
  ['a.b/c', true, '#shared.a\\\\:b\\\\;c'],
  ['a\\b.c', true, '#shared.a\\\\\\\\b\\\\:c'],
  ['Ünï', false, '#shared.&ANw-n&AO8-'],
];
for (const [name, mungeNames, onWire] of names)
  test(`the account ${name} is ${onWire}${mungeNames ? ', munged' : ''}`, async (t) => {
    const client = await withAccount(t, name, mungeNames);
    const listed = (await client.command('a', 'LIST "" "#shared.*"')).slice(0, -1);
    assert.deepEqual(
      listed.map((line) => line.replace(/^.* "\." /, '')),
      [`"${onWire}"`, `"${onWire}.Gr&APYA3w-e"`],
    );
    for (const mailbox of [onWire, `${onWire}.Gr&APYA3w-e`]) {
      assert.match((await client.command('b', `SELECT "${mailbox}"`)).at(-1)!, /^b OK/);
      await client.command('c', `SUBSCRIBE "${mailbox}"`);
    }
    const subscribed = (await client.command('d', 'LSUB "" "#shared.*"')).slice(0, -1);
    assert.deepEqual(
      subscribed.map((line) => line.replace(/^.* "\." /, '')),
      [`"${onWire}"`, `"${onWire}.Gr&APYA3w-e"`],
    );
  });

test('Courier’s spelling of a name, encoded twice, is the same mailbox', async (t) => {
  const client = await withAccount(t, 'Ünï');
  assert.match((await client.command('a', 'SELECT "#shared.&-ANw-n&-AO8-"')).at(-1)!, /^a OK/);
  await client.command('b', 'ENABLE UTF8=ACCEPT');
  for (const name of ['Ünï', '&ANw-n&AO8-']) {
    const octets = Buffer.from(name).toString('latin1');
    assert.match((await client.command('c', `SELECT "#shared.${octets}"`)).at(-1)!, /^c OK/, name);
  }
});
