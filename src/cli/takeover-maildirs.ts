/** Maildirs and shared folders of a Courier installation. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeModifiedUtf7 } from '../store/modified-utf7.ts';
import {
  type Accounts,
  change,
  differs,
  type Finding,
  type Installation,
  names,
  works,
} from './takeover-report.ts';

/** So many are looked at; with more of them the report would take its time. */
const looked = 10_000;

export function maildirFindings(installation: Installation, accounts: Accounts | string): Finding[] {
  const found = typeof accounts === 'string' ? [] : accountMaildirs(installation, accounts);
  return [...found, ...sharedIndex(installation)];
}

function accountMaildirs({ at }: Installation, accounts: Accounts): Finding[] {
  if (accounts.size === 0) return [];
  const missing: string[] = [];
  const foreign: string[] = [];
  const old: string[] = [];
  let good = 0;
  for (const [name, { uid, maildir }] of [...accounts].slice(0, looked)) {
    const path = maildir === undefined ? undefined : at(maildir);
    const stats = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === undefined || !stats?.isDirectory()) missing.push(name);
    else if (stats.uid !== uid) foreign.push(name);
    else if (hasOldNames(path)) old.push(name);
    else good++;
  }
  const about = 'maildirs';
  const found: Finding[] = [];
  if (good > 0)
    found.push(works(about, `${good} of ${accounts.size} accounts have one that can be used as it is`));
  if (missing.length > 0)
    found.push(differs(about, `${names(missing)}: none, so that there is nothing to log in to`));
  if (foreign.length > 0)
    found.push(change(about, `${names(foreign)}: belongs to another uid than the account's`));
  if (old.length > 0)
    found.push(
      change(
        about,
        `${names(old)}: folder names from before Courier 5.0 (modified UTF-7); convert them with maildirmake --convutf8`,
      ),
    );
  return found;
}

/** Folders as Courier wrote them before 5.0: `.&AOQ-`. */
function hasOldNames(maildir: string): boolean {
  try {
    return readdirSync(maildir).some(
      (name) => name.startsWith('.') && /[^ -~]/.test(decodeModifiedUtf7(name) ?? ''),
    );
  } catch {
    return false;
  }
}

function sharedIndex({ config, at }: Installation): Finding[] {
  const file = (config.imap ?? config.imaps)?.settings.sharedIndexFile;
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(at(file), 'latin1');
  } catch {
    return []; // nobody shares folders
  }
  const about = 'shared folders';
  const records = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const broken = records.filter((line) => !/^[^\t]+\t(\*\t[^\t]+|\d+\t\d+\t[^\t]+(\t.*)?)$/.test(line));
  const missing = records.flatMap((line) => {
    const [name = '', uid, , home = '', maildir = './Maildir'] = line.split('\t');
    if (uid === '*' || broken.includes(line)) return [];
    const path = at(maildir.startsWith('/') ? maildir : join(home, maildir));
    return statSync(path, { throwIfNoEntry: false }) ? [] : [name];
  });
  const found = [works(about, `${file} has ${records.length - broken.length} records`)];
  if (broken.length > 0) found.push(change(about, `${file}: ${broken.length} lines cannot be read`));
  if (missing.length > 0) found.push(differs(about, `${file}: ${names(missing)}: there is no maildir`));
  return found;
}
