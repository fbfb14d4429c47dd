/**
 * The same SMAP1 sessions against Debian's Courier and Postrider, each on a maildir of its own: the replies must be the
 * same, but for what docs/differences.md says. UIDs, snapshot ids and the texts of `-ERR` are masked.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { loginForTests } from '../support/login-for-tests.ts';
import { makeMaildir } from '../support/maildir-fixtures.ts';
import {
  courierBeforeLogin,
  courierMissing,
  giveToMailOwner,
  sharedMaildir,
  smapSession,
} from '../support/peers.ts';
import { InProcessSmapClient, type SmapClient, type SmapReply } from '../support/smap-client.ts';

const skip = courierMissing() ?? false;

/** A command; a change to the maildir; an upload; or a command whose difference is documented. */
type Step =
  | string
  | ((maildir: string) => void)
  | { readonly add: string; readonly message: string; readonly piece?: number }
  | { readonly differs: string; readonly command: string };

interface Script {
  readonly name: string;
  readonly fixture: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly prepare?: (maildir: string) => void;
  readonly steps: readonly Step[];
}

function put(maildir: string, name: string, text: string, seconds = 1_060_128_000): void {
  writeFileSync(join(maildir, name), text);
  utimesSync(join(maildir, name), seconds, seconds);
}

/** The file in `cur` with that base name. */
function find(maildir: string, base: string): string {
  return join(maildir, 'cur', readdirSync(join(maildir, 'cur')).find((name) => name.startsWith(base))!);
}

const many = (count: number) => (maildir: string) => {
  for (let i = 0; i < count; i++)
    put(maildir, `cur/${1000 + i}.m.host:2,`, `Subject: msg ${i + 1}\n\nbody ${i + 1}\n`);
};

const oddMails = [
  'Subject:   x  y  \nX-Fold: a\n\tb\n   c  \nTo: spaced\nEmpty:\nX-Trail: q \n\n.lead\nbody\n..\n',
  'Subject: no mime\nContent-Type: multipart/mixed; boundary=aaa\n\n--aaa\n\nx\n--aaa--\n',
  'Subject: b64\nMime-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\naGVsbG8gd29ybGQK\n',
  'Subject: qp\nMime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\na=C3=A9=\n b\n',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nFrom: =?iso-8859-1?Q?J=F6rg?= <joerg@example.org>\nDate: Mon, 1 Jul 2024 10:00:00 +0000\nMime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nÄpfel und Birnen\n',
  'Subject: alternative\nMime-Version: 1.0\nContent-Type: multipart/alternative; boundary="a b"\n\n--a b\nContent-Type: text/plain\n\nplain\n\n--a b\nContent-Type: text/html\n\n<p>html\n\n--a b--\n',
];

const odd = (maildir: string) => {
  for (const [i, text] of oddMails.entries()) put(maildir, `cur/200${i}.o.host:2,`, text, 1_060_128_000 + i);
};

