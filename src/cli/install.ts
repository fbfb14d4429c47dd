/** `postrider install`: lays out directories, links, settings, manual pages and units (frontend-tls-ops §8, §9). */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type CommandContext, usageExit } from './command.ts';
import {
  type InstallDirectories,
  type InstallSources,
  type InstallStep,
  installSteps,
} from './install-layout.ts';

const usage = `usage: postrider install [--prefix DIR] [--bindir DIR] [--sbindir DIR] [--libexecdir DIR] [--datadir DIR]
       [--mandir DIR] [--sysconfdir DIR] [--certsdir DIR] [--piddir DIR] [--unitdir DIR] [--destdir DIR] [-n]
`;

const names = [
  'prefix',
  'bindir',
  'sbindir',
  'libexecdir',
  'datadir',
  'mandir',
  'sysconfdir',
  'certsdir',
  'piddir',
  'unitdir',
  'destdir',
] as const;
type Given = Partial<Record<(typeof names)[number], string>>;

const packageRoot = resolve(import.meta.dirname, '../..');

export async function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    stderr(usage);
    return usageExit;
  }
  const { given, dryRun } = options;
  // Loaded late: it is the list this module is in.
  const { commands } = await import('./commands.ts');
  const steps = installSteps(directoriesOf(given), readSources(Object.keys(commands)));
  process.umask(0o022);
  let code = 0;
  for (const step of steps) {
    const path = (given.destdir ?? '') + step.path;
    try {
      const outcome = perform({ ...step, path }, dryRun);
      if (outcome === 'foreign') {
        stderr(`${path}: is not Postrider's, left alone; remove it and run this again\n`);
        code = 1;
      } else if (outcome !== 'unchanged') stdout(`${path}: ${outcome}\n`);
    } catch (error) {
      stderr(`${path}: ${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    }
  }
  return code;
}

function readOptions(args: readonly string[]): { given: Given; dryRun: boolean } | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...(Object.fromEntries(names.map((name) => [name, { type: 'string' }])) as Record<
          (typeof names)[number],
          { type: 'string' }
        >),
        'dry-run': { type: 'boolean', short: 'n' },
      },
    });
    const { 'dry-run': dryRun, ...given } = values;
    const isPlain = (path: string | undefined) =>
      path === undefined || (isAbsolute(path) && !/["'\\$`\n]/.test(path));
    return names.every((name) => isPlain(given[name])) ? { given, dryRun: dryRun === true } : undefined;
  } catch {
    return undefined;
  }
}

/** Courier's defaults, which follow the prefix. */
function directoriesOf({ prefix = '/usr/lib/courier-imap', ...given }: Given): InstallDirectories {
  const sysconfdir = given.sysconfdir ?? join(prefix, 'etc');
  const datadir = given.datadir ?? join(prefix, 'share');
  return {
    bindir: given.bindir ?? join(prefix, 'bin'),
    sbindir: given.sbindir ?? join(prefix, 'sbin'),
    libexecdir: given.libexecdir ?? join(prefix, 'libexec'),
    datadir,
    mandir: given.mandir ?? join(prefix, 'man'),
    sysconfdir,
    certsdir: given.certsdir ?? datadir,
    piddir: given.piddir ?? '/var/run',
    unitdir: given.unitdir ?? '/etc/systemd/system',
  };
}

function readSources(commands: readonly string[]): InstallSources {
  const texts = (directory: string) =>
    new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
  return {
    program: join(packageRoot, 'bin/postrider'),
    commands,
    manual: texts(join(packageRoot, 'docs/man')),
    units: texts(join(packageRoot, 'etc/systemd')),
    script: readFileSync(join(packageRoot, 'etc/courier-imap.sysvinit'), 'utf8'),
  };
}

type Outcome = 'made' | 'replaced' | 'unchanged' | 'foreign';

function perform(step: InstallStep, dryRun: boolean): Outcome {
  const present = lstatSync(step.path, { throwIfNoEntry: false });
  if (step.kind === 'directory') {
    if (present !== undefined) return 'unchanged';
    if (!dryRun) mkdirSync(step.path, { recursive: true, mode: 0o755 });
    return 'made';
  }
  if (step.kind === 'link') {
    if (present === undefined) {
      if (!dryRun) symlinkSync(step.target, step.path);
      return 'made';
    }
    return present.isSymbolicLink() && readlinkSync(step.path) === step.target ? 'unchanged' : 'foreign';
  }
  if (present !== undefined && !step.replace) return 'unchanged';
  if (present?.isFile() && readFileSync(step.path, 'utf8') === step.text) return 'unchanged';
  if (present !== undefined && !present.isFile()) return 'foreign';
  if (!dryRun) {
    // Whole or not at all, also for a program that is running.
    writeFileSync(`${step.path}.new`, step.text, { mode: step.mode });
    chmodSync(`${step.path}.new`, step.mode);
    renameSync(`${step.path}.new`, step.path);
  }
  return present === undefined ? 'made' : 'replaced';
}
