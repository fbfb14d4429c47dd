import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { SettingsFile } from './settings.ts';
import { settingsFiles, templateText } from './template.ts';
import { upgradeSettings } from './upgrade.ts';

export interface UpgradeOptions {
  readonly directory: string;
  /**
   * Names of settings files (`imapd`), or paths of shipped ones (`/x/imapd.dist`); none: the files that exist, and
   * `postrider`.
   */
  readonly files: readonly string[];
  /** Say what would be done. */
  readonly dryRun: boolean;
  /** Also files that have the version of the shipped one. */
  readonly force: boolean;
}

/**
 * Brings settings files up to date with the shipped ones. The old file stays beside the new as FILE.bak; a file
 * that is not there is copied from the shipped one.
 * @param tell  takes the report line by line, e.g. `imapd:` and `  PORT: unchanged`
 * @returns the exit code: 0, or 9 if a file could not be brought up to date (the others are)
 */
export function upgradeFiles(options: UpgradeOptions, tell: (line: string) => void): number {
  const { directory, files } = options;
  const existing = settingsFiles.filter((name) => name === 'postrider' || existsSync(join(directory, name)));
  let code = 0;
  for (const file of files.length === 0 ? existing : files) {
    try {
      upgradeFile(file, options, tell);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      tell(`${file}: ${error.message}`);
      code = 9;
    }
  }
  return code;
}

function upgradeFile(file: string, options: UpgradeOptions, tell: (line: string) => void): void {
  const { dryRun, force } = options;
  const { distPath, dist } = shippedFile(file, options);
  const livePath = distPath.slice(0, -'.dist'.length);
  const name = basename(livePath);
  if (!existsSync(livePath)) {
    tell(`${name}: installed`);
    if (!dryRun) replaceFile(livePath, dist, undefined);
    return;
  }
  const target = realpathSync(livePath);
  const live = readFileSync(target, 'utf8');
  const upgrade = upgradeSettings(live, dist, distPath, force);
  if (upgrade.kind === 'current') return;
  tell(`${name}:`);
  if (upgrade.kind === 'foreign') tell(`  has no version: installed anew, see ${name}.bak`);
  else for (const step of upgrade.steps) tell(`  ${step.name}: ${step.outcome}`);
  if (!dryRun) replaceFile(target, upgrade.kind === 'merged' ? upgrade.text : dist, live);
}

/** The shipped file of a path, or of a name: then it is written anew from the table of settings. */
function shippedFile(file: string, options: UpgradeOptions): { distPath: string; dist: string } {
  if (file.endsWith('.dist')) return { distPath: file, dist: readFileSync(file, 'utf8') };
  const name = settingsFiles.find((known): known is SettingsFile => known === file);
  if (name === undefined) throw new Error(`there is no such file; there are ${settingsFiles.join(', ')}`);
  const distPath = join(options.directory, `${name}.dist`);
  const dist = templateText(name, options.directory);
  if (!options.dryRun) writeFileSync(distPath, dist, { mode: 0o600 });
  return { distPath, dist };
}

/**
 * FILE.new is written with the owner and mode of FILE, the old text is kept as FILE.bak, and one rename makes the
 * new file valid: whoever reads FILE meanwhile finds the old or the new one, whole.
 */
function replaceFile(path: string, text: string, old: string | undefined): void {
  const like = statSync(path, { throwIfNoEntry: false });
  if (old !== undefined) writeLike(`${path}.bak`, old, like);
  writeLike(`${path}.new`, text, like);
  renameSync(`${path}.new`, path);
}

function writeLike(path: string, text: string, like: Stats | undefined): void {
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true });
  if (like === undefined) return;
  if (process.getuid?.() === 0) chownSync(path, like.uid, like.gid);
  chmodSync(path, like.mode & 0o777);
}
