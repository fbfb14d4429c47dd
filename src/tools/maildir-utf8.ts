/**
 * `maildirmake --checkutf8` and `--convutf8`: renames the folders of a maildir from before Courier 5.0, whose names are
 * modified UTF-7, to UTF-8 (maildir-store §2.3). All names are looked at before anything is changed.
 *
 * What is UTF-8 already stays as it is, where Courier would encode it once more.
 */
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { decodeLoosely } from '../store/modified-utf7.ts';
import { replaceFile } from '../store/root-files.ts';
import { subscriptionsFile } from '../store/subscriptions.ts';
import { errorText, type ToolOutput, toolStoreSettings } from './tool.ts';

/**
 * Converts one maildir.
 * @param filters  mail filter files; none is understood
 * @param convert  false: only say what would change
 * @returns the exit code
 */
export async function convertToUtf8(
  maildir: string,
  filters: readonly string[],
  convert: boolean,
  out: ToolOutput,
): Promise<number> {
  const path = Buffer.from(maildir, 'latin1').toString();
  out.stdout(`Checking ${path}:\n`);
  const subscriptions = planSubscriptions(maildir, out);
  const renames = planRenames(maildir, out);
  if (subscriptions.failed || renames.failed) return 1;
  for (const filter of filters) out.stderr(`Error: cannot load ${filter}\n`);
  if (subscriptions.text !== undefined) {
    out.stdout(`${convert ? 'Updating' : 'Verified'} ${path}/${subscriptionsFile}\n`);
    if (convert) await replaceFile(maildir, subscriptionsFile, subscriptions.text, toolStoreSettings());
  }
  if (!convert) return 0;
  for (const [from, to] of renames.moves)
    try {
      renameSync(octetPath(maildir, from), octetPath(maildir, to));
    } catch (error) {
      const text = Buffer.from(`${maildir}/${from} to ${maildir}/${to}`, 'latin1').toString();
      out.stderr(`FATAL ERROR RENAMING ${text}: ${errorText(error)}\n`);
      return 1;
    }
  return 0;
}

function planSubscriptions(maildir: string, out: ToolOutput): { text: string | undefined; failed: boolean } {
  let lines: string[];
  try {
    lines = readFileSync(octetPath(maildir, subscriptionsFile), 'latin1').split('\n').filter(Boolean);
  } catch {
    return { text: undefined, failed: false };
  }
  let failed = false;
  const converted = lines.map((line) => {
    const name = convertName(line);
    if (name === undefined) {
      failed = true;
      out.stderr(`Error: ${subscriptionsFile}: ${shown(line)}: does not appear to be valid modified-UTF7\n`);
    } else if (name !== line) out.stdout(`Subscription to ${shown(line)} changed to ${shown(name)}\n`);
    return `${name}\n`;
  });
  return { text: converted.join(''), failed };
}

function planRenames(
  maildir: string,
  out: ToolOutput,
): { moves: [from: string, to: string][]; failed: boolean } {
  const moves: [string, string][] = [];
  let failed = false;
  for (const entry of listFolders(maildir)) {
    const converted = convertName(entry);
    if (converted === undefined) {
      failed = true;
      out.stderr(`Error: INBOX${shown(entry)}: does not appear to be valid modified-UTF7\n`);
    } else if (converted !== entry) {
      out.stdout(`Rename INBOX${shown(entry)} to INBOX${shown(converted)}\n`);
      moves.push([entry, converted]);
    }
  }
  return { moves, failed };
}

function listFolders(maildir: string): string[] {
  try {
    return readdirSync(octetPath(maildir), 'latin1').filter(
      (entry) => /^\.[^.]/.test(entry) && existsSync(octetPath(maildir, entry, 'cur')),
    );
  } catch {
    return []; // as Courier does: a maildir that is not there has nothing to convert
  }
}

/** Octets to octets, component by component; undefined if it is not modified UTF-7 or would make other components. */
function convertName(octets: string): string | undefined {
  if (/[\x80-\xff]/.test(octets)) return octets;
  const components = octets.split('.').map((component) => decodeLoosely(component));
  if (components.some((component) => component === undefined || /[./\p{Cc}]/u.test(component)))
    return undefined;
  return Buffer.from(components.join('.')).toString('latin1');
}

function shown(octets: string): string {
  return Buffer.from(octets, 'latin1').toString();
}
