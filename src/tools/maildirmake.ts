/** maildirmake: makes maildirs, folders, quotas and links to sharable maildirs (maildir-store §14). */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { octetPath, pathOctets } from '../base/paths.ts';
import { errorCode } from '../store/errno.ts';
import { parseLimit, withQuotaLock, writeQuota } from '../store/maildirsize.ts';
import type { QuotaRules } from '../store/settings.ts';
import { convertToUtf8 } from './maildir-utf8.ts';
import { addSharable, deleteSharable } from './shared-maildirs.ts';
import { errorText, type ToolOutput, toolStoreSettings } from './tool.ts';

const usage = 'Usage: maildirmake [ options ] maildir\n';

interface Refusal {
  readonly refusal: string;
  readonly stream: 'stdout' | 'stderr';
}

const wrongUsage: Refusal = { refusal: usage, stream: 'stdout' };

interface Options {
  folder?: string;
  quota?: string;
  sharable?: true;
  shareMode?: string;
  add?: string;
  delete?: string;
  utf8?: 'check' | 'convert';
}

/**
 * Runs maildirmake.
 * @returns the exit code: 0, 1 for any failure, 2 if a name to add exists
 */
export async function maildirmake(
  args: readonly string[],
  out: ToolOutput,
  rules: QuotaRules = {},
): Promise<number> {
  const parsed = parseArguments(args);
  if ('refusal' in parsed) {
    out[parsed.stream](parsed.refusal);
    return 1;
  }
  const { options, maildir, more } = parsed;
  try {
    if (options.utf8) return convertToUtf8(maildir, more, options.utf8 === 'convert', out);
    if (options.add !== undefined) return addSharable(maildir, options.add, out) ?? usageError(out);
    if (options.delete !== undefined) return await deleteSharable(maildir, options.delete, out);
    if (options.quota !== undefined) return await setQuota(maildir, options, rules, out);
    makeMaildir(maildir, options, options.folder !== undefined);
    return 0;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    out.stderr(`maildirmake: ${folderPath(maildir, options)}: ${errorText(error)}\n`);
    return 1;
  }
}

function usageError(out: ToolOutput): number {
  out.stdout(usage);
  return 1;
}

/** Options end at the first word that is none; a value may follow its letter at once. */
function parseArguments(
  args: readonly string[],
): { options: Options; maildir: string; more: readonly string[] } | Refusal {
  const options: Options = {};
  let at = 0;
  while (args[at]?.startsWith('-')) {
    const word = args[at++]!;
    if (word === '--checkutf8') options.utf8 = 'check';
    else if (word === '--convutf8') options.utf8 = 'convert';
    else if (word === '-S') options.sharable = true;
    else {
      const letter = word.startsWith('--') ? word : word.slice(0, 2);
      const attached = word.slice(letter.length);
      const value = attached === '' ? args[at++] : attached;
      const problem = value === undefined ? wrongUsage : setOption(options, letter, value);
      if (problem !== undefined) return problem;
    }
  }
  const maildir = args[at];
  if (maildir === undefined || (options.shareMode !== undefined && options.folder === undefined))
    return wrongUsage;
  return { options, maildir: pathOctets(maildir), more: args.slice(at + 1) };
}

function setOption(options: Options, letter: string, value: string): Refusal | undefined {
  if (letter === '-f') {
    if (value.startsWith('.')) return { refusal: `Invalid folder name: ${value}\n`, stream: 'stdout' };
    options.folder = pathOctets(value);
  } else if (letter === '-F') {
    // What is no character of the locale comes here as the replacement character.
    if (value.includes('\ufffd'))
      return { refusal: `Cannot convert ${value} to maildir encoding\n`, stream: 'stderr' };
    options.folder = pathOctets(escapeFolder(value));
  } else if (letter === '-q') options.quota = value;
  else if (letter === '-s') options.shareMode = value;
  else if (letter === '--add') options.add = value;
  else if (letter === '--del') options.delete = value;
  else return wrongUsage;
  return undefined;
}

/** One level of a folder name with what has a meaning elsewhere as `\ooo` (maildir-store §2.2). */
export function escapeFolder(name: string): string {
  return name.replace(/[./~:\\\x00-\x1f\x7f]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function folderPath(maildir: string, { folder }: Options): string {
  return Buffer.from(folder === undefined ? maildir : `${maildir}/.${folder}`, 'latin1').toString();
}

/** mkdir and chmod of the directory, `tmp`, `new`, `cur`; then the marker. Courier's order; a failure leaves the rest. */
function makeMaildir(maildir: string, options: Options, marker: boolean): void {
  const directory = options.folder === undefined ? maildir : `${maildir}/.${options.folder}`;
  const [outer, inner] = modes(options);
  makeDirectory(directory, outer);
  for (const name of ['tmp', 'new', 'cur']) makeDirectory(`${directory}/${name}`, inner);
  if (marker) closeSync(openSync(octetPath(directory, 'maildirfolder'), 'a', 0o600));
}

function makeDirectory(path: string, mode: number): void {
  mkdirSync(octetPath(path), mode);
  chmodSync(octetPath(path), mode);
}

/** Modes of the directory and of those in it. */
function modes({ folder, sharable, shareMode }: Options): [number, number] {
  if (folder === undefined) return sharable ? [0o755, 0o700] : [0o700, 0o700];
  const words = (shareMode ?? '').split(/[\s,]+/).map((word) => word[0]);
  const mask = words.includes('g') ? ~0o007 : ~0;
  if (words.includes('w')) return [0o1755 & mask, 0o1777 & mask];
  if (words.includes('r') || words.includes('g') || shareMode !== undefined || sharable)
    return [0o755 & mask, 0o755 & mask];
  return [0o700, 0o700];
}

async function setQuota(
  maildir: string,
  options: Options,
  rules: QuotaRules,
  out: ToolOutput,
): Promise<number> {
  const directory = options.folder === undefined ? maildir : `${maildir}/.${options.folder}`;
  try {
    if (!existsSync(octetPath(directory))) makeMaildir(maildir, options, false);
  } catch (error) {
    out.stderr(`${folderPath(maildir, options)}: ${errorText(error)}\n`);
    return 1;
  }
  const complain = () => out.stderr(`WARN: quota string '${options.quota}' not parseable\n`);
  const limit = parseLimit(options.quota!, complain);
  if (limit.octets > 0 || limit.messages > 0) {
    const settings = { ...toolStoreSettings(), ...rules };
    await withQuotaLock(directory, settings, () => writeQuota(directory, limit, settings));
  }
  return 0;
}
