/** Framing in both directions does not depend on how octets arrive (smap §2). */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { SmapSession } from '../src/smap/session.ts';
import { testAccount } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { MemoryConnection } from './support/memory-connection.ts';
import { type SmapReply, SmapReplyReader, smapServices } from './support/smap-client.ts';

/** What a client sends that waits for nothing. */
const script = Buffer.from(
  'CREATE INBOX "q""q" "a.b"\r\nOPEN INBOX\nFETCH 1-5 FLAGS UID\n' +
    'ADD FOLDER INBOX "" {.}\nSubject: lines\n\n..one\n...\n\r\n.\r\n' +
    'ADD FOLDER INBOX "" FLAGS=SEEN {11/22}\nSubject: x\n7\n\nbody\r\n4\nend\n\n' +
    'ADD FOLDER INBOX "" {3/3}\na\n\n\nNOOP\n' +
    'FETCH 6-8 FLAGS SIZE CONTENTS.PEEK=ALL CONTENTS.PEEK=HEADERS\nNOSUCH "\nSEARCH ALL SEEN\nLOGOUT\n',
);

/** The octets in pieces that end at the cuts. */
function segments(octets: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set([...cuts, octets.length])].sort((one, other) => one - other);
  return ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end));
}

/** Sends the script in pieces; everything the server says until it ends the connection. */
async function converse(cuts: readonly number[], isFast: boolean): Promise<string> {
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-smap-'));
  makeMaildir('smap-five', maildir);
  let said = '';
  const connection = new MemoryConnection((octets) => {
    said += octets.toString('latin1');
  });
  new SmapSession(connection, smapServices(maildir), Buffer.alloc(0), testAccount);
  for (const segment of segments(script, cuts)) {
    connection.send(Buffer.from(segment));
    if (!isFast) await setImmediate();
  }
  while (!connection.closed) await setImmediate();
  rmSync(maildir, { recursive: true });
  return said.replace(/UID=\d{9,}[^"]*/g, 'UID=*');
}

test('whatever segments commands and uploads come in, the answers are the same', async () => {
  const whole = await converse([], true);
  assert.match(whole, /\+OK LOGOUT completed\n$/);
  assert.equal(whole.match(/\+OK Message saved/g)?.length, 3);
  const cuts = fc.array(fc.nat(script.length - 1), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(cuts, fc.boolean(), async (at, isFast) => {
      assert.equal(await converse(at, isFast), whole);
    }),
    { numRuns: 40 },
  );
});

test('a client reads both multi-line forms, whatever segments they come in', () => {
  const octets = Buffer.from(
    '* FETCH 1 FLAGS=\n{.5} FETCH 1 HEADERS\n..dot\nx: y\n.\n{3/7} FETCH 2 CONTENTS\na\n.4\n+OK\n\n' +
      '{.0} FETCH 3 CONTENTS\n.\n+OK Message retrieved.\n-ERR no\n',
    'latin1',
  );
  const read = (cuts: readonly number[]): SmapReply[] => {
    const replies: SmapReply[] = [];
    const reader = new SmapReplyReader((reply) => replies.push(reply));
    for (const segment of segments(octets, cuts)) reader.push(segment);
    return replies;
  };
  const data = [
    { head: 'FETCH 1 HEADERS', octets: Buffer.from('.dot\nx: y\n') },
    { head: 'FETCH 2 CONTENTS', octets: Buffer.from('a\n.+OK\n') },
    { head: 'FETCH 3 CONTENTS', octets: Buffer.alloc(0) },
  ];
  const expected = [
    { status: '+OK Message retrieved.', lines: ['* FETCH 1 FLAGS='], data },
    { status: '-ERR no', lines: [], data: [] },
  ];
  fc.assert(fc.property(fc.array(fc.nat(octets.length)), (cuts) => assert.deepEqual(read(cuts), expected)));
});
