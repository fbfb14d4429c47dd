import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryAccount } from '../../test/support/temporary-account.ts';
import { chargeQuota, hasQuota, recountQuota } from '../store/maildirsize.ts';
import type { QuotaRules } from '../store/settings.ts';
import { configuredQuotaRules } from './quota-rules.ts';

function configured(t: TestContext, imapd: string): QuotaRules {
  const directory = mkdtempSync(join(tmpdir(), 'postrider-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'imapd'), imapd);
  return configuredQuotaRules({ POSTRIDER_CONFIG: directory });
}

const files: [imapd: string, rules: QuotaRules][] = [
  ['', { countTrash: false, quotaLinks: false }],
  ['MAILDIR_SKIP_SYMLINK_CHECKS=0\n', { countTrash: false, quotaLinks: false }],
  ['MAILDIR_SKIP_SYMLINK_CHECKS=1\n', { countTrash: false, quotaLinks: true }],
  ['TRASHQUOTA=1\n', { countTrash: true, quotaLinks: false }],
];
for (const [imapd, rules] of files)
  test(`quotas by ${JSON.stringify(imapd)}`, (t) => assert.deepEqual(configured(t, imapd), rules));

const quota = `8S\n${'3'.padStart(12)} ${'1'.padStart(12)}\n`;
const charge = `${'4'.padStart(12)} ${'1'.padStart(12)}\n`;

test('a link to a quota file is no quota', async (t) => {
  const { account, maildir, put } = temporaryAccount(t);
  put('../quota', quota);
  symlinkSync('../quota', join(maildir, 'maildirsize'));
  const settings = { ...account.settings, ...configured(t, '') };
  assert.equal(await chargeQuota(maildir, { octets: 9, messages: 1 }, settings), true);
  assert.equal(readFileSync(join(maildir, '../quota'), 'latin1'), quota);
});

test('with MAILDIR_SKIP_SYMLINK_CHECKS a link to a quota file counts, and a new count takes its place', async (t) => {
  const { account, maildir, put, get } = temporaryAccount(t);
  put('../quota', quota);
  symlinkSync('../quota', join(maildir, 'maildirsize'));
  const settings = { ...account.settings, ...configured(t, 'MAILDIR_SKIP_SYMLINK_CHECKS=1\n') };
  assert.equal(hasQuota(maildir), true);
  assert.equal(await chargeQuota(maildir, { octets: 4, messages: 1 }, settings), true);
  assert.equal(await chargeQuota(maildir, { octets: 9, messages: 1 }, settings), false);
  assert.equal(readFileSync(join(maildir, '../quota'), 'latin1'), quota + charge);
  await recountQuota(maildir, settings);
  assert.equal(lstatSync(join(maildir, 'maildirsize')).isSymbolicLink(), false);
  assert.equal(get('maildirsize'), `8S\n${'0'.padStart(12)} ${'0'.padStart(12)}\n`);
  assert.equal(readFileSync(join(maildir, '../quota'), 'latin1'), quota + charge);
});
