/** Reads Courier's access file, which may be a directory of files (frontend-tls-ops §2.4). */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, serviceNames } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import { type ListenerSettings, rowsOf } from '../config/settings.ts';
import { type AccessRule, parseAccessRules } from '../login/access-rules.ts';
import { accessRecord, accessVariables, resolveVariant } from './access-variants.ts';

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
    const found = checkVariables(config, file, read.rules);
    errors.push(...found.errors);
    warnings.push(...found.warnings);
  }
  return { errors, warnings };
}

/** Variables of access records that nothing reads, and values that are wrong. */
function checkVariables(config: Config, file: string, rules: readonly AccessRule[]) {
  const errors = new Map<string, Problem>();
  const readBy = new Set<string>(['MAXCPERIP']);
  const services = serviceNames.flatMap((name) => config[name] ?? []);
  for (const service of services.filter(({ settings }) => accessFileOf(settings) === file)) {
    const { dnsLists, drop } = service.settings.listenerOptions;
    for (const name of [...dnsLists.map(({ variable }) => variable), ...drop]) readBy.add(name);
    for (const { name } of rowsOf(service.scope)) readBy.add(name);
    for (const variables of accessVariables(rules, false, service.scope))
      for (const problem of resolveVariant(service, variables, config.directory).errors)
        if (problem.file === accessRecord) errors.set(JSON.stringify(problem), { ...problem, file });
  }
  const names = new Set(rules.flatMap(({ variables }) => Object.keys(variables)));
  const unread = [...names].filter((name) => !readBy.has(name));
  return {
    errors: [...errors.values()],
    warnings: unread.map((setting) => ({ file, line: 0, setting, message: 'nothing reads this variable' })),
  };
}

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
