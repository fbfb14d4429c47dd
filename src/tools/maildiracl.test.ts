/** Outputs and exit codes are those of maildiracl of Courier 5.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryAccount } from '../../test/support/temporary-account.ts';
import { maildiracl } from './maildiracl.ts';

const usage = 'Usage: maildiracl [ options ] maildir [INBOX[.folder] [identifier rights]]\n';
const standard = 'owner\taceilrstwx\nadministrators\taceilrstwx\n';
const invalidOwner = 'Trying to set invalid access rights for owner\n';

/** Each row begins with INBOX.c whose list has `user=bob drw`; `M` is the maildir. */
const rows: [words: string[], code: number, out: string, err: string][] = [
  [[], 1, usage, ''],
  [['-z'], 1, usage, ''],
  [['-list'], 1, usage, ''],
  [['-list', 'M'], 1, usage, ''],
  [['-reset'], 1, usage, ''],
  [['-reset', 'M'], 0, '', ''],
  [['-list', 'M', 'INBOX'], 0, standard, ''],
  [['-list', 'M', 'INBOX.a'], 0, standard, ''],
  [['-list', 'M', 'INBOX.c'], 0, `${standard}user=bob\tdrw\n`, ''],
  [['-list', 'M', 'INBOX.c', 'extra'], 0, `${standard}user=bob\tdrw\n`, ''],
  [['-list', 'M', 'inbox'], 1, '', 'inbox: Invalid argument\n'],
  [['-list', 'M', 'foo'], 1, '', 'foo: Invalid argument\n'],
  [['-list', 'M/none', 'INBOX'], 0, standard, ''],
  [['-set', 'M', 'INBOX.c', 'user=x'], 1, usage, ''],
  [['-set', 'M', 'INBOX.c', 'owner', 'l'], 1, '', invalidOwner],
  [['-set', 'M', 'INBOX.c', 'owner', '-a'], 1, '', invalidOwner],
  [['-set', 'M', 'INBOX.c', 'administrators', 'l'], 1, '', 'M: Invalid argument\n'],
  [['-set', 'M/none', 'INBOX', 'anyone', 'lr'], 1, '', 'M/none: No such file or directory\n'],
  [['-delete', 'M', 'INBOX.c'], 1, usage, ''],
  [['-delete', 'M', 'INBOX.c', 'user=nobody'], 0, '', ''],
  [['-delete', 'M', 'INBOX.c', 'owner'], 1, '', invalidOwner],
  [['-compute', 'M', 'INBOX.c'], 1, usage, ''],
  [['-compute', 'M', 'INBOX.c', 'owner'], 0, 'aceilrstwx\n', ''],
  [['-compute', 'M', 'INBOX.c', 'user=x'], 0, '\n', ''],
  [['-compute', 'M', 'INBOX.c', 'user=x', 'user=bob'], 0, 'drw\n', ''],
  [['-compute', 'M', 'INBOX.c', 'administrators'], 0, 'aceilrstwx\n', ''],
];
for (const [words, code, out, err] of rows)
  test(`maildiracl ${words.join(' ')}`, async (t) => {
    const a = temporaryAccount(t);
    await a.account.createFolder('INBOX.c');
    a.put('.c/courierimapacl', 'owner aceilrstwx\nadministrators aceilrstwx\nuser=bob drw\n');
    const result = { code: 0, out: '', err: '' };
    const args = words.map((word) => word.replace(/^M/, a.maildir));
    result.code = await maildiracl(args, {
      stdout: (text) => (result.out += text.replaceAll(a.maildir, 'M')),
      stderr: (text) => (result.err += text.replaceAll(a.maildir, 'M')),
    });
    assert.deepEqual(result, { code, out, err });
  });

test('rights are replaced, added and taken away as they are written', async (t) => {
  const a = temporaryAccount(t);
  await a.account.createFolder('INBOX.c');
  const set = (...words: string[]) =>
    maildiracl([words[0], a.maildir, 'INBOX.c', ...words.slice(1)], {
      stdout: assert.fail,
      stderr: assert.fail,
    });
  const last = () => a.get('.c/courierimapacl').split('\n').slice(2).join('|');
  await set('-set', 'user=bob', 'lrd');
  assert.equal(last(), 'user=bob dlr|');
  await set('-set', 'user=bob', '+kw');
  await set('-set', 'user=bob', '-l');
  assert.equal(last(), 'user=bob dkrw|');
  await set('-set', 'user=bob', '');
  assert.equal(last(), 'user=bob |');
  await set('-delete', 'user=bob');
  assert.equal(last(), '');
});
