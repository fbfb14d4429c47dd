/** `postrider index build|remove`: the text indexes of accounts, before anybody searches. */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AccountRecord } from '../auth/account-record.ts';
import { createAuthClient } from '../auth/client.ts';
import { MailError } from '../base/mail-error.ts';
import { octetPath } from '../base/paths.ts';
import { type Config, findConfigDirectory } from '../config/load.ts';
import { updateTextIndex } from '../search/text-index-update.ts';
import { type Account, openAccount } from '../store/account.ts';
import { keptPath } from '../store/kept-files.ts';
import { forgetClosedFolders, saveFolders } from '../store/registry.ts';
import { maildirOf } from '../supervisor/mail-services.ts';
import { findUser, isRoot } from '../supervisor/privileges.ts';
import { processLog } from '../supervisor/process-log.ts';
import type { MailSettings } from '../supervisor/settings.ts';
import { type CommandContext, usageExit } from './command.ts';
import { count, startProgress } from './index-progress.ts';
import { checkedConfig } from './serve.ts';
import { mailSettings } from './session-settings.ts';

const usage = `usage: postrider index build [--config DIR] ACCOUNT...
       postrider index remove [--config DIR] ACCOUNT...
`;

/** How long the work may go on in one turn of the event loop; nobody waits, but signals are heard. */
const turnMs = 50;

export async function run(context: CommandContext): Promise<number> {
  const { args, environment, stderr } = context;
  const words = readWords(args);
  if (words === undefined) {
    stderr(usage);
    return usageExit;
  }
  const config = checkedConfig(findConfigDirectory(words.config, environment), stderr);
  if (config === undefined) return 1;
  const mail = mailOf(config);
  if (mail === undefined) {
    stderr('postrider: no service is configured\n');
    return 1;
  }
  if (words.action === 'build' && mail.index.textIndexFrom === undefined) {
    stderr('postrider: TEXT_INDEX_FROM=0 or FOLDER_INDEX=NO: folders have no text index\n');
    return 1;
  }
  const client = createAuthClient({ socketPath: join(config.auth.settings.socketDirectory, 'socket') });
  let code = 0;
  for (const name of words.accounts) {
    const result = await client.lookup('imap', name);
    if (result.kind !== 'accepted') {
      stderr(
        `postrider: ${name}: ${result.kind === 'rejected' ? 'there is no such account' : result.reason}\n`,
      );
      code = 1;
    } else if (!(await doFor(result.account, mail, words.action, context))) code = 1;
  }
  return code;
}

interface Words {
  readonly action: 'build' | 'remove';
  readonly config: string | undefined;
  readonly accounts: readonly string[];
}

/** Undefined: the command line is wrong. */
function readWords([action, ...args]: readonly string[]): Words | undefined {
  if (action !== 'build' && action !== 'remove') return undefined;
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { config: { type: 'string' } },
      allowPositionals: true,
    });
    if (positionals.length === 0) return undefined;
    return { action, config: values.config, accounts: positionals };
  } catch {
    return undefined;
  }
}

function mailOf({ imap, imaps }: Config): MailSettings | undefined {
  const any = imap ?? imaps;
  return any && mailSettings(any.settings);
}

/** @returns whether all went well */
async function doFor(
  account: AccountRecord,
  mail: MailSettings,
  action: Words['action'],
  context: CommandContext,
): Promise<boolean> {
  try {
    return await asOwner(account, async () => {
      const { durable, keywords, useLocks, hostname, index } = mail;
      const store = openAccount(maildirOf(account, mail.maildirPath), {
        durable,
        keywords,
        useLocks,
        hostname,
        watch: false,
        log: processLog(),
        ...index,
      });
      const work = action === 'build' ? buildFolder : removeFolder;
      let isAll = true;
      for (const folder of (await store.listFolders()).keys()) {
        try {
          await work(store, folder, `${account.address} ${folder}`, context);
        } catch (error) {
          context.stderr(`postrider: ${account.address} ${folder}: ${textOf(error)}\n`);
          isAll = false;
        }
      }
      await saveFolders();
      forgetClosedFolders();
      return isAll;
    });
  } catch (error) {
    context.stderr(`postrider: ${account.address}: ${textOf(error)}\n`);
    return false;
  }
}

function textOf(error: unknown): string {
  if (error instanceof MailError || error instanceof Error) return error.message;
  throw error;
}

/** Does something with the rights of an account's owner, if this process may. */
async function asOwner<T>({ uid, gid, username }: AccountRecord, work: () => Promise<T>): Promise<T> {
  if (!isRoot()) return work();
  const owner = uid ?? (username === undefined ? undefined : findUser(username)?.uid);
  if (owner === undefined || owner === 0) throw new Error('its owner is nobody this command may become');
  const groups = process.getgroups!();
  const own = process.getegid!();
  process.setgroups!([gid]);
  process.setegid!(gid);
  process.seteuid!(owner);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(own);
    process.setgroups!(groups);
  }
}

async function buildFolder(
  account: Account,
  name: string,
  label: string,
  { stdout, terminalColumns }: CommandContext,
): Promise<void> {
  const folder = await account.openFolder(name);
  try {
    if (folder.count < account.settings.textIndexFrom!) return;
    const progress = startProgress(label, {
      write: stdout,
      columns: terminalColumns,
      nowMs: () => performance.now(),
    });
    let started = performance.now();
    const pause = () => {
      if (performance.now() - started < turnMs) return undefined;
      return setImmediate().then(() => {
        started = performance.now();
      });
    };
    let added = 0;
    await updateTextIndex(folder, {
      pause,
      progress(done, total) {
        added = done;
        progress.step(done, total);
      },
    });
    progress.finish(`${count(folder.count)} messages, ${count(added)} added`);
  } finally {
    folder.close();
  }
}

async function removeFolder(
  account: Account,
  name: string,
  label: string,
  { stdout }: CommandContext,
): Promise<void> {
  try {
    unlinkSync(octetPath(keptPath(account.directoryOf(name), account.settings, 'text')));
    stdout(`${label}: removed\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
