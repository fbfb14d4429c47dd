import { notYet } from './resolve.ts';
import { type Row, rows, type SettingsFile } from './settings.ts';

const sections: readonly [SettingsFile, string][] = [
  ['imapd', 'IMAP. Both IMAP services read it; port 143 reads it last, so that its values count there.'],
  [
    'imapd-ssl',
    'IMAP and TLS. Both IMAP services read it; port 993 reads it last. Without it there is no TLS.',
  ],
  ['pop3d', 'POP3. Both POP3 services read it; port 110 reads it last.'],
  [
    'pop3d-ssl',
    'POP3 and TLS. Both POP3 services read it; port 995 reads it last. Without it there is no TLS.',
  ],
  ['authdaemonrc', 'The authentication daemon.'],
  [
    'postrider',
    'What Courier has no name for. It is read first, for all services; a setting of sessions can be written into ' +
      'the files above as well, and counts for their service then.',
  ],
];

const introduction = `# Settings

<!-- Written by scripts/settings-reference.ts from the table in src/config/settings. Do not edit. -->

The configuration directory is the one of \`--config\`, or of the variable \`POSTRIDER_CONFIG\`, or \`/etc/courier\`,
or \`/usr/lib/courier-imap/etc\`. Its files hold assignments in the syntax of the shell: \`NAME=value\`, quotes,
\`$NAME\` of an earlier assignment, comments. No shell is run: a line that needs one is an error. The last
assignment of a name counts. A wrong value stops the start; \`postrider config check\` tells all of them, and
\`postrider config show\` tells what counts and where it comes from.

Variables that are no settings are passed to the programs that a session runs.
`;

/** The text of docs/settings.md. */
export function settingsReference(): string {
  const parts = sections.map(([file, about]) => {
    const own = rows.filter((row) => row.files.includes(file));
    own.sort((a, b) => (a.name < b.name ? -1 : 1));
    const head = '| Setting | Default | Allowed | Meaning |\n|---|---|---|---|\n';
    return `\n## \`${file}\`\n\n${about}\n\n${head}${own.map(line).join('')}`;
  });
  return introduction + parts.join('');
}

function line(row: Row): string {
  const name = row.family ? `${row.name}…` : row.name;
  const fallback = row.default === '' ? (row.unset ?? '–') : code(row.default.replace('{config}', 'DIR'));
  const unit = row.unit === undefined || row.kind.allowed.includes(row.unit) ? '' : ` (${row.unit})`;
  const why = row.pending ? notYet : row.unused?.why;
  const unused = why === undefined ? '' : ` Has no effect: ${why}.`;
  const shipped = row.template ? ` Shipped: ${code(row.template)}.` : '';
  const cells = [code(name), fallback, row.kind.allowed + unit, row.means + unused + shipped];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}
