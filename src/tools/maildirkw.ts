/** maildirkw: shows and changes the keywords of messages (maildir-store §14). */
import { readdirSync } from 'node:fs';
import { octetPath, pathOctets } from '../base/paths.ts';
import { errorCode } from '../store/errno.ts';
import {
  changeKeywordsSlowly,
  type KeywordContext,
  keywordDirectory,
  makeKeywordDirectory,
  placeKeywords,
  prepareKeywords,
  readKeywords,
} from '../store/keyword-files.ts';
import { foldKeyword } from '../store/keywords.ts';
import { withAccountLock } from '../store/root-files.ts';
import * as steps from '../store/steps.ts';
import { errorText, type ToolOutput, toolStoreSettings } from './tool.ts';

const usage = 'Usage: maildirkw [ options ] maildir [+/-]flag [+/-]flag...\n';

interface Options {
  list: boolean;
  lock: boolean;
  caseSensitive: boolean;
  mode: 'add' | 'remove' | 'replace';
}

/**
 * Runs maildirkw. The message need not exist. Adding, removing and listing merge updates into the index, so they
 * take the folder's lock always, and replacing takes it with -l only.
 * @returns the exit code: 0, or 1 for any failure
 */
export async function maildirkw(args: readonly string[], out: ToolOutput): Promise<number> {
  const options: Options = { list: false, lock: false, caseSensitive: false, mode: 'replace' };
  let at = 0;
  for (; args[at]?.startsWith('-') && args[at] !== '-'; at++) {
    if (args[at] === '--') {
      at++;
      break;
    }
    const wrong = [...args[at]!.slice(1)].find((letter) => !setOption(options, letter));
    if (wrong === undefined) continue;
    out.stderr(`maildirkw: invalid option -- '${wrong}'\n`);
    out.stdout(usage);
    return 1;
  }
  const [maildir, message, ...keywords] = args.slice(at).map(pathOctets);
  if (maildir === undefined || (message === undefined && !options.list)) {
    out.stdout(usage);
    return 1;
  }
  if (options.list) return listKeywords(maildir, options, out);
  const base = message!.split(':')[0]!;
  return options.mode === 'replace'
    ? replaceKeywords(maildir, base, keywords, options, out)
    : changeKeywords(maildir, base, keywords, options, options.mode);
}

function setOption(options: Options, letter: string): boolean {
  if (letter === 'L') options.list = true;
  else if (letter === 'l') options.lock = true;
  else if (letter === 'c') options.caseSensitive = true;
  else if (letter === 'a') options.mode = 'add';
  else if (letter === 'r') options.mode = 'remove';
  else return false;
  return true;
}

function contextOf(folder: string): KeywordContext {
  return {
    folder,
    settings: toolStoreSettings(),
    isKnown: () => true,
    nowSeconds: () => Math.floor(Date.now() / 1000),
  };
}

async function listKeywords(maildir: string, options: Options, out: ToolOutput): Promise<number> {
  const bases = updatedMessages(maildir);
  if (bases === undefined) return 0;
  const { settings } = contextOf(maildir);
  const { messages } = await withAccountLock(maildir, settings, () => readKeywords(contextOf(maildir), true));
  for (const base of [...new Set([...messages.keys(), ...bases])].sort(compareOctets)) {
    const names = distinct(messages.get(base) ?? [], options.caseSensitive);
    const line = [base, ...names.sort(compareOctets)].join(' ');
    out.stdout(`${Buffer.from(line, 'latin1').toString()}\n`);
  }
  return 0;
}

/** Messages with an update file, with or without keywords in it; undefined if the folder has no keywords at all. */
function updatedMessages(maildir: string): string[] | undefined {
  try {
    return readdirSync(octetPath(keywordDirectory(maildir)), 'latin1').flatMap((entry) => {
      const base = /^(?:\.\d+\.)?([^.:].*)$/s.exec(entry)?.[1];
      return base === undefined ? [] : [base];
    });
  } catch {
    return undefined;
  }
}

async function replaceKeywords(
  maildir: string,
  base: string,
  keywords: readonly string[],
  options: Options,
  out: ToolOutput,
): Promise<number> {
  const settings = toolStoreSettings();
  const put = async () => {
    const names = distinct(keywords, options.caseSensitive).sort(compareOctets);
    const temporary = await prepareKeywords(maildir, settings, names);
    try {
      placeKeywords(maildir, temporary, base);
      return 0;
    } catch (error) {
      steps.unlink(temporary);
      out.stderr(`${shown(`${keywordDirectory(maildir)}/${base}`)}: ${errorText(error)}\n`);
      return 1;
    }
  };
  try {
    return options.lock ? await withAccountLock(maildir, settings, put) : await put();
  } catch (error) {
    if (errorCode(error) === undefined && !(error instanceof Error && error.cause)) throw error;
    out.stderr(`${shown(maildir)}: ${errorText(error instanceof Error ? (error.cause ?? error) : error)}\n`);
    return 1;
  }
}

async function changeKeywords(
  maildir: string,
  base: string,
  keywords: readonly string[],
  { caseSensitive }: Options,
  mode: 'add' | 'remove',
): Promise<number> {
  const key = (name: string) => (caseSensitive ? name : foldKeyword(name));
  const change = (present: readonly string[]): string[] => {
    if (mode === 'add') return distinct([...present, ...keywords], caseSensitive).sort(compareOctets);
    const gone = new Set(keywords.map(key));
    return present.filter((name) => !gone.has(key(name)));
  };
  const context = contextOf(maildir);
  try {
    await withAccountLock(maildir, context.settings, async () => {
      makeKeywordDirectory(maildir);
      await changeKeywordsSlowly(context, base, change);
    });
    return 0;
  } catch {
    return 1; // without a word, as Courier does
  }
}

function distinct(names: readonly string[], caseSensitive: boolean): string[] {
  const known = new Map<string, string>();
  for (const name of names) {
    const key = caseSensitive ? name : foldKeyword(name);
    if (!known.has(key)) known.set(key, name);
  }
  return [...known.values()];
}

function compareOctets(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function shown(octets: string): string {
  return Buffer.from(octets, 'latin1').toString();
}
