import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
