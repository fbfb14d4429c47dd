import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Log, silentLog } from '../../src/base/log.ts';
import { type Account, openAccount } from '../../src/store/account.ts';
import { forgetClosedFolders } from '../../src/store/registry.ts';
import type { StoreSettings } from '../../src/store/settings.ts';

export const testStoreSettings: StoreSettings = {
  durable: false,
  keywords: 1,
  useLocks: true,
  hostname: 'mx1',
  log: silentLog,
  watch: false,
};

/** An account in a maildir of its own that goes with the test. */
export interface TemporaryAccount {
  readonly account: Account;
  readonly maildir: string;
  /** Writes a file below the maildir, its directories too. */
  put(path: string, text?: string): void;
  get(path: string): string;
}

export function temporaryAccount(t: TestContext, log: Log = silentLog): TemporaryAccount {
  const maildir = join(mkdtempSync(join(tmpdir(), 'postrider-')), 'Maildir');
  makeFolderDirectory(maildir);
  t.after(() => {
    forgetClosedFolders();
    rmSync(dirname(maildir), { recursive: true, force: true });
  });
  return {
    account: openAccount(maildir, { ...testStoreSettings, log }),
    maildir,
    put(path, text = '') {
      mkdirSync(dirname(join(maildir, path)), { recursive: true });
      writeFileSync(join(maildir, path), text);
    },
    get: (path) => readFileSync(join(maildir, path), 'latin1'),
  };
}

/** What another program makes of a folder: three directories. */
export function makeFolderDirectory(path: string): void {
  for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(path, name), { recursive: true });
  chmodSync(path, 0o700);
}
