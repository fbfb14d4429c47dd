/** What `postrider takeover` looks at, subject by subject. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseUserdbLine, userdbField, userdbFiles } from '../auth/modules/userdb-text.ts';
import { type ServiceConfig, serviceNames } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { rowsOf } from '../config/settings.ts';
import { runningProcess } from '../supervisor/pid-file.ts';
import { accessFileOf, checkAccessFiles } from './access-file.ts';
import { certificateFindings } from './takeover-certificates.ts';
import { maildirFindings } from './takeover-maildirs.ts';
import {
  type Account,
  type Accounts,
  change,
  differs,
  type Finding,
  type Installation,
  names,
  works,
} from './takeover-report.ts';

/** Everything that is found, subject by subject. */
export async function takeoverFindings(installation: Installation): Promise<Finding[]> {
  const accounts = await readAccounts(installation);
  return [
    ...settingFindings(installation),
    ...serviceFindings(installation),
    ...accessFindings(installation),
    ...certificateFindings(installation),
    ...(await authenticationFindings(installation, accounts)),
    ...maildirFindings(installation, accounts),
    ...processFindings(installation),
  ];
}

function servicesOf({ config }: Installation): ServiceConfig[] {
  return serviceNames.flatMap((name) => config[name] ?? []);
}

function settingFindings(installation: Installation): Finding[] {
  const { config } = installation;
  const found: Finding[] = [
    ...config.errors.map((problem) => change('settings', formatProblem(problem))),
    ...config.warnings.map((problem) => differs('settings', formatProblem(problem))),
  ];
  const without = new Map<string, string>();
  for (const { scope, variables } of servicesOf(installation)) {
    for (const { name, unused } of rowsOf(scope))
      if (unused && !unused.warn && variables.get(name)?.value) without.set(name, unused.why);
  }
  for (const [name, why] of without) found.push(differs('settings', `${name} has no effect: ${why}`));
  if (config.errors.length === 0) found.push(works('settings', 'every value can be read'));
  return found;
}

function serviceFindings(installation: Installation): Finding[] {
  const services = servicesOf(installation);
  const found = services.map(({ scope, settings }) => {
    const places = settings.ports.map(({ address, port }) => `${address ?? settings.address ?? '*'}.${port}`);
    return settings.start
      ? works(scope, `is served on ${places.join(', ')}`)
      : works(scope, 'is not started, as the settings say');
  });
  for (const { scope, settings } of services) {
    const { dnsLists, drop, reverseLookup } = settings.listenerOptions;
    if (dnsLists.length > 0 && drop.length === 0)
      found.push(differs(scope, '-block and -allow without -drop refuse nobody; the lists are not asked'));
    if (reverseLookup)
      found.push(differs(scope, 'names of clients are not looked up (-nodnslookup is always on)'));
  }
  if (services.some(({ settings }) => settings.start))
    found.push(differs('services', 'one server has all ports; stopping it stops all of them'));
  return found;
}

function accessFindings(installation: Installation): Finding[] {
  const { config, at } = installation;
  const files = new Set(servicesOf(installation).flatMap(({ settings }) => accessFileOf(settings) ?? []));
  const { errors, warnings } = checkAccessFiles(config);
  return [
    ...errors.map((problem) => change('access file', formatProblem(problem))),
    ...warnings.map((problem) => differs('access file', formatProblem(problem))),
    ...[...files].flatMap((file) => {
      const text = statSync(at(file), { throwIfNoEntry: false });
      const compiled = statSync(at(`${file}.dat`), { throwIfNoEntry: false });
      if (text === undefined)
        return compiled === undefined
          ? []
          : [change('access file', `${file} is missing, only ${file}.dat is there, which cannot be read`)];
      const newer = compiled !== undefined && newestMs(at(file)) > compiled.mtimeMs;
      return newer
        ? [differs('access file', `${file} was changed after makeimapaccess; the text counts`)]
        : [works('access file', `${file} is read as text`)];
    }),
  ];
}

/** Of a file, or of those in a directory. */
function newestMs(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => statSync(join(path, name)).mtimeMs));
}

