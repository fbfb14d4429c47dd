/** AUTH_MKHOMEDIR_SKEL at the whole server: an account without a home directory logs in. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Conversation, TestServer, workerUser } from './support.ts';

const isRoot = process.geteuid!() === 0;

test('a missing home directory is made before the session begins', { timeout: 60_000 }, async (t) => {
  const uid = isRoot ? 50_001 : workerUser.uid;
  const server = await TestServer.start([{ name: 'ann', uid }]);
  t.after(() => server.stop());
  const skeleton = join(server.directory, 'skeleton');
  for (const path of ['', 'Maildir', 'Maildir/tmp', 'Maildir/new', 'Maildir/cur', 'Maildir/.Archive'])
    mkdirSync(join(skeleton, path), { mode: 0o700 });
  for (const path of ['tmp', 'new', 'cur'])
    mkdirSync(join(skeleton, 'Maildir/.Archive', path), { mode: 0o700 });
  rmSync(server.home('ann'), { recursive: true });
  const without = await Conversation.plain(server.ports.plain);
  without.send('l LOGIN ann secret\r\n');
  assert.doesNotMatch(await without.rest(), /^l OK/m);

  server.configure({ imapd: [`AUTH_MKHOMEDIR_SKEL=${skeleton}`] });
  server.signal('SIGTERM');
  await server.ended();
  await server.run();
  const client = await Conversation.plain(server.ports.plain);
  assert.match(await client.login(), /^l OK/m);
  assert.match(await client.command('x', 'LIST "" "*"'), /INBOX\.Archive/);
  assert.equal(statSync(join(server.home('ann'), 'Maildir/cur')).uid, uid);
  client.close();
});
