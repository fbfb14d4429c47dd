/** `public`: folders of other accounts, their rights, and names that mailbox names must not have (smap §3, §5.10). */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { InProcessSmapClient } from '../../test/support/smap-client.ts';
import { makeFolderDirectory, temporaryAccount } from '../../test/support/temporary-account.ts';
import { defaultMailboxesSettings, Mailboxes } from '../access/mailboxes.ts';

/** A session of `me`, who may see what fred shares in the group `groupa`. */
async function withFred(
  t: TestContext,
  index = 'groupa\t*\tgroup\n',
  mungeNames = false,
): Promise<{ client: InProcessSmapClient; fred: string }> {
  const a = temporaryAccount(t);
  const home = dirname(a.maildir);
  const fred = join(home, 'fred/Maildir');
  for (const folder of ['', '.x', '.x.y', '.hidden', '.drop', '.a\\056b'])
    makeFolderDirectory(join(fred, folder));
  const acl = (folder: string, text: string) => writeFileSync(join(fred, folder, 'courierimapacl'), text);
  acl('', 'owner aceilrstwx\n');
  acl('.x', 'owner aceilrstwx\nanyone lr\n');
  acl('.hidden', 'owner aceilrstwx\n');
  acl('.drop', 'owner aceilrstwx\nanyone li\n');
  acl('.a\\056b', 'owner aceilrstwx\nanyone lrstwe\n');
  writeFileSync(join(fred, '.x/cur/1.m:2,'), 'Subject: x\n\n');
  writeFileSync(join(fred, '.a\\056b/cur/1.m:2,'), 'Subject: ab\n\n');
  writeFileSync(join(home, 'index'), index.replace('HOME', home));
  writeFileSync(join(home, 'group'), `fred\t1000\t1000\t${home}/fred\n`);
  const shared = { indexFile: join(home, 'index'), mungeNames };
  const identity = { login: 'me', groups: [], aclsDisabled: false };
  const client = new InProcessSmapClient(a.maildir, {
    makeMailboxes: () => new Mailboxes(a.account, { ...defaultMailboxesSettings, shared }, identity),
  });
  t.after(() => client.close());
  await client.line();
  return { client, fred };
}

test('public shows groups, accounts and their folders, as far as they may be seen', async (t) => {
  const { client } = await withFred(t);
  const rows: [string, string[]][] = [
    ['LIST public', ['* LIST "groupa" "groupa" DIRECTORY']],
    ['LIST public groupa', ['* LIST "fred" "fred" DIRECTORY']],
    [
      'LIST public groupa fred',
      ['* LIST "a.b" "a.b" FOLDER', '* LIST "drop" "drop" FOLDER', '* LIST "x" "x" FOLDER DIRECTORY'],
    ],
    ['LIST public groupa fred x', ['* LIST "y" "y" FOLDER']],
    ['LIST public groupb', []],
  ];
  for (const [command, lines] of rows)
    assert.deepEqual(await client.command(command), [...lines, '+OK LIST completed'], command);
});

