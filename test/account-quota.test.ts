/** The quota that authentication gives an account, which Courier's login programs do not pass on. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { mailSettings } from '../src/cli/session-settings.ts';
import { resolveSettings } from '../src/config/resolve.ts';
import { openMailboxes } from '../src/supervisor/mail-services.ts';
import { testAccount } from './support/imap-client.ts';
import { MemoryConnection } from './support/memory-connection.ts';
import { temporaryAccount } from './support/temporary-account.ts';

async function limitOf(
  t: TestContext,
  quota: string | undefined,
  maildirQuota: string,
): Promise<string | undefined> {
  const a = temporaryAccount(t);
  const { settings } = resolveSettings('imap', new Map(), a.maildir);
  const mail = mailSettings({ ...settings, sanityCheck: false, maildirQuota });
  const account = { ...testAccount, maildir: a.maildir, ...(quota !== undefined && { quota }) };
  const mailboxes = await openMailboxes(
    account,
    new MemoryConnection(() => undefined),
    mail,
    a.account.settings.log,
    {},
  );
  const report = await mailboxes.quotas.report('ROOT');
  return report?.quota && a.get('maildirsize').split('\n')[0];
}

const rows: [quota: string | undefined, maildirQuota: string, limit: string | undefined][] = [
  [undefined, '', undefined],
  ['5000S,7C', '', '5000S,7C'],
  [undefined, '100S', '100S'],
  ['5000S', '100S', '5000S'],
  ['', '100S', '100S'],
];
for (const [quota, maildirQuota, limit] of rows)
  test(`an account with quota ${quota} where MAILDIRQUOTA is "${maildirQuota}"`, async (t) => {
    assert.equal(await limitOf(t, quota, maildirQuota), limit);
  });
