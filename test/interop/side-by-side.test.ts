/**
 * The same operations on two copies of two accounts, one by Debian's Courier and one by Postrider, leave the same files:
 * messages with their flags and sizes, access control lists, quotas, subscriptions, directories. What differs on purpose
 * is listed here and in docs/differences.md.
 */
import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImapClient } from '../../bench/imap-client.ts';
import {
  courierMissing,
  courierSession,
  postriderSession,
  runInCourier,
  runPostrider,
  type SharedMaildir,
  sharedMaildir,
} from '../support/peers.ts';

const skip = courierMissing() ?? false;

/** One server's accounts. */
interface Copy {
  readonly ann: SharedMaildir;
  readonly bob: SharedMaildir;
  /** A session of ann's, who reaches bob's folders as `#shared.bob`. */
  readonly client: ImapClient;
  tool(command: readonly string[], owner: 'ann' | 'bob', input?: string): void;
}

async function prepare(t: TestContext, server: 'courier' | 'postrider'): Promise<Copy> {
  const [ann, bob] = [sharedMaildir(t), sharedMaildir(t)];
  const isCourier = server === 'courier';
  const where = (maildir: SharedMaildir) => dirname(isCourier ? maildir.insidePath : maildir.path);
  const index = join(dirname(ann.path), 'index');
  writeFileSync(
    index,
    ['ann', 'bob'].map((name) => `${name}\t5000\t5000\t${where({ ann, bob }[name]!)}\n`).join(''),
  );
  chownSync(index, 5000, 5000);
  const settings = {
    AUTHENTICATED: 'ann',
    OPTIONS: 'group=staff',
    IMAP_ACL: '1',
    IMAP_SHAREDINDEXFILE: `${where(ann)}/index`,
  };
  return {
    ann,
    bob,
    client: await (isCourier ? courierSession : postriderSession)(t, ann, settings),
    tool(command, owner, input) {
      const pathOf = ({ path, insidePath }: SharedMaildir) => (isCourier ? insidePath : path);
      const words = command.map((word) =>
        word.replace('BOB', pathOf(bob)).replace('MAILDIR', pathOf({ ann, bob }[owner])),
      );
      (isCourier ? runInCourier : runPostrider)(words, input);
    },
  };
}

/** `maildirmake MAILDIR` by a tool, for an account; `APPEND`, with a message; anything else is a command of the session. */
type Operation = string | { readonly tool: string[]; readonly owner: 'ann' | 'bob'; readonly input?: string };

const message = (size: number) => Buffer.from(`Subject: ${size}\r\n\r\n${'x'.repeat(size)}\r\n`);

/** @returns `OK` or `NO` */
async function run({ client, tool }: Copy, operation: Operation): Promise<string> {
  if (typeof operation !== 'string') {
    tool(operation.tool, operation.owner, operation.input);
    return 'done';
  }
  const [, command, size] = /^(APPEND .*) (\d+)$/.exec(operation) ?? [];
  try {
    const reply = command ? client.runWithLiteral(command, message(Number(size))) : client.run(operation);
    return (await reply).status.split(' ')[0]!;
  } catch (error) {
    return / NO /.test(` ${String(error)} `) ? 'NO' : String(error);
  }
}

/** Files that are compared by what is in them. */
const texts = /^(?:.*\/)?(?:courierimapacl|courierimaphieracl\/.*|courierimapsubscribed|shared-maildirs)$/;
/** Files of each server's own, and those whose contents depend on names and times. */
const own = /^(?:.*\/)?(?:tmp\/.*|postrider-.*|courierimapuiddb|courierimapkeywords(?:\/.*)?|maildirfolder)$/;

/** What is in a maildir, as lines that are the same for both servers. */
function contents(maildir: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(join(maildir, path), { withFileTypes: true })) {
      const name = path === '' ? entry.name : `${path}/${entry.name}`;
      if (own.test(name)) continue;
      if (entry.isDirectory()) {
        lines.push(`${name}/ ${(statSync(join(maildir, name)).mode & 0o7777).toString(8)}`);
        visit(name);
      } else lines.push(describeFile(maildir, name));
    }
  };
  visit('');
  return lines.sort((one, other) => (one < other ? -1 : 1));
}

function describeFile(maildir: string, name: string): string {
  if (lstatSync(join(maildir, name)).isSymbolicLink()) return describeLink(maildir, name);
  const text = readFileSync(join(maildir, name), 'latin1');
  if (texts.test(name)) return `${name}: ${text.replace(/\/.*Maildir$/m, 'Maildir')}`;
  if (name === 'maildirsize') return `maildirsize: ${quotaOf(text)}`;
  const [, folder, flags] = /^(.*(?:cur|new))\/[^:]*(.*)$/.exec(name) ?? [];
  const size = /,S=(\d+)/.exec(name)?.[1];
  return folder === undefined
    ? `${name}: ${text.length}`
    : `${folder}: a message${flags}, S=${size}, ${text}`;
}

