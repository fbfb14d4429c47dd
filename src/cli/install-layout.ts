/** Where `postrider install` puts things: the directories of Courier's documentation (frontend-tls-ops §9). */
import { join } from 'node:path';
import type { SettingsFile } from '../config/settings.ts';
import { settingsFiles, templateText } from '../config/template.ts';

/** The directories, as Courier's configure calls them; all absolute. */
export interface InstallDirectories {
  readonly bindir: string;
  readonly sbindir: string;
  readonly libexecdir: string;
  readonly datadir: string;
  readonly mandir: string;
  readonly sysconfdir: string;
  readonly certsdir: string;
  readonly piddir: string;
  readonly unitdir: string;
}

/** One thing to put in place. */
export type InstallStep =
  | { readonly kind: 'directory'; readonly path: string }
  /** `replace`: ours, new with every version; otherwise what is there stays. */
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly text: string;
      readonly mode: number;
      readonly replace: boolean;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const tools: Readonly<Record<'bindir' | 'sbindir' | 'libexecdir' | 'datadir', readonly string[]>> = {
  bindir: [
    'courierauthconfig',
    'deliverquota',
    'imapd',
    'maildiracl',
    'maildirkw',
    'maildirmake',
    'makeimapaccess',
    'pop3d',
  ],
  sbindir: [
    'authdaemond',
    'authenumerate',
    'authinfo',
    'authpasswd',
    'authtest',
    'makeuserdb',
    'mkdhparams',
    'mkimapdcert',
    'mkpop3dcert',
    'pw2userdb',
    'sharedindexinstall',
    'sharedindexsplit',
    'userdb',
    'userdbpw',
    'vchkpw2userdb',
  ],
  libexecdir: ['imapd-ssl.rc', 'imapd.rc', 'pop3d-ssl.rc', 'pop3d.rc'],
  datadir: ['mkdhparams', 'mkimapdcert', 'mkpop3dcert'],
};

/** What an installation consists of beside directories. */
export interface InstallSources {
  /** The program of this package. */
  readonly program: string;
  /** Every subcommand there is. */
  readonly commands: readonly string[];
  /** Manual pages, by file name. */
  readonly manual: ReadonlyMap<string, string>;
  /** Units of systemd, by file name, with Courier's own directories in them. */
  readonly units: ReadonlyMap<string, string>;
  /** The System-V script, likewise. */
  readonly script: string;
}

/** The paths that shipped files name, to be replaced by the real ones. */
const shippedProgram = '/usr/lib/courier-imap/bin/postrider';
const shippedSettings = '/usr/lib/courier-imap/etc';
const shippedPidDirectory = '/run/courier';

/** Everything in the order it is done; doing it twice changes nothing. */
export function installSteps(to: InstallDirectories, sources: InstallSources): InstallStep[] {
  const program = join(to.bindir, 'postrider');
  const fit = (text: string) =>
    text
      .replaceAll(shippedProgram, program)
      .replaceAll(shippedSettings, to.sysconfdir)
      .replaceAll(shippedPidDirectory, to.piddir);
  const ours = (path: string, text: string, mode = 0o644): InstallStep => ({
    kind: 'file',
    path,
    text,
    mode,
    replace: true,
  });
  return [
    ...directories(to).map((path): InstallStep => ({ kind: 'directory', path })),
    ours(program, wrapper(sources.program, to.sysconfdir), 0o755),
    ...toolLinks(to, program, sources.commands),
    ...settingSteps(to),
    ...[...sources.manual].map(([name, text]) => ours(join(to.mandir, `man${name.at(-1)}`, name), text)),
    ...[...sources.units].map(([name, text]) => ours(join(to.unitdir, name), fit(text))),
    ours(join(to.datadir, 'courier-imap.sysvinit'), fit(sources.script), 0o755),
  ];
}

function directories(to: InstallDirectories): string[] {
  const { bindir, sbindir, libexecdir, datadir, mandir, sysconfdir, certsdir, unitdir } = to;
  const inside = ['imapaccess', 'shared', 'shared.tmp'].map((name) => join(sysconfdir, name));
  const pages = ['man1', 'man8'].map((name) => join(mandir, name));
  return [bindir, sbindir, libexecdir, datadir, sysconfdir, ...inside, certsdir, ...pages, unitdir];
}

/** A program under every name; it tells the package's own where the settings are. */
function wrapper(program: string, sysconfdir: string): string {
  return [
    '#!/bin/sh',
    '# Made by "postrider install".',
    `: "\${POSTRIDER_CONFIG:=${sysconfdir}}"`,
    'export POSTRIDER_CONFIG',
    'name=$(basename -- "$0")',
    '[ "$name" = postrider ] || set -- "$name" "$@"',
    `exec '${program.replaceAll("'", "'\\''")}' "$@"`,
    '',
  ].join('\n');
}

function toolLinks(to: InstallDirectories, program: string, commands: readonly string[]): InstallStep[] {
  return (['bindir', 'sbindir', 'libexecdir', 'datadir'] as const).flatMap((directory) =>
    tools[directory]
      .filter((name) => commands.includes(name))
      .map((name): InstallStep => ({ kind: 'link', path: join(to[directory], name), target: program })),
  );
}

/** The shipped settings, and the same as live ones where there are none. */
function settingSteps(to: InstallDirectories): InstallStep[] {
  const step = (name: string, text: string, replace: boolean): InstallStep => ({
    kind: 'file',
    path: join(to.sysconfdir, name),
    text,
    mode: 0o600,
    replace,
  });
  const settings = settingsFiles.flatMap((file) => {
    const text = withValues(templateText(file, to.sysconfdir), valuesOf(file, to));
    return [step(`${file}.dist`, text, true), step(file, text, false)];
  });
  return [...settings, step('imapd.cnf', request('IMAP'), false), step('pop3d.cnf', request('POP3'), false)];
}

function valuesOf(file: SettingsFile, { certsdir, piddir }: InstallDirectories): Record<string, string> {
  switch (file) {
    case 'imapd':
    case 'pop3d':
      return { PIDFILE: join(piddir, `${file}.pid`) };
    case 'imapd-ssl':
      return { SSLPIDFILE: join(piddir, `${file}.pid`), TLS_CERTFILE: join(certsdir, 'imapd.pem') };
    case 'pop3d-ssl':
      return { SSLPIDFILE: join(piddir, `${file}.pid`), TLS_CERTFILE: join(certsdir, 'pop3d.pem') };
    default:
      return {};
  }
}

/** Puts values where the text has an assignment or, as a comment, an example of one. */
function withValues(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (changed, [name, value]) => changed.replace(new RegExp(`^(?:# )?${name}=.*$`, 'm'), `${name}="${value}"`),
    text,
  );
}

/** For mkimapdcert and mkpop3dcert, as Courier ships it. */
function request(protocol: string): string {
  return `[ req ]
encrypt_key = yes
distinguished_name = req_dn
x509_extensions = cert_type
prompt = no

[ req_dn ]
C=US
ST=NY
L=New York
O=Mail Server
OU=Automatically-generated ${protocol} SSL key
CN=localhost
emailAddress=postmaster@example.com

[ cert_type ]
nsCertType = server
`;
}
