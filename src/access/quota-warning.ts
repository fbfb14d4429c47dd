/** The message that tells the owner of an account that it is nearly full (quota-acl-shared §1.8). */
import { closeSync, fstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from '../store/errno.ts';
import { adjustQuota, withQuotaLock } from '../store/maildirsize.ts';
import type { StoreSettings } from '../store/settings.ts';
import * as steps from '../store/steps.ts';
import { deliveredName, temporaryName, uniqueName } from '../store/unique-names.ts';

const dayMs = 86_400_000;

/**
 * Delivers the warning, once a day; it needs no room. What goes wrong here must not undo what was stored.
 * @param messageFile  its header and text; without it there is no warning
 */
export async function warnOfQuota(root: string, messageFile: string, settings: StoreSettings): Promise<void> {
  const stamp = octetPath(root, 'quotawarn');
  const last = statSync(stamp, { throwIfNoEntry: false });
  if (last && last.mtimeMs + dayMs > Date.now()) return;
  let template: Buffer;
  try {
    template = readFileSync(messageFile);
  } catch {
    return; // no warning is configured
  }
  try {
    writeFileSync(stamp, '\0', { mode: 0o644 });
    await deliver(root, template, settings);
  } catch (error) {
    const code = errorCode(error instanceof Error ? (error.cause ?? error) : error);
    if (code === undefined) throw error;
    settings.log.warn(`${root}: cannot deliver the quota warning: ${code}`);
  }
}

async function deliver(root: string, template: Buffer, settings: StoreSettings): Promise<void> {
  const name = uniqueName(settings.hostname, 'warn');
  const temporary = `${root}/tmp/${temporaryName(name)}`;
  const descriptor = steps.create(temporary);
  try {
    const id = `${Math.floor(Date.now() / 1000)}.overquota@${settings.hostname}`;
    const date = new Date().toUTCString().replace('GMT', '+0000');
    steps.write(descriptor, Buffer.concat([Buffer.from(`Date: ${date}\nMessage-Id: <${id}>\n`), template]));
    const file = fstatSync(descriptor, { bigint: true });
    await withQuotaLock(root, settings, () => {
      steps.rename(temporary, `${root}/new/${deliveredName(name, file)}`);
      return adjustQuota(root, { octets: Number(file.size), messages: 1 }, settings);
    });
  } finally {
    closeSync(descriptor);
  }
}
