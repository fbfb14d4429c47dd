/**
 * `postrider takeover [DIR]`: reads a Courier installation and says what works as it is, what will be different, and
 * what has to be changed first. It changes nothing.
 */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findConfigDirectory, loadConfig } from '../config/load.ts';
import { type CommandContext, usageExit } from './command.ts';
import { takeoverFindings } from './takeover-findings.ts';
import type { Finding, Installation } from './takeover-report.ts';

export async function run({ args, environment, stdout, stderr }: CommandContext): Promise<number> {
  const [given] = args;
  if (args.length > 1 || given?.startsWith('-')) {
    stderr('usage: postrider takeover [DIR]\n');
    return usageExit;
  }
  const installation = findInstallation(given ?? findConfigDirectory(undefined, environment));
  if (installation === undefined) {
    stderr(`${given ?? 'postrider'}: no setting files of Courier here (imapd or pop3d)\n`);
    return 1;
  }
  const findings = await takeoverFindings(installation);
  stdout(`${installation.directory}\n${report(findings)}`);
  return findings.some(({ verdict }) => verdict === 'change') ? 1 : 0;
}

/** Where Courier's packages keep their settings. */
const usual = ['etc/courier', 'usr/lib/courier-imap/etc', 'usr/local/etc/courier', 'etc'];

/**
 * The configuration directory itself, or a directory above it: a prefix, or the root of a copy of the machine. In a
 * copy the paths in the settings are looked up below that root.
 */
function findInstallation(given: string): Installation | undefined {
  const directory = resolve(given);
  const holds = (path: string) => ['imapd', 'pop3d'].some((name) => isFile(join(path, name)));
  const found = holds(directory) ? directory : usual.map((path) => join(directory, path)).find(holds);
  if (found === undefined) return undefined;
  const tail = usual.slice(0, 3).find((path) => found.endsWith(`/${path}`));
  const root = tail === undefined ? '' : found.slice(0, -tail.length - 1);
  const config = loadConfig(found);
  return {
    directory: found,
    config,
    at: (path) => (root !== '' && !path.startsWith(`${root}/`) ? root + path : path),
    hasPamService: (name) => existsSync(`${root}/etc/pam.d/${name}`),
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

const headings = {
  works: 'Works as it is',
  differs: 'Will be different',
  change: 'To change before the switch',
} as const;

function report(findings: readonly Finding[]): string {
  return (['works', 'differs', 'change'] as const)
    .map((verdict) => {
      const lines = findings.filter((finding) => finding.verdict === verdict);
      const list = lines.map(({ about, text }) => `  ${about}: ${text}\n`).join('');
      return `\n${headings[verdict]}\n${list === '' ? '  nothing\n' : list}`;
    })
    .join('');
}
