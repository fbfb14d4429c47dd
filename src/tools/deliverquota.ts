/**
 * deliverquota: delivers a message into a maildir if its quota has room (quota-acl-shared §1.8, maildir-store §14).
 *
 *   create and write a file in `tmp`; add a line to the quota; rename the file into `new`
 *
 * Stopping before the rename leaves a file that is removed after 36 hours, and a usage that the next count corrects.
 */
import { closeSync, fstatSync, mkdirSync } from 'node:fs';
import { warnOfQuota } from '../access/quota-warning.ts';
import { octetPath, pathOctets } from '../base/paths.ts';
import {
  type Amount,
  adjustQuota,
  chargeQuota,
  formatLimit,
  hasQuota,
  parseLimit,
  percentUsed,
  quotaRootOf,
  readQuota,
  readQuotaLocked,
  withQuotaLock,
  writeQuota,
} from '../store/maildirsize.ts';
import type { QuotaRules, StoreSettings } from '../store/settings.ts';
import * as steps from '../store/steps.ts';
import { deliveredName, temporaryName, uniqueName } from '../store/unique-names.ts';
import { errorText, type ToolOutput, toolStoreSettings } from './tool.ts';

const usage = 'Usage: deliverquota [-c] [-w percent] maildir\n';

/** Exit codes of sysexits.h. */
const exit = { delivered: 0, usage: 73, failed: 74, cannotCreate: 75, later: 75, over: 77 } as const;

export interface DeliverInput {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The size, if standard input is a regular file that is not empty: then it is known before. */
  readonly fileOctets: number | undefined;
  /** The warning to deliver if -W names none: `quotawarnmsg` of the configuration directory. */
  readonly warningFile: string;
  readonly quotaRules: QuotaRules;
}

interface Options {
  create: boolean;
  warnPercent: number | undefined;
  warningFile: string;
  maildir: string;
  quota: string | undefined;
}

/** Runs deliverquota. @returns the exit code */
export async function deliverquota(
  args: readonly string[],
  input: DeliverInput,
  out: ToolOutput,
): Promise<number> {
  const options = parseArguments(args, input.warningFile);
  if (options === undefined) {
    out.stderr(usage);
    return exit.usage;
  }
  const settings = { ...toolStoreSettings(), ...input.quotaRules };
  const { maildir, quota } = options;
  const root = quotaRootOf(maildir);
  try {
    if (options.create) makeMaildir(maildir);
    if (quota !== undefined) await changeQuota(root, quota, settings, out);
  } catch (error) {
    out.stderr(`${args.find((word) => pathOctets(word) === maildir)}: ${errorText(causeOf(error))}\n`);
    return exit.cannotCreate;
  }
  const before = await readQuota(root, settings);
  const code = await deliver(maildir, root, input, settings, out);
  if (code !== exit.delivered && input.fileOctets === undefined) return code;
  if (options.warnPercent !== undefined && (code === exit.delivered || code === exit.over)) {
    const now = input.fileOctets === undefined ? await readQuota(root, settings) : before;
    const percent = code === exit.over ? 100 : now ? percentUsed(now) : 0;
    if (percent >= options.warnPercent) await warnOfQuota(root, options.warningFile, settings);
  }
  return code;
}

function parseArguments(args: readonly string[], warningFile: string): Options | undefined {
  const options: Options = {
    create: false,
    warnPercent: undefined,
    warningFile,
    maildir: '',
    quota: undefined,
  };
  let at = 0;
  for (; ; at++) {
    if (args[at] === '-c') options.create = true;
    else if (args[at] === '-w')
      options.warnPercent = Math.max(-1, Math.min(100, Number.parseInt(args[++at] ?? '', 10) || 0));
    else if (args[at] === '-W') options.warningFile = args[++at] ?? '';
    else break;
  }
  if (args[at] === undefined) return undefined;
  return { ...options, maildir: pathOctets(args[at]!), quota: args[at + 1] };
}

function makeMaildir(maildir: string): void {
  for (const name of ['cur', 'new', 'tmp'])
    mkdirSync(octetPath(maildir, name), { recursive: true, mode: 0o700 });
}

async function changeQuota(
  root: string,
  text: string,
  settings: StoreSettings,
  out: ToolOutput,
): Promise<void> {
  const complain = () => out.stderr(`WARN: quota string '${text}' not parseable\n`);
  const wanted = formatLimit(parseLimit(text, complain));
  if (wanted === '') return;
  await withQuotaLock(root, settings, async () => {
    const present = await readQuotaLocked(root, settings);
    if (present === undefined || formatLimit(present.limit) !== wanted)
      await writeQuota(root, parseLimit(text), settings);
  });
}

async function deliver(
  maildir: string,
  root: string,
  { chunks, fileOctets }: DeliverInput,
  settings: StoreSettings,
  out: ToolOutput,
): Promise<number> {
  const name = uniqueName(settings.hostname, '');
  const temporary = `${maildir}/tmp/${temporaryName(name)}`;
  let descriptor: number;
  try {
    descriptor = steps.create(temporary);
  } catch (error) {
    out.stderr(`${Buffer.from(maildir, 'latin1').toString()}: ${errorText(error)}\n`);
    return exit.cannotCreate;
  }
  try {
    for await (const chunk of chunks) steps.write(descriptor, chunk);
    const octets = fstatSync(descriptor).size;
    const amount = { octets, messages: 1 };
    const isCounted = settings.countTrash || !/(?:^|\/)\.Trash\/*$/.test(maildir);
    await steps.syncFile(descriptor);
    const place = () => {
      const delivered = deliveredName(name, fstatSync(descriptor, { bigint: true }));
      steps.rename(temporary, `${maildir}/new/${delivered}`);
    };
    if (!isCounted || !hasQuota(root)) place();
    else if (!(await placeCharged(root, amount, settings, place))) {
      steps.unlink(temporary);
      out.stdout('Mail quota exceeded.\n');
      return fileOctets === undefined ? exit.later : exit.over;
    }
    return exit.delivered;
  } catch (error) {
    steps.unlink(temporary);
    out.stderr(`${Buffer.from(maildir, 'latin1').toString()}: ${errorText(causeOf(error))}\n`);
    return exit.failed;
  } finally {
    closeSync(descriptor);
  }
}

/** Charges and delivers while no other of our programs counts; false if there is no room. */
function placeCharged(
  root: string,
  amount: Amount,
  settings: StoreSettings,
  place: () => void,
): Promise<boolean> {
  return withQuotaLock(root, settings, async () => {
    if (!(await chargeQuota(root, amount, settings))) return false;
    try {
      place();
      return true;
    } catch (error) {
      await adjustQuota(root, { octets: -amount.octets, messages: -amount.messages }, settings);
      throw error;
    }
  });
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? (error.cause ?? error) : error;
}
