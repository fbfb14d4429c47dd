/** Reads Courier's access file, which may be a directory of files (frontend-tls-ops §2.4). */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, serviceNames } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import type { ListenerSettings } from '../config/settings.ts';
import { type AccessRule, parseAccessRules } from '../login/access-rules.ts';

/** Left behind by editors and package managers. */
const leftover = /(~|\.dpkg-[^.]*|\.rpmsave|\.rpmnew)$/;

/**
 * The access file of a service. `-access=` in TCPDOPTS takes its place; there Courier's compiled form is named, and
 * the text it is made of lies beside it.
 */
export function accessFileOf(settings: ListenerSettings): string | undefined {
  const path = settings.listenerOptions.accessFile ?? settings.accessFile;
  return path?.replace(/\.dat$/, '');
}

/** What is wrong in the access files of a configuration, or has no effect there. */
export function checkAccessFiles(config: Config): { errors: Problem[]; warnings: Problem[] } {
  const files = new Set(serviceNames.map((name) => config[name] && accessFileOf(config[name].settings)));
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  for (const file of files) {
    if (file === undefined) continue;
    const read = readAccessFile(file);
    errors.push(...read.errors);
    const names = new Set(read.rules.flatMap(({ variables }) => Object.keys(variables)));
    for (const name of effective) names.delete(name);
    for (const name of names)
      warnings.push({ file, line: 0, setting: name, message: 'has no effect in an access file yet' });
  }
  return { errors, warnings };
}

/** Variables of access records that connections are served by. */
const effective = ['MAXCPERIP', 'DEFDOMAIN', 'IMAP_TLS_REQUIRED', 'POP3_TLS_REQUIRED'];

/** The records of an access file; there are none if it does not exist. */
export function readAccessFile(path: string): { rules: AccessRule[]; errors: Problem[] } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { rules: [], errors: [] };
  const files = stats.isDirectory() ? filesIn(path) : [path];
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  // One text, so that a key in two files is found; the line numbers are counted back.
  const { rules, errors } = parseAccessRules(texts.map((text) => `${text}\n`).join(''));
  return { rules, errors: errors.map(({ line, message }) => ({ ...locate(files, texts, line), message })) };
}

function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => !leftover.test(name))
    .map((name) => join(directory, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    .sort();
}

function locate(files: readonly string[], texts: readonly string[], line: number): Omit<Problem, 'message'> {
  let rest = line;
  for (const [index, text] of texts.entries()) {
    const lines = text.split('\n').length;
    if (rest <= lines) return { file: files[index]!, line: rest };
    rest -= lines;
  }
  return { file: files.at(-1) ?? '', line: rest };
}

/** Changes when an access file does, or a file in a directory of them. */
export function accessFilesStamp(config: Config): string {
  const paths = new Set(
    serviceNames.flatMap((name) => {
      const service = config[name];
      const path = service && accessFileOf(service.settings);
      return path === undefined ? [] : [path];
    }),
  );
  return [...paths].map(stampOf).join('\n');
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stats === undefined) return path;
  const own = `${path} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
  return stats.isDirectory() ? [own, ...filesIn(path).map(stampOf)].join('\n') : own;
}
