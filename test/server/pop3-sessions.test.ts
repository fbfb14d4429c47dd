/** POP3 of the whole server: what is sent with the login, STLS, sessions in other processes, IMAP beside it. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ImapClient } from '../../bench/imap-client.ts';
import { freePort } from '../support/private-server.ts';
import { password, TestServer, workerUser } from './support.ts';

const accounts = [
  { name: 'ann', uid: workerUser.uid },
  // As root: this session is handed to a process of its own.
  { name: 'bob', uid: process.geteuid!() === 0 ? 50_002 : workerUser.uid },
];
const text = 'Subject: gr\xc3\xbc\xc3\x9fe\n\n.body\n';
const wire = `Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n..body\r\n.\r\n`;

/** Sends all at once. @returns what comes until the server closes */
async function converse(socket: Socket, input: string): Promise<string> {
  let output = '';
  socket.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  socket.write(input);
  await new Promise((resolve, reject) => socket.on('close', resolve).on('error', reject));
  return output;
}

describe('POP3', { timeout: 60_000 }, () => {
  let server: TestServer;
  let port = 0;
  before(async () => {
    port = await freePort();
    server = await TestServer.start(accounts, {
      pop3d: ['ADDRESS=127.0.0.1', `PORT=${port}`, 'MAXPERIP=100'],
      'pop3d-ssl': ['POP3DSSLSTART=NO', 'POP3_STARTTLS=YES', 'TLS_VERIFYPEER=NONE'],
    });
    for (const { name } of accounts)
      for (const message of ['1', '2'])
        writeFileSync(join(server.home(name), `Maildir/new/${message}.m`), text, {
          mode: 0o644,
          encoding: 'latin1',
        });
  });
  after(() => server.stop());

  for (const { name } of accounts)
    test(`all commands of ${name} in one packet are answered in their order`, async () => {
      const socket = connect(port, '127.0.0.1');
      const commands = ['UTF8', `USER ${name}`, `PASS ${password}`, 'STAT', 'RETR 1', 'NOOP', 'QUIT', ''];
      const output = await converse(socket, commands.join('\r\n'));
      assert.equal(
        output,
        '+OK Hello there.\r\n+OK UTF8 enabled\r\n+OK Password required.\r\n+OK logged in.\r\n' +
          `+OK 2 54\r\n+OK 27 octets follow.\r\n${wire}+OK Yup.\r\n+OK Bye-bye.\r\n`,
      );
    });

  for (const { name } of accounts)
    test(`${name} over STLS: what came in clear behind it is not executed`, async () => {
      const plain = connect(port, '127.0.0.1');
      const replies: string[] = [];
      const ready = new Promise<void>((resolve) => {
        plain.on('data', (chunk: Buffer) => {
          replies.push(chunk.toString('latin1'));
          if (replies.join('').includes('Begin SSL/TLS')) resolve();
        });
      });
      plain.write('USER eve\r\nSTLS\r\nQUIT\r\n');
      await ready;
      plain.removeAllListeners('data');
      const secure = connectTls({ socket: plain, rejectUnauthorized: false });
      const commands = ['PASS x', 'CAPA', `USER ${name}`, `PASS ${password}`, 'RETR 2', 'QUIT', ''];
      const output = await converse(secure, commands.join('\r\n'));
      assert.match(output, /^-ERR USER\/PASS required\.\r\n\+OK Here's what I can do:\r\n/);
      assert.doesNotMatch(output, /STLS/);
      assert.match(output, /\+OK logged in\.\r\n\+OK \d+ octets follow\.\r\nFrom: Mail Delivery Subsystem/);
      assert.ok(output.endsWith('+OK Bye-bye.\r\n'));
    });

  for (const { name } of accounts)
    test(`${name}'s IMAP sessions, in whatever worker, are told what QUIT removed`, async () => {
      const idle = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const client = await ImapClient.connect(server.ports.plain);
          await client.run(`LOGIN ${name} ${password}`);
          await client.run('SELECT INBOX');
          let told = (_line: string) => {};
          const line = new Promise<string>((resolve) => {
            told = resolve;
          });
          await client.idle((each) => told(each));
          return { client, line };
        }),
      );
      const commands = [`USER ${name}`, `PASS ${password}`, 'DELE 2', 'QUIT', ''];
      const output = await converse(connect(port, '127.0.0.1'), commands.join('\r\n'));
      assert.ok(output.endsWith('+OK Deleted.\r\n+OK Bye-bye.\r\n'), output);
      for (const { client, line } of idle) {
        assert.equal(await line, '* 2 EXPUNGE');
        client.close();
      }
      assert.deepEqual(readdirSync(join(server.home(name), 'Maildir/cur')), ['1.m:2,S']);
    });
});