/** Where it leads within the sharable maildir, without what differs in the names of messages. */
function describeLink(maildir: string, name: string): string {
  const to = readlinkSync(join(maildir, name)).replace(/^.*Maildir/, '');
  return `${withoutBase(name)}: a link to ${withoutBase(to)}`;
}

function withoutBase(path: string): string {
  return path.replace(/(cur|new)\/[^:]*/, '$1/');
}

/** The quota and the sum. */
function quotaOf(text: string): string {
  const [limit, ...lines] = text.trimEnd().split('\n');
  const sum = [0, 0];
  for (const line of lines)
    for (const [i, number] of line.trim().split(/\s+/).entries()) sum[i]! += Number(number);
  return `${limit} ${sum.join(' ')}`;
}

/** Lists that Courier makes when it looks at a folder, and Postrider when its parent's is about to change: copies of it. */
function withoutCopies(lines: readonly string[]): string[] {
  const lists = new Map<string, string>();
  for (const line of lines) {
    const [, path, text] = /^((?:.*\/)?courierimap(?:acl|hieracl\/.*)): (.*)$/s.exec(line) ?? [];
    if (path !== undefined) lists.set(folderOf(path), text!);
  }
  const standard = 'owner aceilrstwx\nadministrators aceilrstwx\n';
  const inherited = (folder: string): string => {
    if (folder === '') return standard;
    const parent = folder.slice(0, folder.lastIndexOf('.'));
    return lists.get(parent) ?? inherited(parent);
  };
  return lines.filter((line) => {
    const path = /^((?:.*\/)?courierimap(?:acl|hieracl\/.*)): /.exec(line)?.[1];
    return path === undefined
      ? !line.startsWith('courierimaphieracl/ ')
      : lists.get(folderOf(path)) !== inherited(folderOf(path));
  });
}

/** `.a.b/courierimapacl` and `courierimaphieracl/a.b` are the list of `.a.b`; INBOX is ''. */
function folderOf(path: string): string {
  return path.startsWith('courierimaphieracl/')
    ? `.${path.slice('courierimaphieracl/'.length)}`
    : path.replace(/\/?courierimapacl$/, '');
}

async function compare(t: TestContext, operations: readonly Operation[]): Promise<void> {
  const [theirs, ours] = [await prepare(t, 'courier'), await prepare(t, 'postrider')];
  for (const operation of operations) {
    const outcomes = [await run(theirs, operation), await run(ours, operation)];
    assert.equal(outcomes[1], outcomes[0], JSON.stringify(operation));
  }
  for (const copy of [theirs, ours]) await copy.client.run('LOGOUT').catch(() => undefined);
  for (const owner of ['ann', 'bob'] as const) {
    const [courier, postrider] = [theirs, ours].map((copy) => withoutCopies(contents(copy[owner].path)));
    assert.deepEqual(postrider, courier, owner);
  }
  assert.ok(existsSync(join(ours.ann.path, 'cur')));
}

const bobTools: Operation[] = [
  { tool: ['maildirmake', '-f', 'Pub', 'MAILDIR'], owner: 'bob' },
  { tool: ['maildiracl', '-set', 'MAILDIR', 'INBOX.Pub', 'user=ann', 'lrswipcetx'], owner: 'bob' },
  { tool: ['maildiracl', '-set', 'MAILDIR', 'INBOX.Pub', 'group=staff', '+a'], owner: 'bob' },
  { tool: ['maildiracl', '-set', 'MAILDIR', 'INBOX.Pub', 'anyone', 'r'], owner: 'bob' },
  { tool: ['maildiracl', '-set', 'MAILDIR', 'INBOX.Pub', '-user=eve', 'r'], owner: 'bob' },
  { tool: ['maildiracl', '-delete', 'MAILDIR', 'INBOX.Pub', 'anyone'], owner: 'bob' },
];

