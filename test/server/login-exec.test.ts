/** The maildir's loginexec under the whole server: when it runs, and what it knows. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../support/private-server.ts';
import { Conversation, password, TestServer, workerUser } from './support.ts';

const { uid } = workerUser;
const isRoot = process.geteuid!() === 0;
/** Somebody whose sessions run in a process of their own. */
const otherUid = 54_321;

describe('loginexec', { timeout: 60_000 }, () => {
  let server: TestServer;
  let pop3Port: number;
  before(async () => {
    pop3Port = await freePort();
    server = await TestServer.start(
      [
        { name: 'ann', uid },
        ...(isRoot ? [{ name: 'other', uid: otherUid }] : []),
        { name: 'barred', uid, options: 'disableimap=1,disablepop3=1' },
      ],
      {
        imapd: ['OWN_VARIABLE="for hooks"'],
        pop3d: ['ADDRESS=127.0.0.1', `PORT=${pop3Port}`],
      },
    );
  });
  after(() => server.stop());

  /** @returns what the hook has found in its environment, sorted lines; undefined if it did not run */
  const withHook = async (name: string, logIn: () => Promise<void>): Promise<string[] | undefined> => {
    const maildir = join(server.home(name), 'Maildir');
    const hook = join(maildir, 'loginexec');
    writeFileSync(hook, '#!/bin/sh\nenv >environment\necho hello from $AUTHENTICATED\ncat\n');
    chmodSync(hook, 0o700);
    const owner = name === 'other' ? otherUid : uid;
    if (isRoot) chownSync(hook, owner, owner);
    const found = join(maildir, 'environment');
    rmSync(found, { force: true });
    await logIn();
    assert.equal(existsSync(hook), !existsSync(found));
    return existsSync(found) ? readFileSync(found, 'utf8').trimEnd().split('\n').sort() : undefined;
  };

  const value = (environment: readonly string[] | undefined, name: string) =>
    environment?.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);

  test('over IMAP it knows the settings, the account and the client, and says nothing to him', async () => {
    const environment = await withHook('ann', async () => {
      const client = await Conversation.plain(server.ports.plain, '127.0.0.7');
      await client.until(/\r\n/);
      assert.equal(await client.command('l7', `LOGIN ann ${password}`), 'l7 OK LOGIN Ok.\r\n');
      client.close();
    });
    for (const [name, expected] of Object.entries({
      AUTHENTICATED: 'ann',
      OPTIONS: '',
      PROTOCOL: 'IMAP',
      IMAPLOGINTAG: 'l7',
      IMAP_TLS: '0',
      TCPREMOTEIP: '::ffff:127.0.0.7',
      TCPLOCALIP: '::ffff:127.0.0.1',
      TCPLOCALPORT: String(server.ports.plain),
      MAXDAEMONS: '1000',
      OWN_VARIABLE: 'for hooks',
      HOME: undefined,
      USER: undefined,
    }))
      assert.equal(value(environment, name), expected, name);
    await server.logged(/INFO: loginexec: hello from ann\n/);
  });

  for (const [name, where] of [
    ['ann', 'in a worker'],
    ['other', 'in a session host'],
  ] as const)
    for (const utf8 of [true, false])
      test(`over POP3 ${where} it knows that the client has ${utf8 ? '' : 'not '}said UTF8`, {
        skip: name === 'other' && !isRoot && 'needs root',
      }, async () => {
        const environment = await withHook(name, async () => {
          const client = await Conversation.plain(pop3Port);
          client.send(`${utf8 ? 'UTF8\r\n' : ''}USER ${name}\r\nPASS ${password}\r\nQUIT\r\n`);
          assert.match(await client.rest(), /\+OK logged in\.\r\n\+OK Bye/);
        });
        assert.equal(value(environment, 'UTF8'), utf8 ? '1' : '0');
        assert.equal(value(environment, 'PORT'), String(pop3Port));
        assert.equal(value(environment, 'IMAPLOGINTAG'), undefined);
      });

  test('it does not run for an account whose options refuse the login', async () => {
    const environment = await withHook('barred', async () => {
      const client = await Conversation.plain(server.ports.plain);
      await client.until(/\r\n/);
      assert.match(await client.command('l', `LOGIN barred ${password}`), /l NO \[AUTHORIZATIONFAILED\]/);
      const popper = await Conversation.plain(pop3Port);
      popper.send(`USER barred\r\nPASS ${password}\r\n`);
      assert.match(await popper.rest(), /-ERR \[SYS\/PERM\] POP3 access disabled for this account\.\r\n$/);
    });
    assert.equal(environment, undefined);
  });
});
