/** A whole conversation with imapflow, a client library that many programs use. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { startImapSession } from '../../src/imap/session.ts';
import { StreamConnection } from '../../src/net/stream-connection.ts';
import { imapServices } from '../support/imap-client.ts';
import { loginForTests } from '../support/login-for-tests.ts';
import { makeMaildir } from '../support/maildir-fixtures.ts';

function countOf({ mailbox }: ImapFlow): number | undefined {
  return mailbox ? mailbox.exists : undefined;
}

/** A server on loopback over a fresh maildir, and a client that has logged in. */
async function connected(
  context: TestContext,
): Promise<{ client: ImapFlow; maildir: string; connection: StreamConnection }> {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-imapflow-'));
  makeMaildir('five-messages', maildir);
  const login = { ...loginForTests(), canStartTls: () => false };
  let connection: StreamConnection | undefined;
  const server = createServer((socket) => {
    connection = new StreamConnection(socket, socket);
    startImapSession(connection, imapServices(maildir, { login }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    secure: false,
    auth: { user: 'ann', pass: 'secret' },
    logger: false,
  });
  await client.connect();
  context.after(async () => {
    await client.logout().catch(() => undefined);
    server.close();
    rmSync(maildir, { recursive: true, force: true });
  });
  return { client, maildir, connection: connection! };
}

test('imapflow lists mailboxes with their special uses and counts', async (context) => {
  const { client } = await connected(context);
  const list = await client.list({ statusQuery: { messages: true, unseen: true } });
  const seen = list.map(({ path, specialUse, status }) => [path, specialUse, status?.messages]);
  assert.deepEqual(seen, [
    ['INBOX', '\\Inbox', 5],
    ['INBOX.Sent', '\\Sent', 0],
    ['INBOX.Trash', '\\Trash', 0],
    ['INBOX.Work', undefined, undefined],
    ['INBOX.Work.Deep', undefined, 1],
  ]);
});

test('imapflow reads, flags, appends, moves and expunges', async (context) => {
  const { client } = await connected(context);
  const lock = await client.getMailboxLock('INBOX');
  assert.equal(countOf(client), 5);
  const subjects: (string | undefined)[] = [];
  for await (const message of client.fetch('1:*', { envelope: true, bodyStructure: true, size: true })) {
    subjects.push(message.envelope?.subject);
  }
  assert.deepEqual(subjects, ['Apple', 'Cherry', 'Re: Apple', 'Banana', 'Date']);
  const one = await client.fetchOne('5', { source: true, flags: true });
  const source = one ? one.source : undefined;
  assert.ok(source?.toString().endsWith('A needle in a haystack.\r\n'));
  assert.deepEqual(await client.search({ body: 'needle' }), [5]);
  await client.messageFlagsAdd('1', ['\\Flagged', '$Work']);
  assert.deepEqual(await client.search({ keyword: '$Work' }), [1]);
  const appended = await client.append('INBOX.Sent', 'Subject: Ünïcode\r\n\r\nbody\r\n', ['\\Seen']);
  assert.equal(appended ? appended.uid : 0, 1);
  const moved = await client.messageMove('1:2', 'INBOX.Trash');
  assert.equal(moved ? moved.uidMap?.size : 0, 2);
  await client.messageDelete('3', { uid: true });
  assert.equal(countOf(client), 2);
  lock.release();
});

test('imapflow compresses, and gets a megabyte in both directions', async (context) => {
  const { client, connection } = await connected(context);
  assert.ok(connection.compressed);
  const text = `Subject: Large\r\n\r\n${'Lorem ipsum dolor sit amet.\r\n'.repeat(40_000)}`;
  const sent = (connection.stream as Socket).bytesRead;
  await client.append('INBOX.Sent', text);
  assert.ok((connection.stream as Socket).bytesRead - sent < text.length / 20);
  const lock = await client.getMailboxLock('INBOX.Sent');
  const one = await client.fetchOne('1', { source: true });
  assert.equal(one ? one.source?.toString() : undefined, text);
  assert.ok((connection.stream as Socket).bytesWritten < text.length / 20);
  lock.release();
});

test('imapflow downloads a part with its encoding undone', async (context) => {
  const { client } = await connected(context);
  const lock = await client.getMailboxLock('INBOX');
  const { content } = await client.download('5');
  const pieces: Buffer[] = [];
  for await (const piece of content!) pieces.push(piece as Buffer);
  assert.ok(Buffer.concat(pieces).includes('needle'));
  lock.release();
});

test('imapflow makes, renames and deletes a mailbox whose name is not ASCII', async (context) => {
  const { client, maildir } = await connected(context);
  await client.mailboxCreate('INBOX.Größe');
  assert.ok(readdirSync(maildir).includes('.Größe'));
  await client.mailboxRename('INBOX.Größe', 'INBOX.Kürze');
  const paths = (await client.list()).map(({ path }) => path);
  assert.ok(paths.includes('INBOX.Kürze') && !paths.includes('INBOX.Größe'));
  await client.mailboxDelete('INBOX.Kürze');
  assert.ok(!readdirSync(maildir).includes('.Kürze'));
});

test('imapflow in IDLE hears of a delivery and of a removal', async (context) => {
  const { client, maildir } = await connected(context);
  const lock = await client.getMailboxLock('INBOX');
  const came = new Promise<number>((resolve) => client.once('exists', ({ count }) => resolve(count)));
  const idling = client.idle();
  writeFileSync(join(maildir, 'tmp/x'), 'Subject: New\n\nnew\n');
  renameSync(join(maildir, 'tmp/x'), join(maildir, 'new/2000.x'));
  assert.equal(await came, 6);
  const went = new Promise((resolve) => client.once('expunge', ({ seq }) => resolve(seq)));
  rmSync(join(maildir, 'cur/1000.a:2,S'));
  assert.equal(await went, 1);
  lock.release();
  await client.noop();
  await idling;
});