const scripts: readonly Script[] = [
  {
    name: 'folders',
    fixture: 'five-messages',
    steps: [
      'LIST',
      'LIST INBOX',
      'LIST INBOX Work',
      'LIST INBOX nosuch',
      'LIST public',
      'LIST nosuch',
      'CREATE INBOX "Sent Mail" 2002',
      'CREATE INBOX "Sent Mail"',
      'CREATE INBOX "q""q"',
      'CREATE INBOX "q""q"',
      'CREATE INBOX "a.b/c~:d\\e" ünïcode',
      'LIST INBOX',
      'LIST INBOX "a.b/c~:d\\e"',
      'RENAME INBOX "Sent Mail" "" INBOX Archive',
      'LIST INBOX Archive',
      'RENAME INBOX "" INBOX x',
      'RENAME INBOX Trash "" INBOX x',
      'RENAME INBOX Archive "" INBOX "q""q"',
      'RENAME INBOX Archive "" INBOX Archive x',
      'RENAME INBOX Archive ""',
      'STATUS CHEAP INBOX',
      'STATUS FULL INBOX Archive 2002',
      'STATUS FULL nosuch',
      'DELETE INBOX',
      'DELETE nosuch',
      'DELETE INBOX Archive 2002',
      { differs: 'deleting what is not there is refused', command: 'DELETE INBOX nosuch' },
      { differs: 'renaming what is not there is refused', command: 'RENAME INBOX nosuch "" INBOX x' },
      'MKDIR INBOX z',
      'RMDIR INBOX z',
      'MKDIR',
      'CREATE public x',
      'OPEN public x',
      'OPEN inbox',
      'OPEN INBOX nosuch',
      'FETCH 1 FLAGS',
      'OPEN INBOX',
      'STATUS FULL INBOX',
      'DELETE INBOX "q""q"',
      'OPEN INBOX Work Deep',
      'RENAME INBOX Work "" INBOX other',
      'DELETE INBOX Work Deep',
      'CLOSE',
      'CLOSE',
      'NOOP',
      'NOSUCH',
      'RESUME',
      'IDLE',
      'RESUME',
      'RSET',
    ],
  },
  {
    name: 'contents',
    fixture: 'smap-parts',
    prepare: odd,
    steps: [
      'OPEN INBOX',
      'FETCH 1-9 FLAGS KEYWORDS UID SIZE INTERNALDATE',
      'FETCH 1-9 CONTENTS.PEEK=MIME(:MIME)',
      'FETCH 1-9 CONTENTS.PEEK=HEADERS(:ENVELOPE)',
      'FETCH 1-9 CONTENTS.PEEK=HEADERS',
      'FETCH 1 5-9 CONTENTS.PEEK=RAWHEADERS',
      'FETCH 1-9 CONTENTS.PEEK=ALL',
      'FETCH 1-9 CONTENTS.PEEK=BODY',
      'FETCH 1-9 CONTENTS.PEEK=BODY.DECODED',
      'FETCH 1 CONTENTS.PEEK=BODY[1.1] CONTENTS.PEEK=BODY[1.2] CONTENTS.PEEK=BODY[1.2.0]',
      'FETCH 1 CONTENTS.PEEK=ALL[1.2.0.1] CONTENTS.PEEK=HEADERS[1.2.0](subject)',
      'FETCH 1 CONTENTS.PEEK=BODY.DECODED[1.1] CONTENTS.PEEK=BODY.DECODED[1.2]',
      'FETCH 1-2 CONTENTS.PEEK=BODY[1.2.0.1]',
      'FETCH 1 CONTENTS.PEEK=BODY[1.3]',
      'FETCH 9 CONTENTS.PEEK=BODY[1.1] "CONTENTS.PEEK=BODY[1.2]" FLAGS',
      'FETCH 2-3 UID CONTENTS=HEADERS CONTENTS.PEEK=BODY FLAGS',
      'FETCH 2-3 CONTENTS=HEADERS',
      'FETCH 12-20 FLAGS',
      'NOOP',
      (maildir) => unlinkSync(find(maildir, '1001.x')),
      'FETCH 1 CONTENTS.PEEK=HEADERS CONTENTS.PEEK=BODY',
      'FETCH 1 FLAGS UID',
      'NOOP',
    ],
  },
  {
    name: 'flags, keywords and searches',
    fixture: 'smap-five',
    prepare: odd,
    steps: [
      'OPEN INBOX',
      'STORE 1-2 +FLAGS=DELETED,MARKED -FLAGS=SEEN',
      'STORE 3-4 FLAGS=seen,nosuch,Draft',
      'STORE 3 FLAGS=',
      'STORE 2 KEYWORDS=b,a',
      'STORE 2-3 +KEYWORDS=zeta -KEYWORDS=a',
      'STORE 4 "KEYWORDS=ünïcode"',
      'STORE 5 "INTERNALDATE=Sun, 03 Aug 2003 03:00:00 -0500"',
      'STORE 5 INTERNALDATE=nonsense',
      'FETCH 1-11 FLAGS KEYWORDS INTERNALDATE',
      { differs: 'a set out of order is a syntax error', command: 'STORE 3-2 FLAGS=SEEN' },
      'SEARCH ALL SEEN',
      'SEARCH ALL NOT SEEN',
      'SEARCH MARKED DELETED',
      'SEARCH UNMARKED NOT DRAFT',
      'SEARCH 1-3,5 NOT SUBJECT "msg 4"',
      'SEARCH 2-* SUBJECT MSG',
      'SEARCH ALL SUBJECT "grüsse"',
      'SEARCH ALL SUBJECT "GRÜßE"',
      'SEARCH ALL FROM jörg',
      'SEARCH ALL FROM ""',
      'SEARCH ALL HEADER x-fold "b c"',
      'SEARCH ALL HEADER x-nosuch ""',
      'SEARCH ALL BODY äpfel',
      'SEARCH ALL BODY "aé b"',
      'SEARCH ALL TEXT "msg 2"',
      'SEARCH ALL KEYWORD b',
      'SEARCH ALL KEYWORD zeta',
      'SEARCH ALL KEYWORD nosuch',
      'SEARCH ALL BEFORE 6-Aug-2003',
      'SEARCH ALL ON 03-Aug-2003',
      'SEARCH ALL SINCE 06-Aug-2003',
      'SEARCH ALL BEFORE nonsense',
      'SEARCH ALL SENTBEFORE 2-Jul-2024',
      'SEARCH ALL SENTON 1-Jul-2024',
      { differs: 'SENTSINCE works', command: 'SEARCH ALL SENTSINCE 1-Jan-2024' },
      'SEARCH ALL SMALLER 24',
      'SEARCH ALL LARGER 100',
      'SEARCH MARKED',
      'SEARCH ALL NOSUCH',
      'NOOP',
    ],
  },
  {
    name: 'copies and removals',
    fixture: 'smap-five',
    steps: [
      'OPEN INBOX',
      'STORE 2 KEYWORDS=a FLAGS=MARKED',
      'COPY 2 5-9 "" INBOX',
      'NOOP',
      'CREATE INBOX b',
      'COPY 1 "" INBOX b',
      'FETCH 6-7 FLAGS KEYWORDS SIZE INTERNALDATE',
      'MOVE 2-3 "" INBOX a',
      'COPY "" INBOX a',
      'COPY 1 INBOX a',
      'STATUS FULL INBOX a',
      'STORE 1 3 FLAGS=DELETED',
      'EXPUNGE',
      'EXPUNGE 2 9',
      { differs: 'a word that is no number is a syntax error', command: 'EXPUNGE nonsense' },
      'OPEN INBOX a',
      'FETCH 1-9 FLAGS SIZE',
      'MOVE 1 "" INBOX a',
      'FETCH 1-9 FLAGS SIZE',
      'OPEN INBOX b',
      'FETCH 1-9 FLAGS SIZE',
    ],
  },
  {
    name: 'many removals',
    fixture: 'empty',
    prepare: many(256),
    steps: [
      'OPEN INBOX',
      `STORE ${Array.from({ length: 128 }, (_, i) => 2 * i + 1).join(' ')} FLAGS=DELETED`,
      'EXPUNGE',
      'FETCH 1-128 UID',
      'EXPUNGE 1-120',
      'FETCH 1-8 UID FLAGS',
      'SEARCH ALL NOT SEEN',
    ],
  },
  {
    name: 'uploads',
    fixture: 'empty',
    steps: [
      'ADD',
      'ADD FOLDER INBOX ""',
      'ADD FLAGS=SEEN,DRAFT  "INTERNALDATE=Sun, 03 Aug 2003 03:00:00 -0500"',
      { add: '', message: 'Subject: one\n\nhello world\n' },
      'OPEN INBOX',
      // The reference loses the keywords of uploads into a folder that never had any.
      'STORE 1 KEYWORDS=z',
      { add: 'FOLDER INBOX "" KEYWORDS=b,a FLAGS=MARKED', message: 'Subject: two\r\n\r\nno end' },
      'ADD FOLDER INBOX "" {.}\nSubject: three\n\nlines\n.',
      'ADD FOLDER INBOX nosuch ""',
      'ADD FOLDER nosuch ""',
      'RSET',
      'ADD NOSUCH',
      'ADD KEYWORDS=x',
      'RSET',
      'OPEN INBOX',
      'FETCH 1-9 FLAGS KEYWORDS CONTENTS.PEEK=ALL',
      'FETCH 1 INTERNALDATE',
    ],
  },
  {
    name: 'snapshots',
    fixture: 'smap-five',
    steps: [
      'SOPEN "" INBOX',
      'NOOP',
      'NOOP',
      'STORE 2 KEYWORDS=b,a',
      'STORE 2 FLAGS=REPLIED',
      'NOOP',
      'CLOSE',
      (maildir) => unlinkSync(find(maildir, '1003.x')),
      (maildir) => renameSync(find(maildir, '1004.x'), join(maildir, 'cur/1004.x.host:2,F')),
      (maildir) => put(maildir, 'new/5001.n.host', 'Subject: new\n\n'),
      'SOPEN $id INBOX',
      'FETCH 5-5 FLAGS UID',
      'NOOP',
      'SOPEN $id INBOX',
      'NOOP',
      'SOPEN nosuch INBOX',
      'SOPEN "" INBOX nosuch',
      'NOOP',
    ],
  },
  {
    name: 'changes of others',
    fixture: 'smap-five',
    steps: [
      'OPEN INBOX',
      (maildir) => renameSync(find(maildir, '1002.x'), join(maildir, 'cur/1002.x.host:2,S')),
      (maildir) => unlinkSync(find(maildir, '1004.x')),
      'FETCH 2 FLAGS',
      'STATUS FULL INBOX',
      'NOOP',
      (maildir) => put(maildir, 'new/6001.n.host', 'Subject: new\n\n'),
      'STORE 1 FLAGS=DELETED',
      'EXPUNGE',
      'IDLE',
      'NOOP',
    ],
  },
  {
    name: 'rights',
    fixture: 'smap-five',
    steps: [
      'ACL INBOX',
      'GETACL INBOX',
      'GETACL public x',
      'ACL nosuch',
      'SETACL INBOX a "" anyone lr user=fred ace -user=eve r group=g1 lrs',
      'GETACL INBOX a',
      'SETACL INBOX a "" anyone +s user=fred -a',
      'DELETEACL INBOX a "" anyone user=nobody group=g1',
      'SETACL INBOX a "" administrators lr',
      'SETACL INBOX a "" owner aceilrstw',
      'ACL INBOX a',
      'DELETE INBOX a',
      'SETACL INBOX a "" owner aceilrx',
      'OPEN INBOX a',
      'OPEN INBOX',
      'COPY 1-2 "" INBOX a',
      'OPEN INBOX a',
      'STORE 1 FLAGS=SEEN,DELETED,MARKED',
      'STORE 1 KEYWORDS=x',
      'EXPUNGE 1',
      'EXPUNGE',
      'SETACL INBOX a "" owner alr',
      'OPEN INBOX',
      'COPY 1 "" INBOX a',
      'CREATE INBOX a b',
      'ADD FOLDER INBOX a ""',
      'RENAME INBOX a "" INBOX b',
    ],
  },
  {
    name: 'words and quoting',
    fixture: 'smap-five',
    steps: [
      'noop',
      '"NOOP"',
      '"NOOP"ignored',
      '\t  NOOP \r',
      'OPEN "INBOX" ""ignored',
      'FETCH 1x "UID"SIZE',
      'FETCH 1,2 UID',
      'FETCH 1-2 flags nosuch Uid',
      'FETCH 1-2',
      'FETCH',
      'CREATE INBOX pq"r',
      'LIST INBOX',
      'OPEN INBOX "pq""r"',
      'OPEN INBOX "pq""r',
      'CLOSE nonsense',
      'STATUS',
      'STATUS FULL',
      'LIST ""',
      'SEARCH ALL SEEN',
      'OPEN',
      'SOPEN',
    ],
  },
  {
    name: 'quota',
    fixture: 'smap-five',
    prepare: (maildir) =>
      put(maildir, 'maildirsize', `1000S,6C\n${'115'.padStart(12)} ${'5'.padStart(12)}\n`),
    steps: [
      'OPEN INBOX',
      'COPY 1 "" INBOX a',
      'COPY 1 "" INBOX a',
      { add: 'FOLDER INBOX ""', message: 'Subject: too many\n\n' },
      'RSET',
      'EXPUNGE 1-2',
      { add: 'FOLDER INBOX ""', message: 'Subject: fits\n\n' },
      'COPY 1 "" INBOX a',
      'COPY 1 "" INBOX a',
      'NOOP',
      'STATUS FULL INBOX a',
    ],
  },
  {
    name: 'rights one by one',
    fixture: 'smap-five',
    prepare: (maildir) => put(maildir, 'new/7001.n.host', 'Subject: new\n\n'),
    steps: ['r', 'l', 'i', 's', 't', 'w', 'e', 'x', 'c'].flatMap((right) => [
      `CREATE INBOX f${right}`,
      'OPEN INBOX',
      `COPY 1-2 "" INBOX f${right}`,
      `SETACL INBOX f${right} "" owner -${right === 'l' ? 'c' : right}`,
      `STATUS FULL INBOX f${right}`,
      `OPEN INBOX f${right}`,
      'STORE 1 FLAGS=SEEN,DELETED,DRAFT',
      'STORE 1 KEYWORDS=k',
      'FETCH 1-9 FLAGS KEYWORDS',
      'EXPUNGE 1',
      'EXPUNGE',
      `ADD FOLDER INBOX f${right} ""`,
      'RSET',
      `CREATE INBOX f${right} below`,
      'OPEN INBOX',
      `COPY 1 "" INBOX f${right}`,
      `DELETE INBOX f${right}`,
    ]),
  },
  {
    name: 'trash',
    fixture: 'smap-five',
    settings: { IMAP_MOVE_EXPUNGE_TO_TRASH: '1', IMAP_TRASHFOLDERNAME: 'Trash' },
    steps: [
      'OPEN INBOX',
      'STORE 1-2 FLAGS=DELETED,DRAFT,SEEN',
      'EXPUNGE',
      'EXPUNGE 1',
      'COPY 1 "" INBOX a',
      'EXPUNGE 1',
      'OPEN INBOX Trash',
      'FETCH 1-9 FLAGS UID',
      'EXPUNGE 1',
      { differs: 'what comes out of the trash keeps its UID', command: 'MOVE 1 "" INBOX' },
      'STATUS FULL INBOX',
    ],
  },
];

