/** The file `maildirsize`: its format, and reading and appending it (quota-acl-shared §1.1, §1.2). */
import { closeSync, fstatSync, constants as o, openSync, readSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { asMailError, errorCode } from './errno.ts';
import type { QuotaRules } from './settings.ts';
import * as steps from './steps.ts';

export interface Amount {
  readonly octets: number;
  readonly messages: number;
}

/** 0 is no limit. */
export type Limit = Amount;

export interface Quota {
  readonly limit: Limit;
  readonly usage: Amount;
}

export interface QuotaFile extends Quota {
  /** The first line as it is. */
  readonly line: string;
  /** Lines behind the first. */
  readonly changes: number;
  /** The usage cannot be trusted: the file is long, its sum negative, or its end missing. */
  readonly mustCount: boolean;
  readonly mtimeMs: number;
}

export const quotaFile = 'maildirsize';
const longestFile = 5120;

/**
 * Reads `1000S,5C`: numbers with S (octets) or C (messages) in any order, the last counts; others are passed over.
 * @param complain  is told once if there is a number with another letter
 */
export function parseLimit(text: string, complain: () => void = () => undefined): Limit {
  const limit = { octets: 0, messages: 0 };
  for (const [, digits, letter] of text.matchAll(/(\d+)(.?)/g)) {
    if (letter === 'S') limit.octets = Number(digits);
    else if (letter === 'C') limit.messages = Number(digits);
    else complain();
  }
  return limit;
}

export function formatLimit({ octets, messages }: Limit): string {
  return [octets > 0 ? `${octets}S` : '', messages > 0 ? `${messages}C` : ''].filter(Boolean).join(',');
}

/** How full it is, 0 to 100: the fuller of both limits, in whole percent as Courier divides; 0 without a limit. */
export function percentUsed({ limit, usage }: Quota): number {
  const percents = [
    [usage.octets, limit.octets],
    [usage.messages, limit.messages],
  ].map(([used, most]) => {
    if (most === 0) return 0;
    const unit = most > 20_000_000 ? 1024 : 1;
    return used > most ? 100 : Math.floor((Math.floor(used / unit) * 100) / Math.floor(most / unit));
  });
  return Math.max(...percents);
}

export function formatChange({ octets, messages }: Amount): string {
  return `${String(octets).padStart(12)} ${String(messages).padStart(12)}\n`;
}

/** Opens the file to read and append; undefined if there is none, or it is a symbolic link and these do not count. */
export function openQuotaFile(root: string, { quotaLinks = false }: QuotaRules): number | undefined {
  try {
    return openSync(octetPath(root, quotaFile), o.O_RDWR | o.O_APPEND | (quotaLinks ? 0 : o.O_NOFOLLOW));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** undefined: there is none that counts. */
export function readQuotaFile(root: string, rules: QuotaRules): QuotaFile | undefined {
  const descriptor = openQuotaFile(root, rules);
  if (descriptor === undefined) return undefined;
  try {
    const octets = Buffer.alloc(longestFile);
    const length = readSync(descriptor, octets, 0, longestFile, 0);
    const { mtimeMs } = fstatSync(descriptor);
    return { ...parseQuotaFile(octets.toString('latin1', 0, length)), mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

function parseQuotaFile(text: string): Omit<QuotaFile, 'mtimeMs'> {
  const [line = '', ...changes] = text.replace(/\n$/, '').split('\n');
  const usage = { octets: 0, messages: 0 };
  for (const change of changes) {
    const amount = parseChange(change);
    usage.octets += amount?.octets ?? 0;
    usage.messages += amount?.messages ?? 0;
  }
  const isCut = text.length >= longestFile || !text.endsWith('\n');
  const mustCount = isCut || usage.octets < 0 || usage.messages < 0;
  return { line, limit: parseLimit(line), usage, changes: changes.length, mustCount };
}

/** One line behind the first; undefined if it is none. */
export function parseChange(line: string): Amount | undefined {
  const numbers = /^\s*(-?\d+)\s*(-?\d+)/.exec(line);
  return numbers ? { octets: Number(numbers[1]), messages: Number(numbers[2]) } : undefined;
}

/** Adds a line, in one write. @throws {MailError} */
export function appendChange(root: string, amount: Amount, rules: QuotaRules): void {
  const descriptor = openQuotaFile(root, rules);
  if (descriptor === undefined) return;
  try {
    steps.write(descriptor, Buffer.from(formatChange(amount)));
  } catch (error) {
    throw asMailError(error, 'cannot write the quota');
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a message with this file name counts: those that are \Deleted by a setting only. */
export function isCounted(fileName: string, { countTrash = false }: QuotaRules): boolean {
  if (fileName.startsWith('.')) return false;
  return countTrash || !/^[^:]*(?::(?!2,)[^:]*)*:2,[A-SU-Z]*T/.test(fileName);
}

/** The size in a file's name, `,S=`, left of the first colon; undefined if it has none. */
export function sizeInName(fileName: string): number | undefined {
  const digits = /^[^:]*,S=(\d+)/.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
