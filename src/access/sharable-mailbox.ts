/** Opening a folder of a sharable maildir. */
import { openAccount } from '../store/account.ts';
import type { Folder } from '../store/folder.ts';
import { type FolderStatus, openFolder, openStatus } from '../store/registry.ts';
import { OpenMailbox } from './open-mailbox.ts';
import { AccountQuota } from './quota.ts';
import type { Rights } from './rights.ts';
import { isWritable, mayCount, type SharableFolder } from './sharable.ts';
import type { Targets } from './targets.ts';

/** Subscribes to it: the user's flags need a place. */
async function openLinks({ account, sharables }: Targets, sharable: SharableFolder): Promise<Folder> {
  await sharables.subscribe(sharable);
  return openFolder(sharable.links, { ...account.settings, linkTarget: sharable.target });
}

/** @throws {MailError} notFound, noPermission, unavailable */
export async function statusOfSharable(targets: Targets, sharable: SharableFolder): Promise<FolderStatus> {
  const folder = await openLinks(targets, sharable);
  try {
    return openStatus(folder);
  } finally {
    folder.close();
  }
}

/** @throws {MailError} notFound, noPermission, unavailable */
export async function openSharable(
  targets: Targets,
  sharable: SharableFolder,
  rights: Rights,
  readOnly: boolean,
): Promise<OpenMailbox> {
  const { name, links, target } = sharable;
  const { settings } = targets.account;
  // By the one path that its owner's sessions know it by: they take turns at the quota.
  const { maildir } = openAccount(target.slice(0, target.lastIndexOf('/')), settings);
  return new OpenMailbox({
    name,
    folder: await openLinks(targets, sharable),
    rights,
    readOnly: readOnly || !isWritable(target),
    quota: new AccountQuota(mayCount(maildir) ? maildir : links, settings, ''),
    counted: true,
    trash: undefined,
  });
}
