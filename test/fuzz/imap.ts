/**
 * Fuzz target for src/imap: `node test/fuzz/imap.ts [seconds] [seed]` sends spliced and damaged commands, in random
 * pieces, to sessions over a scratch maildir. No input may be answered with an internal error, stop a session from
 * answering, or leave a file in `tmp/`. Prints the input that did.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { InProcessClient } from '../support/imap-client.ts';
import { loginForTests } from '../support/login-for-tests.ts';
import { makeMaildir } from '../support/maildir-fixtures.ts';
import type { Random } from '../support/message-checks.ts';
import { fuzz } from './fuzz.ts';

const commands = [
  'SELECT INBOX',
  'EXAMINE INBOX.Sent',
  'FETCH 1:* (FLAGS UID BODY.PEEK[1.HEADER.FIELDS (A "b")]<1.20> BINARY.SIZE[1])',
  'UID FETCH 1,3:*,2 FULL',
  'FETCH 1 (BODY[] BODYSTRUCTURE BINARY[1]<0.5>)',
  'STORE 1:2 +FLAGS.SILENT (\\Seen \\Deleted $x)',
  'UID STORE * -FLAGS NIL',
  'SEARCH RETURN (MIN MAX COUNT SAVE) OR (NOT FROM "x") (UID 1:* LARGER 5 $)',
  'SEARCH CHARSET iso-8859-1 TEXT {3+}\r\na\xe9b HEADER Subject "" SINCE 1-Jan-2020 YOUNGER 5',
  'SORT (REVERSE SUBJECT DATE) UTF-8 ALL',
  'THREAD REFERENCES UTF-8 NOT KEYWORD x',
  'APPEND INBOX (\\Seen x) "01-Jan-2020 00:00:00 +0000" {6+}\r\na: b\r\n {3+}\r\nabc',
  'APPEND {5+}\r\nINBOX ~{4+}\r\n\0\0\0\0',
  'APPEND INBOX UTF8 (~{3+}\r\nabc)',
  'LIST (SUBSCRIBED RECURSIVEMATCH) "" (% "*" INBOX.&AOk-*) RETURN (STATUS (MESSAGES SIZE) CHILDREN)',
  'LSUB INBOX. %',
  'CREATE "INBOX.a b" (USE (\\Sent))',
  'RENAME INBOX.Sent INBOX.x&AOk-',
  'DELETE INBOX.Trash',
  'COPY 1:* INBOX.Sent',
  'UID MOVE 1 INBOX.Sent',
  'STATUS INBOX (MESSAGES SIZE UIDNEXT)',
  'IDLE\r\nDONE',
  'ENABLE UTF8=ACCEPT',
  'GETQUOTAROOT INBOX',
  'LISTRIGHTS INBOX x',
  'EXPUNGE',
  'UID EXPUNGE 1:*',
  'NOOP',
  'LOGIN ann secret',
  'AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=',
  'UNSELECT',
];
const snippets = [
  '(',
  ')',
  '"',
  '\\',
  '{',
  '}',
  '{5}',
  '{5+}\r\n',
  '{99999999999}',
  '[',
  ']',
  '<',
  '*',
  '$',
  ':',
  ',',
  '\0',
  '\r',
  '\n',
  ' ',
  'NIL',
  '\xff',
  '0',
  '4294967296',
];

function damaged(random: Random): Buffer {
  let text = '';
  const count = 1 + random(6);
  for (let i = 0; i < count; i++) {
    let line = `t${i} ${commands[random(commands.length)]}`;
    for (let edits = random(4); edits > 0; edits--) {
      const at = random(line.length + 1);
      const removed = random(3) === 0 ? random(8) : 0;
      line =
        line.slice(0, at) +
        (random(2) === 0 ? snippets[random(snippets.length)] : '') +
        line.slice(at + removed);
    }
    text += `${line}\r\n`;
  }
  return Buffer.from(text, 'latin1');
}

/** Everything that was written behind the damaged input is answered, or the session is over. */
async function check(input: Buffer, random: Random): Promise<string | undefined> {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-fuzz-'));
  makeMaildir('five-messages', maildir);
  const problems: string[] = [];
  const log = { error: (line: string) => problems.push(line), warn() {}, info() {}, debug() {} };
  const options = random(4) === 0 ? { login: loginForTests() } : {};
  const client = new InProcessClient(maildir, { log, ...options });
  try {
    await client.line();
    client.send(Buffer.from('s SELECT INBOX\r\n'));
    for (let position = 0; position < input.length; ) {
      const size = 1 + random(random(2) === 0 ? 4 : input.length);
      client.send(Buffer.from(input.subarray(position, position + size)));
      position += size;
      if (random(3) === 0) await setImmediate();
    }
    // Ends whatever literal or IDLE the session may be in; then it must answer.
    client.send(Buffer.from('\r\nDONE\r\n'));
    if (!/\{\d+\+?\}/.test(input.toString('latin1'))) {
      client.send(Buffer.from('end NOOP\r\n'));
      for (let line = ''; !line.startsWith('end ') && !client.connection.closed; ) line = await client.line();
    } else for (let turn = 0; turn < 20; turn++) await setImmediate();
  } catch (error) {
    problems.push(String(error));
  }
  client.close();
  for (let turn = 0; turn < 20 && readdirSync(join(maildir, 'tmp')).length > 0; turn++) await setImmediate();
  problems.push(...readdirSync(join(maildir, 'tmp')).map((name) => `left behind: ${name}`));
  rmSync(maildir, { recursive: true, force: true });
  return problems.length === 0 ? undefined : problems.join('\n');
}

await fuzz(damaged, check);