/** What the client was told, without what must differ. */
function normal({ status, lines, data }: SmapReply): unknown {
  const mask = (text: string): string =>
    text.replace(/UID=\d{9,}\.M[^"]*/g, 'UID=*').replace(/(SNAPSHOT(?:EXISTS)?) "[^"]*"/, '$1 *');
  const told = lines.map(mask).filter((line) => !line.startsWith('* ACLMINIMUM'));
  return {
    status: status.replace(/^-ERR.*/, '-ERR'),
    lines: told.some((line) => line.startsWith('* LIST')) ? told.sort() : told,
    data: data.map(({ head, octets }) => `${mask(head)}\n${octets.toString('latin1')}`),
  };
}

async function runStep(
  client: SmapClient,
  step: Exclude<Step, (...args: never) => void>,
  ids: string[],
): Promise<unknown> {
  const command = typeof step === 'string' ? step : 'add' in step ? '' : step.command;
  const reply =
    typeof step === 'object' && 'add' in step
      ? await client.add(step.add, Buffer.from(step.message), step.piece)
      : await client.run(command.replace('$id', `"${ids.at(-1)}"`));
  for (const line of reply.lines) {
    const id = /^\* SNAPSHOT "(.*)"$/.exec(line)?.[1];
    if (id !== undefined) ids.push(id);
  }
  return normal(reply);
}

async function runScript(
  t: TestContext,
  server: 'courier' | 'postrider',
  { fixture, prepare, settings, steps }: Script,
): Promise<unknown[]> {
  const maildir = sharedMaildir(t);
  makeMaildir(fixture, maildir.path);
  prepare?.(maildir.path);
  giveToMailOwner(maildir);
  const client = smapSession(t, server, maildir, settings);
  await client.reply();
  const ids: string[] = [];
  const replies: unknown[] = [];
  for (const step of steps) {
    if (typeof step === 'function') {
      step(maildir.path);
      giveToMailOwner(maildir);
      continue;
    }
    const reply = await runStep(client, step, ids);
    if (typeof step === 'object' && 'differs' in step) continue;
    replies.push([typeof step === 'string' ? step : step.add, reply]);
  }
  return replies;
}

for (const script of scripts)
  test(`SMAP like Courier: ${script.name}`, { skip, timeout: 60_000 }, async (t) => {
    const [courier, ours] = [await runScript(t, 'courier', script), await runScript(t, 'postrider', script)];
    const differing = ours.filter((reply, i) => !isDeepStrictEqual(reply, courier[i]));
    const theirs = courier.filter((reply, i) => !isDeepStrictEqual(reply, ours[i]));
    assert.deepEqual(differing, theirs);
    assert.equal(ours.length, courier.length);
  });

for (const [saver, restorer] of [
  ['courier', 'postrider'],
  ['postrider', 'courier'],
] as const)
  test(`a snapshot that ${saver} saved is restored by ${restorer}`, { skip, timeout: 60_000 }, async (t) => {
    const maildir = sharedMaildir(t);
    makeMaildir('smap-five', maildir.path);
    giveToMailOwner(maildir);
    const first = smapSession(t, saver, maildir);
    await first.reply();
    await first.run('SOPEN "" INBOX');
    await first.run('STORE 2 FLAGS=SEEN KEYWORDS=b,a');
    const [line = ''] = (await first.run('NOOP')).lines;
    const id = line.replace('* SNAPSHOT ', '');
    await first.run('LOGOUT');
    unlinkSync(find(maildir.path, '1003.x'));
    renameSync(find(maildir.path, '1004.x'), join(maildir.path, 'cur/1004.x.host:2,F'));
    const second = smapSession(t, restorer, maildir);
    await second.reply();
    const { lines, status } = await second.run(`SOPEN ${id} INBOX`);
    assert.deepEqual(
      [...lines, status],
      [`* SNAPSHOTEXISTS ${id}`, '* EXPUNGE 3', '* FETCH 3 FLAGS=MARKED "KEYWORDS="', '+OK Folder updated'],
    );
  });

test('before login the same is said', { skip, timeout: 20_000 }, async (t) => {
  const commands = [
    'a NOOP',
    '\\SMAP1 CAPABILITY',
    'a NOOP',
    '\\SMAP1 NOOP',
    '\\SMAP1 NOSUCH',
    '\\SMAP1 LOGIN x',
  ];
  const input = [...commands, '\\SMAP1 STARTTLS', 'b NOSUCH', '\\SMAP1 LOGOUT', ''].join('\r\n');
  const theirs = courierBeforeLogin(input, {
    SMAP_CAPABILITY: 'SMAP1',
    IMAP_CAPABILITY: 'IMAP4rev1 IDLE',
    IMAP_KEYWORDS: '1',
    IMAP_ACL: '1',
  });
  const maildir = sharedMaildir(t);
  const client = new InProcessSmapClient(maildir.path, {
    login: { ...loginForTests(), canStartTls: () => false },
    imap: { capability: 'IMAP4rev1 IDLE' },
  });
  client.send(Buffer.from(input));
  const expected = theirs.split('\r\n').slice(0, -1);
  for (const line of expected) {
    // Our own capabilities stand behind Courier’s.
    const start = /^.*UTF8=ACCEPT/.exec(line)?.[0] ?? line;
    assert.ok((await client.line()).startsWith(start), line);
  }
  assert.deepEqual(client.rest(), []);
});

test('what is sent is given to the mailer as Courier gives it', { skip, timeout: 20_000 }, async (t) => {
  const given = async (server: 'courier' | 'postrider'): Promise<unknown> => {
    const maildir = sharedMaildir(t);
    const [home, homeInside] = [maildir.path, maildir.insidePath].map((path) => join(path, '..'));
    const itsHome = server === 'courier' ? homeInside! : home!;
    const mailer = `#!/bin/sh\ncd ${itsHome}\nprintf '%s\\n' "$@" >args\ncat >input\ngrep -q refuse input && { echo no; exit 1; }\nexit 0\n`;
    writeFileSync(join(home!, 'mailer'), mailer, { mode: 0o755 });
    const settings = { SENDMAIL: `${itsHome}/mailer`, HEADERFROM: 'X-IMAP-Sender' };
    const client = smapSession(t, server, maildir, settings);
    await client.reply();
    const words = 'FOLDER INBOX "" MAILFROM=me@example.com RCPTTO=a@example.com NOTIFY=success,fail';
    const replies = [
      await client.add(words, Buffer.from('Subject: one\n\nhi\n')),
      await client.add('RCPTTO=b@example.com', Buffer.from('Subject: refuse\n\nhi\n')),
      await client.run('RSET'),
      await client.run('STATUS FULL INBOX'),
    ];
    const first = readFileSync(join(home!, 'input'), 'latin1');
    return [replies.map(normal), readFileSync(join(home!, 'args'), 'latin1'), first];
  };
  assert.deepEqual(await given('postrider'), await given('courier'));
});
