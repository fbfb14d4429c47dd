/** sharedindexsplit: makes index files of shared accounts out of a list of accounts (quota-acl-shared §3.6). */
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { octetPath, pathOctets } from '../base/paths.ts';
import { octetsToText, textToOctets } from '../store/names.ts';
import { errorText, type ToolOutput } from './tool.ts';

/**
 * Runs sharedindexsplit.
 * @param readList  the lines of `authenumerate -o`; octets, not necessarily UTF-8
 * @returns the exit code: 0; 2 for wrong usage; 1 if a file cannot be written
 */
export function sharedindexsplit(args: readonly string[], readList: () => Buffer, out: ToolOutput): number {
  const [directory, letters = '0'] = args;
  if (directory === undefined || !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    out.stderr('Usage: sharedindexsplit outputdir [ letters ]\n');
    return 2;
  }
  const depth = Number.parseInt(letters, 10) || 0;
  const path = (key: string) => octetPath(pathOctets(directory), `index${key}`);
  const records = splitRecords(readList().toString('latin1'), depth, out);
  try {
    for (const [key, lines] of records) appendFileSync(path(key), lines.join(''), 'latin1');
    for (const [key, lines] of groupsAbove([...records.keys()], depth))
      writeFileSync(path(key), lines.join(''), 'latin1');
    return 0;
  } catch (error) {
    out.stderr(`${directory}: ${errorText(error)}\n`);
    return 1;
  }
}

/** What goes into each file of accounts, by what follows `index` in its name. */
function splitRecords(list: string, depth: number, out: ToolOutput): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const line of list.split('\n')) {
    const fields = line.replace(/#.*/, '').split('\t');
    while (fields.length > 0 && fields.at(-1) === '') fields.pop();
    if (fields.length < 4) continue;
    const key = depth > 0 ? firstLetters(fields[0]!, depth) : sharedGroupOf(fields[5] ?? '');
    if (/[/\0]/.test(key)) {
      out.stderr(`${Buffer.from(fields[0]!, 'latin1')}: no index can be called so\n`);
      continue;
    }
    fields.splice(5, 1);
    const lines = files.get(key) ?? [];
    files.set(key, lines);
    lines.push(`${fields.join('\t')}\n`);
  }
  return files;
}

/** The first characters, not octets, of a name, filled up with `_`. */
function firstLetters(name: string, count: number): string {
  const letters = [...octetsToText(name)].slice(0, count);
  return (textToOctets(letters.join('')) ?? '') + '_'.repeat(count - letters.length);
}

function sharedGroupOf(options: string): string {
  return /(?:^|,)sharedgroup=([^,]+)/.exec(options)?.[1] ?? '';
}

/** The index files above those of accounts, each a letter shorter, down to `index` itself. */
function groupsAbove(keys: readonly string[], depth: number): Map<string, string[]> {
  const files = new Map<string, string[]>();
  let below = new Set(keys);
  for (let length = depth - 1; length >= 0; length--) {
    const above = new Set<string>();
    for (const key of below) {
      const shorter = textToOctets([...octetsToText(key)].slice(0, length).join('')) ?? '';
      above.add(shorter);
      files.set(shorter, [...(files.get(shorter) ?? []), `${key}\t*\tindex${key}\n`]);
    }
    below = above;
  }
  return files;
}
