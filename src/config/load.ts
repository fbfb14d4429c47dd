/** Reads the configuration directory into typed, frozen settings with their origins, errors and warnings. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crossChecks } from './cross-checks.ts';
import type { Origin, Problem } from './problem.ts';
import { resolveSettings, type Variables } from './resolve.ts';
import { filesOf, type Scope, type SettingsFile, type SettingsOf } from './settings.ts';
import { parseShellFile } from './shell-file.ts';
import { unknownSettings } from './unknown-settings.ts';

/** The four services, named as their configuration is. */
export const serviceNames = ['imap', 'imaps', 'pop3', 'pop3s'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The settings of one scope and where each value comes from. */
export interface ScopeConfig<S extends Scope> {
  readonly scope: S;
  readonly settings: SettingsOf[S];
  /** By setting name, the text that counts and its origin; only what a file (or the start itself) assigns. */
  readonly variables: Variables;
}

/** One service that the directory configures. */
export interface ServiceConfig<S extends ServiceName = ServiceName> extends ScopeConfig<S> {
  readonly protocol: S extends 'imap' | 'imaps' ? 'imap' : 'pop3';
  /** True on 993 and 995, where TLS comes before the greeting. */
  readonly implicitTls: boolean;
  /**
   * What Courier's start script exports: every variable of the files, also those no setting has, and what the
   * script adds (IMAP_TLS and so on). For programs run on behalf of a session.
   */
  readonly environment: Readonly<Record<string, string>>;
}

/** Everything the directory says. */
export interface Config {
  readonly directory: string;
  readonly imap?: ServiceConfig<'imap'>;
  readonly imaps?: ServiceConfig<'imaps'>;
  readonly pop3?: ServiceConfig<'pop3'>;
  readonly pop3s?: ServiceConfig<'pop3s'>;
  readonly auth: ScopeConfig<'auth'>;
  readonly server: ScopeConfig<'server'>;
  /** If there is one, nothing may be started: the values it concerns are defaults. */
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * The configuration directory: the one asked for, else POSTRIDER_CONFIG, else the first of Debian's and Courier's
 * own that exists.
 */
export function findConfigDirectory(
  asked: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (asked !== undefined && asked !== '') return asked;
  const named = environment['POSTRIDER_CONFIG'];
  if (named !== undefined && named !== '') return named;
  const usual = ['/etc/courier', '/usr/lib/courier-imap/etc'];
  return (
    usual.find((directory) => statSync(directory, { throwIfNoEntry: false })?.isDirectory()) ?? usual[0]!
  );
}

/**
 * Reads all files of a configuration directory (frontend-tls-ops §1, §6). A service whose file is missing is not
 * configured; wrong values and files that cannot be read are in `errors`.
 */
export function loadConfig(directory: string): Config {
  const reader = new DirectoryReader(directory);
  const imap = reader.service('imap', 'imapd', 'imapd');
  const imaps = reader.service('imaps', 'imapd', 'imapd-ssl');
  const pop3 = reader.service('pop3', 'pop3d', 'pop3d');
  const pop3s = reader.service('pop3s', 'pop3d', 'pop3d-ssl');
  const auth = reader.scope('auth');
  const server = reader.scope('server');
  const found = crossChecks([imap, imaps, pop3, pop3s].filter((service) => service !== undefined));
  for (const error of found.errors) reader.errors.add(error);
  for (const warning of found.warnings) reader.warnings.add(warning);
  if (imap === undefined && pop3 === undefined)
    reader.errors.add({
      file: directory,
      line: 0,
      message: 'neither imapd nor pop3d is here: nothing to serve',
    });
  return Object.freeze({
    directory,
    ...(imap && { imap }),
    ...(imaps && { imaps }),
    ...(pop3 && { pop3 }),
    ...(pop3s && { pop3s }),
    auth,
    server,
    errors: reader.errors.list(),
    warnings: reader.warnings.list(),
  });
}

/** What the start scripts set beside the files (frontend-tls-ops §7.1). */
const exported: Readonly<Record<ServiceName, (name: (name: string) => string) => Record<string, string>>> = {
  imap: (value) => ({ IMAP_STARTTLS: value('IMAPDSTARTTLS'), TLS_PROTOCOL: value('TLS_STARTTLS_PROTOCOL') }),
  imaps: () => ({ IMAP_TLS: '1' }),
  pop3: (value) => ({ TLS_PROTOCOL: value('TLS_STARTTLS_PROTOCOL') }),
  pop3s: () => ({ POP3_TLS: '1', POP3_STARTTLS: 'NO', POP3_TLS_REQUIRED: '0' }),
};

/** Values that count whatever the files say: where TLS comes first there is nothing to start or to require. */
const forced: Readonly<Record<ServiceName, Readonly<Record<string, string>>>> = {
  imap: {},
  imaps: { IMAPDSTARTTLS: 'NO', IMAP_TLS_REQUIRED: '0' },
  pop3: {},
  pop3s: { POP3_STARTTLS: 'NO', POP3_TLS_REQUIRED: '0' },
};

class DirectoryReader {
  readonly errors = new ProblemSet();
  readonly warnings = new ProblemSet();
  readonly #directory: string;
  readonly #texts = new Map<SettingsFile, string | undefined>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  service<S extends ServiceName>(
    name: S,
    base: SettingsFile,
    own: SettingsFile,
  ): ServiceConfig<S> | undefined {
    if (this.#text(own) === undefined) return undefined;
    if (this.#text(base) === undefined) {
      const message = `${own} is not used, because ${base} is missing beside it`;
      this.warnings.add({ file: join(this.#directory, own), line: 0, message });
      return undefined;
    }
    const read = this.#read(name);
    const environment = Object.fromEntries([...read].map(([variable, { value }]) => [variable, value]));
    Object.assign(
      environment,
      exported[name]((variable) => environment[variable] ?? ''),
    );
    const variables = new Map([...read, ...this.#forced(name)]);
    const implicitTls = name === 'imaps' || name === 'pop3s';
    const protocol = (base === 'imapd' ? 'imap' : 'pop3') as ServiceConfig<S>['protocol'];
    const { settings } = this.#resolve(name, variables);
    return Object.freeze({
      scope: name,
      protocol,
      implicitTls,
      settings,
      variables,
      environment: Object.freeze(environment),
    });
  }

  scope<S extends 'auth' | 'server'>(scope: S): ScopeConfig<S> {
    const variables = this.#read(scope);
    return Object.freeze({ scope, variables, settings: this.#resolve(scope, variables).settings });
  }

  #resolve<S extends Scope>(scope: S, variables: Variables) {
    const resolved = resolveSettings(scope, variables, this.#directory);
    for (const problem of resolved.errors) this.errors.add(problem);
    for (const problem of resolved.warnings) this.warnings.add(problem);
    return resolved;
  }

  #forced(name: ServiceName): Iterable<[string, { value: string } & Origin]> {
    const values = { ...forced[name] };
    let file = `the ${name} service`;
    const ssl = name === 'imap' ? 'imapd-ssl' : 'pop3d-ssl';
    if ((name === 'imap' || name === 'pop3') && this.#text(ssl) === undefined) {
      values[name === 'imap' ? 'IMAPDSTARTTLS' : 'POP3_STARTTLS'] = 'NO';
      file = `${ssl} is missing`;
    }
    return Object.entries(values).map(([variable, value]) => [variable, { value, file, line: 0 }]);
  }

  /** The files of a scope in their order; a later assignment replaces an earlier one. */
  #read(scope: Scope): Map<string, { value: string } & Origin> {
    const variables = new Map<string, { value: string } & Origin>();
    const values = new Map<string, string>();
    for (const file of filesOf[scope]) {
      const content = this.#text(file);
      if (content === undefined) continue;
      const { assignments, errors } = parseShellFile(content, join(this.#directory, file), values);
      for (const error of errors) this.errors.add(error);
      for (const { name, ...rest } of assignments) variables.set(name, rest);
      for (const warning of unknownSettings(file, assignments)) this.warnings.add(warning);
    }
    return variables;
  }

  /** A file's text; undefined: there is none. */
  #text(file: SettingsFile): string | undefined {
    if (!this.#texts.has(file)) this.#texts.set(file, this.#readText(join(this.#directory, file)));
    return this.#texts.get(file);
  }

  #readText(path: string): string | undefined {
    try {
      const octets = readFileSync(path);
      const decoded = octets.toString('utf8');
      // Comments of old files may be in another charset; nothing in a value depends on it.
      return decoded.includes('\ufffd') ? octets.toString('latin1') : decoded;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') this.errors.add({ file: path, line: 0, message: `cannot be read: ${message}` });
      return code === 'ENOENT' ? undefined : '';
    }
  }
}

/** Problems without repetition: most files are read for two services. */
class ProblemSet {
  readonly #problems = new Map<string, Problem>();

  add(problem: Problem): void {
    this.#problems.set(JSON.stringify(problem), problem);
  }

  /** By file and line. */
  list(): readonly Problem[] {
    const order = (a: Problem, b: Problem) =>
      a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
    return Object.freeze([...this.#problems.values()].sort(order));
  }
}
