/**
 * The store as other programs use it: `import { openAccount } from 'postrider/store'`. Servers and other programs may
 * work on the maildir at the same time.
 */
import { hostname } from 'node:os';
import { silentLog } from '../base/log.ts';
import type { StoreSettings } from './settings.ts';

export type { Log } from '../base/log.ts';
export { MailError } from '../base/mail-error.ts';
export { pathOctets } from '../base/paths.ts';
export { type Account, openAccount } from './account.ts';
export { flag } from './flags.ts';
export type { Append, Appended, Copied, Folder } from './folder.ts';
export type { OpenMessage } from './open-message.ts';
export { forgetClosedFolders } from './registry.ts';
export type { StoreSettings } from './settings.ts';

/** As the server has them by default: durable, with keywords and locks; without a log. */
export const defaultStoreSettings: StoreSettings = {
  durable: true,
  keywords: 1,
  useLocks: true,
  hostname: hostname(),
  log: silentLog,
};
