import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { moduleContext } from '../../../test/support/auth-contract.ts';
import { privateFolder, removeFolder } from '../../../test/support/private-server.ts';
import { createCustomModule } from './custom.ts';

const example = `export function createModule({ passwords }) {
  const account = { address: 'fred', uid: 1000, gid: 1000, home: '/home/fred' };
  const hash = '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=';
  return {
    login: async ({ userId, password }) =>
      userId === 'fred' && (await passwords.verify(hash, password)) ? account : undefined,
    lookup: async (userId) => (userId === 'fred' ? account : undefined),
  };
}
`;

test('a module of the site decides', async () => {
  const folder = privateFolder('authcustom');
  const path = join(folder, 'authcustom.js');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(path, example, { mode: 0o644 });
  const module = await createCustomModule(path, moduleContext());
  const login = (password: string) => module.login({ service: 'imap', userId: 'fred', password });
  assert.equal((await login('secret'))?.uid, 1000);
  assert.equal(await login('wrong'), undefined);
  assert.equal((await module.lookup('fred', 'imap'))?.home, '/home/fred');
  removeFolder(folder);
});

test('without a file everybody is rejected', async () => {
  const module = await createCustomModule('/nonexistent/authcustom.js', moduleContext());
  assert.equal(await module.login({ service: 'imap', userId: 'fred', password: 'secret' }), undefined);
});

test('a file that others may write is refused', async () => {
  const folder = privateFolder('authcustom');
  const path = join(folder, 'authcustom.js');
  writeFileSync(path, example);
  const { chmodSync } = await import('node:fs');
  chmodSync(path, 0o666);
  await assert.rejects(createCustomModule(path, moduleContext()), /others may write/);
  removeFolder(folder);
});