test('each command asks for its right there', async (t) => {
  const { client } = await withFred(t);
  const denied = (right: string) => [`-ERR Access denied: ACL "${right}" is required`];
  const rows: [string, string[]][] = [
    ['ACL public groupa fred x y', ['* ACL "lr"', '+OK ACLs retrieved']],
    ['ACL public groupa', ['* ACL "l"', '+OK ACLs retrieved']],
    ['ACL public groupa fred hidden', denied('a')],
    ['GETACL public groupa', denied('a')],
    ['GETACL public groupa fred x', denied('a')],
    ['SETACL public groupa fred x "" anyone +a', denied('a')],
    ['DELETEACL public groupa fred x "" anyone', denied('a')],
    ['STATUS FULL public groupa fred drop', ['* STATUS EXISTS=0 UNSEEN=0', '+OK Folder status retrieved']],
    ['STATUS FULL public groupa fred hidden', denied('l')],
    ['OPEN public groupa', denied('r')],
    ['OPEN public groupa fred drop', denied('r')],
    ['SOPEN "" public groupa fred hidden', denied('r')],
    ['CREATE public groupa fred x z', denied('c')],
    ['CREATE public groupa z', denied('c')],
    ['MKDIR public z', denied('c')],
    ['RMDIR public groupa fred x z', denied('x')],
    ['DELETE public groupa fred x', denied('x')],
    ['RENAME public groupa fred x "" public groupa fred z', denied('x')],
    ['ADD FOLDER public groupa fred x ""', denied('i')],
    ['ADD FOLDER public groupa fred drop ""', ['+OK Will add to this folder']],
    ['OPEN public groupa fred x', ['* EXISTS 1', '+OK Folder opened']],
    ['STORE 1 FLAGS=SEEN,DELETED', ['* FETCH 1 FLAGS=', '+OK Folder status updated']],
    ['STORE 1 KEYWORDS=a', ['* FETCH 1 "KEYWORDS="', '+OK Folder status updated']],
    ['FETCH 1 CONTENTS=BODY', ['{.0} FETCH 1 CONTENTS', '.', '+OK Message retrieved.']],
    ['EXPUNGE 1', denied('e')],
    ['EXPUNGE', denied('e')],
    ['MOVE 1 "" INBOX', denied('t')],
    ['COPY 1 "" public groupa fred x', denied('i')],
    ['OPEN public groupa fred a.b', ['* EXISTS 1', '+OK Folder opened']],
    ['STORE 1 FLAGS=SEEN,DELETED', ['* FETCH 1 FLAGS=SEEN,DELETED', '+OK Folder status updated']],
    ['EXPUNGE', ['* EXPUNGE 1', '+OK Folder updated']],
  ];
  for (const [command, lines] of rows) assert.deepEqual(await client.command(command), lines, command);
});

test('several entries of a list change together or not at all, and count at once', async (t) => {
  const { client } = await withFred(t);
  const own = '"owner" "aceilrstwx" "administrators" "aceilrstwx"';
  const rows: [string, string[]][] = [
    [
      'SETACL INBOX "" user=fred ace anyone lr group=g1 lrs -user=x r user=u5 l user=u6 l',
      [
        `* GETACL ${own} "user=fred" "ace" "anyone" "lr" "group=g1" "lrs" "-user=x" "r"`,
        '* GETACL "user=u5" "l" "user=u6" "l"',
        '+OK Updated ACLs',
      ],
    ],
    ['SETACL INBOX "" anyone "" owner -l', ['-ERR ACL update failed']],
    ['SETACL INBOX "" anyone q', ['-ERR Invalid argument']],
    ['SETACL INBOX "" nobody lr', ['-ERR Invalid argument']],
    ['SETACL INBOX nosuch "" anyone lr', ['-ERR No such file or directory']],
    [
      'DELETEACL INBOX "" user=fred group=g1 -user=x user=u5 user=u6 user=nobody',
      [`* GETACL ${own} "anyone" "lr"`, '+OK Updated ACLs'],
    ],
    ['OPEN INBOX', ['* EXISTS 0', '+OK Folder opened']],
    [
      'SETACL INBOX "" anyone "" owner alr',
      ['* GETACL "owner" "alr" "administrators" "aceilrstwx"', '+OK Updated ACLs'],
    ],
    ['EXPUNGE', ['-ERR Access denied: ACL "e" is required']],
  ];
  for (const [command, lines] of rows) assert.deepEqual(await client.command(command), lines, command);
});

test('accounts whose names have dots are listed and opened by what is listed', async (t) => {
  const { client } = await withFred(t, 'fred@example.org\t1000\t1000\tHOME/fred\n', true);
  const rows: [string, string[]][] = [
    ['LIST public', ['* LIST "fred@example\\:org" "fred@example\\:org" DIRECTORY', '+OK LIST completed']],
    ['LIST public "fred@example\\:org" x', ['* LIST "y" "y" FOLDER', '+OK LIST completed']],
    ['OPEN public "fred@example\\:org" x', ['* EXISTS 1', '+OK Folder opened']],
    ['OPEN public "fred@example\\:org" a.b', ['* EXISTS 1', '+OK Folder opened']],
  ];
  for (const [command, lines] of rows) assert.deepEqual(await client.command(command), lines, command);
});
