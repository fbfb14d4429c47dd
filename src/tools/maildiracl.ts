/** maildiracl: shows and changes access control lists (quota-acl-shared §2.10). */
import { type Acl, AclRefused, combine, isAnybody, sortRights } from '../access/acl.ts';
import { AclFiles } from '../access/acl-files.ts';
import { MailError } from '../base/mail-error.ts';
import { pathOctets } from '../base/paths.ts';
import { openAccount } from '../store/account.ts';
import { entryOfName } from '../store/names.ts';
import { errorText, type ToolOutput, toolStoreSettings } from './tool.ts';

const usage = 'Usage: maildiracl [ options ] maildir [INBOX[.folder] [identifier rights]]\n';

/**
 * Runs maildiracl. Folder names are those of the directories, INBOX in upper case.
 * @returns the exit code: 0, or 1 for any failure
 */
export async function maildiracl(args: readonly string[], out: ToolOutput): Promise<number> {
  const [option, maildir, folder, ...words] = args;
  const needed = { '-reset': 0, '-list': 1, '-delete': 2, '-compute': 2, '-set': 3 }[option ?? ''];
  if (needed === undefined || maildir === undefined || args.length < 2 + needed) {
    out.stdout(usage);
    return 1;
  }
  const files = new AclFiles(openAccount(pathOctets(maildir), toolStoreSettings()));
  try {
    if (option === '-reset') await files.sweep();
    else await run(files, option!, folder!, words, out);
    return 0;
  } catch (error) {
    out.stderr(`${refusal(error, maildir, folder)}\n`);
    return 1;
  }
}

async function run(
  files: AclFiles,
  option: string,
  folder: string,
  words: readonly string[],
  out: ToolOutput,
): Promise<void> {
  entryOfName(folder);
  const [identifier = '', rights = ''] = words;
  if (option === '-set') await files.change(folder, undefined, (acl) => setRights(acl, identifier, rights));
  else if (option === '-delete')
    await files.change(folder, undefined, (acl) => acl.filter((entry) => entry.identifier !== identifier));
  else {
    const acl = files.effective(folder) ?? [];
    if (option === '-list') for (const entry of acl) out.stdout(`${entry.identifier}\t${entry.rights}\n`);
    else out.stdout(`${rightsOfIdentifiers(acl, words)}\n`);
  }
}

/** Letters stay as they are written, and an entry without any stays too. */
function setRights(acl: Acl, identifier: string, change: string): Acl {
  const before = acl.find((entry) => entry.identifier === identifier);
  const letters = change.replace(/^[+-]/, '');
  const kept = before?.rights ?? '';
  const rights = sortRights(
    change.startsWith('+')
      ? kept + letters
      : change.startsWith('-')
        ? [...kept].filter((right) => !letters.includes(right)).join('')
        : letters,
  );
  const entry = { identifier, rights };
  return before ? acl.map((other) => (other === before ? entry : other)) : [...acl, entry];
}

function rightsOfIdentifiers(acl: Acl, identifiers: readonly string[]): string {
  const rights = combine(acl, (identifier) => isAnybody(identifier) || identifiers.includes(identifier));
  return identifiers.includes('owner') ? sortRights(`a${rights}`) : rights;
}

function refusal(error: unknown, maildir: string, folder: string | undefined): string {
  if (error instanceof AclRefused) {
    if (error.identifier === 'owner') return 'Trying to set invalid access rights for owner';
    return `${error.identifier === 'administrators' ? maildir : 'maildiracl'}: Invalid argument`;
  }
  if (!(error instanceof MailError)) throw error;
  if (error.kind === 'invalidName')
    return `${/^INBOX(?:\.|$)/.test(folder ?? '') ? maildir : folder}: Invalid argument`;
  return `${maildir}: ${errorText(error.cause ?? error)}`;
}