/** Files that modules need beside `authdaemonrc`. */
const moduleFiles: Readonly<Record<string, string>> = {
  authmysql: 'authmysqlrc',
  authpgsql: 'authpgsqlrc',
  authsqlite: 'authsqliterc',
  authldap: 'authldaprc',
  authpipe: 'authProg',
  authcustom: 'authcustom.js',
};
const otherModules = ['authuserdb', 'authpam', 'authpwd', 'authshadow'];
const gone = ['authvchkpw', 'authdaemon', 'authcram'];

async function authenticationFindings(
  installation: Installation,
  accounts: Accounts | string,
): Promise<Finding[]> {
  const { directory, config } = installation;
  const found: Finding[] = [];
  for (const module of config.auth.settings.modules) {
    const file = moduleFiles[module];
    if (gone.includes(module))
      found.push(differs('accounts', `${module} is passed over: Courier has dropped it, too`));
    else if (file === undefined && !otherModules.includes(module))
      found.push(change('accounts', `there is no module ${module}: remove it from authmodulelist`));
    else if (file !== undefined && !statSync(join(directory, file), { throwIfNoEntry: false }))
      found.push(change('accounts', `${module}: ${join(directory, file)} is missing`));
    else if (module !== 'authuserdb') found.push(works('accounts', `${module} is asked as before`));
    if (module === 'authpam')
      for (const service of ['imap', 'pop3'])
        if (!installation.hasPamService(service))
          found.push(differs('accounts', `/etc/pam.d/${service} is missing; PAM falls back on its "other"`));
  }
  if (config.auth.settings.modules.includes('authuserdb'))
    found.push(...userdbFindings(installation, accounts));
  return found;
}

function userdbFindings({ config, at }: Installation, accounts: Accounts | string): Finding[] {
  const { userdb } = config.auth.settings;
  if (typeof accounts === 'string') {
    const onlyCompiled = statSync(at(`${userdb}.dat`), { throwIfNoEntry: false }) !== undefined;
    const hint = onlyCompiled ? '; userdb.dat cannot be read: get the text back with userdb -show' : '';
    return [change('accounts', `${accounts}${hint}`)];
  }
  const found = [works('accounts', `authuserdb has ${accounts.size} accounts`)];
  const compiled = statSync(at(`${userdb}.dat`), { throwIfNoEntry: false });
  if (compiled && newestMs(at(userdb)) > compiled.mtimeMs)
    found.push(differs('accounts', `${userdb} was changed after makeuserdb; the text counts`));
  const minimum = config.auth.settings.minimumUid;
  const low = [...accounts].filter(([, { uid }]) => uid !== undefined && (uid === 0 || uid < minimum));
  if (low.length > 0)
    found.push(
      change('accounts', `${names(low.map(([name]) => name))}: a uid of 0 or below MINIMUM_UID is refused`),
    );
  return found;
}

/** A text: why they cannot be read. */
async function readAccounts({ config, at }: Installation): Promise<Accounts | string> {
  const accounts = new Map<string, Account>();
  if (!config.auth.settings.modules.includes('authuserdb')) return accounts;
  const maildirPath = (config.imap ?? config.pop3)?.settings.maildirPath ?? 'Maildir';
  try {
    for (const { path, label } of userdbFiles(at(config.auth.settings.userdb))) {
      for (const line of (await readFile(path, 'latin1')).split('\n')) {
        const [name, fields] = parseUserdbLine(line) ?? [];
        if (name === undefined || fields === undefined || accounts.has(label + name)) continue;
        const home = userdbField(fields, 'home');
        const maildir = userdbField(fields, 'mail') ?? maildirPath;
        accounts.set(label + name, {
          uid: Number(userdbField(fields, 'uid')) || 0,
          maildir: maildir.startsWith('/') ? maildir : home && join(home, maildir),
        });
      }
    }
    return accounts;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function processFindings(installation: Installation): Finding[] {
  const files = servicesOf(installation).flatMap(({ settings }) => settings.pidFile ?? []);
  const running = new Map(files.map((file) => [runningProcess(installation.at(file)), file]));
  running.delete(undefined);
  return [...running].map(([pid, file]) =>
    change(
      'processes',
      `${basename(file)}: process ${pid}${commandOf(pid!)} has the ports: stop it for the switch`,
    ),
  );
}

function commandOf(pid: number): string {
  try {
    return ` (${readFileSync(`/proc/${pid}/comm`, 'latin1').trim()})`;
  } catch {
    return '';
  }
}
