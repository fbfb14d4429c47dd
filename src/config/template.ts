/**
 * The shipped files (`imapd.dist` and so on), written from the table of settings. Their blocks have the labels and
 * revisions of Courier's, so that an upgrade carries the values of a Courier file over (frontend-tls-ops §6.1).
 */
import { createHash } from 'node:crypto';
import { type Row, rows, type SettingsFile } from './settings.ts';

export const settingsFiles: readonly SettingsFile[] = [
  'imapd',
  'imapd-ssl',
  'pop3d',
  'pop3d-ssl',
  'authdaemonrc',
  'postrider',
];

/** Courier's block of a setting where it is not `NAME:0`. */
const courierBlocks: Readonly<Record<string, string>> = {
  'imapd PORT': 'PORT:1',
  'pop3d PORT': 'PORT:1',
  'imapd-ssl SSLPORT': 'SSLPORT:1',
  'pop3d MAXPERIP': 'MAXPERIP:4',
  'imapd TCPDOPTS': 'TCPDOPTS:1',
  'pop3d TCPDOPTS': 'TCPDOPTS:1',
  'imapd IMAPACCESSFILE': 'ACCESSFILE:0',
  'imapd IMAP_CAPABILITY': 'IMAP_CAPABILITY:1',
  'imapd IMAP_KEYWORDS': 'KEYWORDS_CAPABILITY:0',
  'imapd IMAP_ACL': 'ACL_CAPABILITY:0',
  'imapd SMAP_CAPABILITY': 'SMAP1_CAPABILITY:0',
  'imapd IMAP_CAPABILITY_ORIG': 'IMAP_CAPABILITY_ORIG:2',
  'imapd IMAP_CAPABILITY_TLS_ORIG': 'IMAP_TLS_ORIG:0',
  'imapd IMAP_ID_FIELDS': 'ID_FIELDS:0',
  'imapd-ssl IMAP_TLS_REQUIRED': 'IMAP_TLS_REQUIRED:1',
  'imapd-ssl TLS_CACHEFILE': 'TLS_CACHE:1',
  'imapd-ssl TLS_CACHESIZE': 'TLS_CACHE:1',
  'pop3d POP3AUTH': 'POP3AUTH:1',
  'pop3d POP3AUTH_ORIG': 'POP3AUTH_ORIG:1',
  'pop3d POP3AUTH_TLS': 'POP3AUTH_TLS:1',
  'pop3d-ssl POP3_TLS_REQUIRED': 'POP3_TLS_REQUIRED:1',
  'pop3d-ssl TLS_CACHEFILE': 'TLS_CACHE:1',
  'pop3d-ssl TLS_CACHESIZE': 'TLS_CACHE:1',
  'authdaemonrc authmodulelist': 'authmodulelist:3',
  'authdaemonrc authmodulelistorig': 'authmodulelistorig:4',
  'authdaemonrc authdaemonvar': 'authdaemonvar:2',
  'authdaemonrc LDAP': 'LDAP_TLS_OPTIONS:0',
};

/**
 * The text of a shipped file.
 * @param directory  the configuration directory that its paths are to name
 */
export function templateText(file: SettingsFile, directory: string): string {
  const own = rows.filter((row) => row.files.includes(file) && !row.unused?.warn);
  const blocks = Map.groupBy(own, (row) => courierBlocks[`${file} ${row.name}`] ?? `${row.name}:0`);
  const body = [...blocks].map(([label, members]) => blockText(file, label, members, directory)).join('');
  // A new text is a new version: an upgrade does nothing for files that have the same.
  const version = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return `##VERSION: postrider ${version}\n#\n# ${file}: see docs/settings.md, or "postrider config show".\n${body}`;
}

function blockText(file: SettingsFile, label: string, members: readonly Row[], directory: string): string {
  const comments = members.map((row) => comment(row, directory)).join('#\n');
  const values = members.map((row) => valueLine(file, row, directory));
  const isSet = (line: string) => !line.startsWith('#');
  return (
    `\n##NAME: ${label}\n#\n${comments}#\n` +
    values.filter((line) => !isSet(line)).join('') +
    `\n${values.filter(isSet).join('')}`
  );
}

function comment(row: Row, directory: string): string {
  const fallback = row.default === '' ? (row.unset ?? 'empty') : fill(row.default, row, directory);
  const facts = row.unused
    ? `It has no effect: ${row.unused.why}.`
    : `Allowed: ${row.kind.allowed}. If it is missing: ${fallback}.`;
  return wrap(`${row.means} ${facts}`);
}

function valueLine(file: SettingsFile, row: Row, directory: string): string {
  const text = row.template ?? row.default;
  const value = fill(text, row, directory);
  const quoted = /^[\w./:@%+,=-]*$/.test(value) ? value : `"${value}"`;
  const name = row.family ? `${row.name}NAME` : row.name;
  const isExample = value === '' || file === 'postrider' || row.unused !== undefined;
  return `${isExample ? '# ' : ''}${name}=${quoted}\n`;
}

function fill(text: string, row: Row, directory: string): string {
  const protocol = row.scopes.includes('imap') ? 'imap' : 'pop3';
  return text.replace('{config}', directory).replace('{protocol}', protocol);
}

/** Comment lines of at most 80 columns. */
function wrap(text: string): string {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > 80 && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line, ''].join('\n');
}
