/**
 * Fuzz target for src/smap: `node test/fuzz/smap.ts [seconds] [seed]` sends spliced and damaged commands, in random
 * pieces, to sessions over a scratch maildir. No input may be answered with an internal error, stop a session from
 * answering, or leave a file in `tmp/`. Prints the input that did.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { loginForTests } from '../support/login-for-tests.ts';
import { makeMaildir } from '../support/maildir-fixtures.ts';
import type { Random } from '../support/message-checks.ts';
import { InProcessSmapClient } from '../support/smap-client.ts';
import { fuzz } from './fuzz.ts';

const commands = [
  'OPEN INBOX',
  'OPEN INBOX a',
  'SOPEN "" INBOX',
  'SOPEN "1.M2P3_snapshot.x" "INBOX"',
  'CLOSE',
  'NOOP',
  'LIST',
  'LIST INBOX',
  'LIST public x',
  'STATUS FULL INBOX a',
  'FETCH 1-5 FLAGS KEYWORDS UID SIZE INTERNALDATE',
  'FETCH 1 3-4 CONTENTS.PEEK=MIME(:MIME) "CONTENTS=HEADERS[1.2](:ENVELOPE)"',
  'FETCH 1-2 CONTENTS=BODY[1.2.0.1] CONTENTS.PEEK=BODY.DECODED[1.1] CONTENTS.PEEK=RAWHEADERS',
  'FETCH 1-3 CONTENTS.PEEK=ALL',
  'STORE 1-2 +FLAGS=DELETED,MARKED -FLAGS=SEEN "KEYWORDS=a,b"',
  'STORE 1 "INTERNALDATE=Sun, 03 Aug 2003 03:00:00 -0500" KEYWORDS=',
  'COPY 1-2 "" INBOX a',
  'MOVE 1 "" INBOX a',
  'MOVE 2 "" INBOX',
  'EXPUNGE',
  'EXPUNGE 1-2 5',
  'SEARCH ALL NOT SUBJECT "msg 4"',
  'SEARCH 1-3,5-* BODY x',
  'SEARCH MARKED SENTSINCE 1-Jan-2000',
  'SEARCH UNMARKED LARGER 10',
  'CREATE INBOX "q""q" "a.b"',
  'RENAME INBOX a "" INBOX b',
  'DELETE INBOX a',
  'MKDIR INBOX x',
  'RMDIR public x',
  'ACL INBOX',
  'GETACL INBOX',
  'SETACL INBOX a "" anyone +lr user=x ""',
  'DELETEACL INBOX a "" anyone',
  'ADD FOLDER INBOX "" FLAGS=SEEN KEYWORDS=x "INTERNALDATE=3 Aug 2003"',
  'ADD FOLDER INBOX "" {.}\nSubject: x\n\n..y\n.',
  'ADD FOLDER INBOX "" {4/8}\na: b4\n\nxy\n',
  'ADD FOLDER INBOX "" {3/3}\nabc\n',
  'RSET',
  'IDLE\nRESUME',
  '\\SMAP1 NOOP',
];
const snippets = [
  '"',
  '""',
  '\\',
  '{',
  '}',
  '{.}',
  '{5/5}',
  '[',
  ']',
  '(',
  ')',
  '=',
  '-',
  ',',
  '*',
  '\0',
  '\r',
]
  .concat([
    '\n',
    '\n.\n',
    ' ',
    '\t',
    '\xff',
    '\xc3\xa9',
    '0',
    '4294967296',
    '99999999999999999999',
    '..',
    '/',
    ':',
  ])
  .concat(['INBOX', 'public', 'CONTENTS=', 'x'.repeat(9000)]);

function damaged(random: Random): Buffer {
  let text = '';
  for (let i = 1 + random(8); i > 0; i--) {
    let line = commands[random(commands.length)]!;
    for (let edits = random(4); edits > 0; edits--) {
      const at = random(line.length + 1);
      const removed = random(3) === 0 ? random(8) : 0;
      const insert = random(2) === 0 ? snippets[random(snippets.length)]! : '';
      line = line.slice(0, at) + insert + line.slice(at + removed);
    }
    text += `${line}\n`;
  }
  return Buffer.from(text, 'latin1');
}

/** The session answers what was written behind the damaged input, or is in the middle of an upload. */
async function check(input: Buffer, random: Random): Promise<string | undefined> {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-fuzz-'));
  makeMaildir(random(2) === 0 ? 'smap-five' : 'smap-parts', maildir);
  const problems: string[] = [];
  const log = { error: (line: string) => problems.push(line), warn() {}, info() {}, debug() {} };
  const isBefore = random(6) === 0;
  const client = new InProcessSmapClient(maildir, { log, ...(isBefore && { login: loginForTests() }) });
  try {
    await client.line();
    client.send(Buffer.from(isBefore ? '\\SMAP1 LOGIN ann secret\nOPEN INBOX\n' : 'OPEN INBOX\n'));
    for (let position = 0; position < input.length; ) {
      const size = 1 + random(random(2) === 0 ? 4 : input.length);
      client.send(Buffer.from(input.subarray(position, position + size)));
      position += size;
      if (random(3) === 0) await setImmediate();
    }
    if (!/\{[\d.]/.test(input.toString('latin1'))) {
      // Ends an IDLE; then it must answer.
      client.send(Buffer.from('\nRESUME\nNOSUCH\nACL\n'));
      const last = '-ERR Invalid folder: Invalid argument';
      for (let line = ''; line !== last; ) {
        if (client.connection.closed) break;
        line = await client.line();
      }
    } else for (let turn = 0; turn < 20; turn++) await setImmediate();
  } catch (error) {
    problems.push(String(error));
  }
  client.close();
  for (let turn = 0; turn < 50 && readdirSync(join(maildir, 'tmp')).length > 0; turn++) await setImmediate();
  problems.push(...readdirSync(join(maildir, 'tmp')).map((name) => `left behind: ${name}`));
  rmSync(maildir, { recursive: true, force: true });
  return problems.length === 0 ? undefined : problems.join('\n');
}

await fuzz(damaged, check);
