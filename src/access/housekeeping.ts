/** What is done for an account at its logins and logouts, beside what clients ask for. Failures are only logged. */
import { MailError } from '../base/mail-error.ts';
import type { Account } from '../store/account.ts';
import { parseEmptyTrash, purgeFolder } from '../store/trash.ts';
import { isCountedFolder, minus } from './quota.ts';
import type { QuotaRoots } from './quota-roots.ts';
import type { Targets } from './targets.ts';

/** Finishes what crashes have left. */
export async function repairAccount(account: Account): Promise<void> {
  try {
    await account.repair();
  } catch (error) {
    logFailure(account, 'repair', error);
  }
}

/**
 * Removes what has been in folders for too long.
 * @param value  IMAP_EMPTYTRASH, `7` or `Trash:7,Sent:30`
 * @param trashFolder  which one a mere number is for
 */
export async function emptyTrash(
  value: string | undefined,
  trashFolder: string,
  targets: Targets,
  quotas: QuotaRoots,
): Promise<void> {
  const { account } = targets;
  const { settings } = account;
  for (const { folder, days } of parseEmptyTrash(value, trashFolder))
    try {
      const target = targets.find(folder === 'INBOX' ? folder : `INBOX.${folder}`);
      if (!targets.exists(target)) continue;
      const purge = () => purgeFolder(account.directoryOf(target.folder), days, settings);
      if (!isCountedFolder(target.folder, settings)) await purge();
      else await quotas.of(account).change(async (ledger) => ledger.adjust(minus(await purge())));
    } catch (error) {
      logFailure(account, `emptying ${folder}`, error);
    }
}

function logFailure(account: Account, what: string, error: unknown): void {
  if (!(error instanceof MailError)) throw error;
  if (error.kind !== 'notFound') account.settings.log.warn(`${what}: ${error.message}`);
}
