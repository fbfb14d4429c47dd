/** COMPRESS=DEFLATE with sessions in the worker and in hosts, over TLS (relayed, for hosts) and in clear. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { password, TestServer, workerUser } from './support.ts';

const isRoot = process.geteuid!() === 0;
/** Without root all sessions are in the worker. */
const accounts = [
  { name: 'ann', uid: isRoot ? 50_001 : workerUser.uid },
  { name: 'eve', uid: workerUser.uid },
];

describe('compressed sessions', { timeout: 60_000 }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start(accounts);
  });
  after(() => server.stop());

  for (const { name } of accounts) {
    for (const secure of [true, false]) {
      test(`${name} stores and reads a megabyte ${secure ? 'over TLS' : 'in clear'}`, async () => {
        const client = new ImapFlow({
          host: '127.0.0.1',
          port: secure ? server.ports.tls : server.ports.plain,
          secure,
          doSTARTTLS: false,
          tls: { rejectUnauthorized: false },
          auth: { user: name, pass: password },
          logger: false,
        });
        await client.connect();
        assert.ok((client as unknown as { _deflate?: object })._deflate, 'the client compresses');
        const text = `Subject: ${secure}\r\n\r\n${'Lorem ipsum dolor sit amet.\r\n'.repeat(40_000)}`;
        await client.append('INBOX', text);
        const lock = await client.getMailboxLock('INBOX');
        const last = await client.fetchOne('*', { source: true });
        assert.equal(last ? last.source?.toString() : undefined, text);
        lock.release();
        await client.logout();
      });
    }
  }
});