const cases: Record<string, Operation[]> = {
  'folders and their lists': [
    'CREATE INBOX.a',
    'CREATE INBOX.a.b.c',
    'SETACL INBOX.a bob lr',
    'SETACL INBOX.a bob +s',
    'SETACL INBOX.a -eve r',
    'SETACL INBOX.a owner -w',
    'SETACL INBOX.a owner r',
    'ACL STORE INBOX.a group=staff lrs',
    'ACL DELETE INBOX.a user=bob',
    'CREATE INBOX.a.Gr&APYA3w-e',
    'SETACL INBOX.a.Gr&APYA3w-e anyone lr',
    'ACL SET INBOX.a.b.c owner aceilrstwx administrators aceilrstwx anyone l',
    'DELETE INBOX.a',
    'RENAME INBOX.a.b.c INBOX.a.b.d',
    'SUBSCRIBE INBOX.a.b.d',
    'SUBSCRIBE INBOX.none',
    'UNSUBSCRIBE INBOX.none',
    'DELETE INBOX.none',
  ],
  'messages within a quota': [
    { tool: ['maildirmake', '-q', '2000S,10C', 'MAILDIR'], owner: 'ann' },
    'CREATE INBOX.a',
    'CREATE INBOX.Trash',
    'APPEND INBOX 100',
    'APPEND INBOX (\\Seen \\Flagged) 200',
    'APPEND INBOX.a (\\Deleted) 300',
    'APPEND INBOX.Trash 400',
    'APPEND INBOX.a 5000',
    'SELECT INBOX',
    'STORE 1 +FLAGS (\\Deleted)',
    'EXPUNGE',
    'COPY 1 INBOX.a',
    'COPY 1 INBOX.Trash',
    'SELECT INBOX.a',
    'STORE 1:* +FLAGS (\\Deleted)',
    'STORE 1 -FLAGS (\\Deleted)',
    { tool: ['deliverquota', 'MAILDIR'], owner: 'ann', input: 'Subject: delivered\n\nx\n' },
    { tool: ['deliverquota', 'MAILDIR/.a'], owner: 'ann', input: 'Subject: delivered\n\nmore\n' },
    'CLOSE',
    'SELECT INBOX',
    'CLOSE',
    'DELETE INBOX.a',
  ],
  'somebody else’s folders': [
    { tool: ['maildirmake', '-q', '5000S', 'MAILDIR'], owner: 'bob' },
    ...bobTools,
    'SUBSCRIBE #shared.bob.Pub',
    'APPEND #shared.bob.Pub (\\Seen) 50',
    'APPEND #shared.bob.Pub 60',
    'CREATE #shared.bob.Pub.sub',
    'CREATE #shared.bob.other',
    'DELETE #shared.bob',
    'SETACL #shared.bob.Pub eve lr',
    'SETACL #shared.bob.Pub owner ""',
    'SELECT #shared.bob.Pub',
    'STORE 1 +FLAGS (\\Flagged \\Deleted)',
    'STORE 2 +FLAGS (\\Answered)',
    'COPY 2 INBOX',
    'EXPUNGE',
    'CLOSE',
    'RENAME #shared.bob.Pub.sub #shared.bob.Pub.new',
    'RENAME #shared.bob.Pub INBOX.mine',
    'DELETE #shared.bob.Pub.new',
  ],
  'links to sharable maildirs': [
    { tool: ['maildirmake', '--add', 'pub=/tmp', 'MAILDIR'], owner: 'ann' },
    { tool: ['maildirmake', '--add', 'more=/', 'MAILDIR'], owner: 'ann' },
    { tool: ['maildirmake', '--del', 'pub', 'MAILDIR'], owner: 'ann' },
    { tool: ['maildirmake', '-s', 'read,group', '-f', 'shared', 'MAILDIR'], owner: 'bob' },
    { tool: ['maildirmake', '-s', 'write', '-f', 'open', 'MAILDIR'], owner: 'bob' },
  ],
  'folders shared by file permissions': [
    { tool: ['maildirmake', '-s', 'write', '-f', 'Box', 'MAILDIR'], owner: 'bob' },
    { tool: ['maildirmake', '-s', 'write', '-f', 'Box.sub', 'MAILDIR'], owner: 'bob' },
    { tool: ['maildirmake', '--add', 'pub=BOB', 'MAILDIR'], owner: 'ann' },
    { tool: ['deliverquota', 'MAILDIR/.Box'], owner: 'bob', input: 'Subject: one\n\nx\n' },
    { tool: ['deliverquota', 'MAILDIR/.Box'], owner: 'bob', input: 'Subject: one\n\nx\n' },
    'SUBSCRIBE shared.pub.Box',
    'SUBSCRIBE shared.pub.Box',
    'SUBSCRIBE shared.pub',
    'SUBSCRIBE shared.none.x',
    'SUBSCRIBE shared.pub.Box.sub',
    'SELECT shared.pub.Box',
    'STORE 1 +FLAGS (\\Flagged \\Seen)',
    'APPEND shared.pub.Box (\\Seen) 60',
    'CREATE shared.pub.new',
    'RENAME shared.pub.Box shared.pub.Bin',
    'SETACL shared.pub.Box eve lr',
    'NOOP',
    'STORE 2 +FLAGS (\\Deleted)',
    'EXPUNGE',
    'COPY 1 INBOX',
    'SELECT INBOX',
    'COPY 1 shared.pub.Box.sub',
    'UNSUBSCRIBE shared.pub.Box.sub',
  ],
};

for (const [name, operations] of Object.entries(cases))
  test(`${name}: Courier and Postrider leave the same files`, { skip, timeout: 60_000 }, (t) =>
    compare(t, operations),
  );
