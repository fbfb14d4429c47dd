import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contractAccounts, describeModule, moduleContext } from '../../../test/support/auth-contract.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { createUserdbModule, indexOf } from './userdb.ts';
import { makeUserdbIndex } from './userdb-index-writer.ts';

/** The contract's accounts as text; userdb has no clear passwords. */
function userdbText(): string {
  const { hashed, none } = contractAccounts;
  return [
    '# accounts',
    `${hashed.id}\tuid=${hashed.uid}|gid=${hashed.gid}|home=${hashed.home}|mail=${hashed.maildir}|` +
      `quota=${hashed.quota}|gecos=${hashed.name}|options=${hashed.options}|systempw=${hashed.hash}`,
    `${none.id}\tuid=${none.uid}|gid=${none.gid}|home=${none.home}`,
    '1000=\tfred@example.com',
    '',
  ].join('\n');
}

for (const indexed of [false, true]) {
  const name = indexed ? 'authuserdb with an index' : 'authuserdb with text';
  describeModule(name, { clear: false, enumerate: true, changePassword: true, outage: false }, async () => {
    const folder = privateFolder('authuserdb');
    const path = join(folder, 'userdb');
    writeFileSync(path, userdbText(), { mode: 0o600 });
    if (indexed) await makeUserdbIndex(path, indexOf(path));
    return {
      module: createUserdbModule({ path }, moduleContext()),
      cleanUp: async () => removeFolder(folder),
    };
  });
}

test('while a text that takes long is read again the old one answers; a changed password counts at once', async (t) => {
  const folder = privateFolder('userdb');
  t.after(() => removeFolder(folder));
  const path = join(folder, 'userdb');
  const line = (name: string) => `${name}\tuid=5|gid=5|home=/h|systempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==\n`;
  writeFileSync(path, line('fred'), { mode: 0o600 });
  const module = createUserdbModule({ path, slowMs: -1 }, moduleContext());
  const login = (userId: string, password = 'secret') => module.login({ service: 'imap', userId, password });
  assert.ok(await login('fred'));
  writeFileSync(path, line('fred') + line('ann'), { mode: 0o600 });
  assert.equal(await login('ann'), undefined);
  while (!(await login('ann'))) await new Promise(setImmediate);
  const change = { service: 'imap', userId: 'ann', oldPassword: 'secret', newPassword: 'other' };
  assert.equal(await module.changePassword!(change), true);
  assert.equal(await login('ann'), undefined);
  assert.ok(await login('ann', 'other'));
  await module.close();
});
