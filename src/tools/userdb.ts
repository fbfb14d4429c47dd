/** userdb: changes and shows records of the account text (authlib §4.3). */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../auth/auth-error.ts';
import { editUserdbRecord, type Fields } from '../auth/modules/userdb-edit.ts';
import { parseUserdbLine, userdbFiles } from '../auth/modules/userdb-text.ts';
import { octetsToText, toOctets } from '../auth/wire.ts';
import type { PasswordInput } from './password-input.ts';
import type { ToolOutput } from './tool.ts';

const usage =
  'Usage: userdb [-f file] [path/]name set field=value field ...\n' +
  '       userdb [-f file] [path/]name unset field ...\n' +
  '       userdb [-f file] [path/]name del\n' +
  '       userdb -show [-f file] [[path/]name]\n';

/** What is printed before exit code 1. */
class Refusal extends Error {}

/** @param userdb  the configured file or directory; @returns the exit code */
export async function userdb(
  args: readonly string[],
  path: string,
  input: PasswordInput,
  out: ToolOutput,
): Promise<number> {
  const show = args[0] === '-show';
  const rest = show ? args.slice(1) : args;
  const file = rest[0] === '-f' ? rest[1] : undefined;
  const words = rest[0] === '-f' ? rest.slice(2) : rest;
  const [target, command, ...fields] = words;
  try {
    if (rest[0] === '-f' && file === undefined) throw new Refusal(usage);
    if (show && words.length <= 1) return list(target, file ?? path, file !== undefined, out);
    if (show || target === undefined || command === undefined) throw new Refusal(usage);
    const place = placeOf(target, file ?? path, file !== undefined);
    return await change(place, command, fields, input, out);
  } catch (error) {
    if (error instanceof Refusal) out.stdout(error.message);
    else out.stderr(`${errorText(error)}\n`);
    return 1;
  }
}

interface Place {
  readonly file: string;
  /** Octets. */
  readonly name: string;
}

/** Text before the last `/` selects a file inside the userdb directory. */
function placeOf(target: string, path: string, isFile: boolean): Place {
  const slash = isFile ? -1 : target.lastIndexOf('/');
  const file = slash < 0 ? path : join(path, target.slice(0, slash));
  const name = toOctets(target.slice(slash + 1));
  if (name === '' || /[|\n\t]/.test(name)) throw new Error('Invalid field or value.');
  if (existsSync(file) && statSync(file).isDirectory()) throw new Error(`${file}: not a file.`);
  return { file, name };
}

async function change(
  { file, name }: Place,
  command: string,
  words: readonly string[],
  input: PasswordInput,
  out: ToolOutput,
): Promise<number> {
  if (words.some((word) => /[|\n]/.test(word))) throw new Error('Invalid field or value.');
  if (command === 'set' && words.length > 0) {
    const values = await readValues(name, words, input, out);
    if (!values) return 1;
    await editUserdbRecord(file, name, (fields: Fields = new Map()) => {
      for (const [field, value] of values) fields.set(field, value);
      return fields;
    });
  } else if (command === 'unset' && words.length > 0) {
    if (existsSync(file)) await editUserdbRecord(file, name, (fields) => without(fields, words));
  } else if (command === 'del' && words.length === 0) {
    if (existsSync(file)) await editUserdbRecord(file, name, () => undefined);
  } else throw new Refusal(usage);
  return 0;
}

function without(fields: Fields | undefined, names: readonly string[]): Fields | undefined {
  for (const name of names) fields?.delete(toOctets(name));
  return fields;
}

/** `f=v` as it is; for `f` a line is read. */
async function readValues(
  name: string,
  words: readonly string[],
  input: PasswordInput,
  out: ToolOutput,
): Promise<[string, string][] | undefined> {
  const values: [string, string][] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals >= 0) {
      values.push([toOctets(word.slice(0, equals)), toOctets(word.slice(equals + 1))]);
      continue;
    }
    if (input.isTerminal) out.stdout(`${octetsToText(name)}.${word}: `);
    const line = await input.readLine(false);
    if (line === undefined) return undefined;
    if (/[|\n]/.test(line)) throw new Error('Invalid field or value.');
    values.push([toOctets(word), line]);
  }
  return values;
}

/** One field a line, or all names. */
function list(target: string | undefined, path: string, isFile: boolean, out: ToolOutput): number {
  if (target === undefined) {
    for (const { path: file } of userdbFiles(path)) {
      for (const [name] of records(file)) out.stdout(`${octetsToText(name)}\n`);
    }
    return 0;
  }
  const { file, name } = placeOf(target, path, isFile);
  const found = existsSync(file) ? records(file).find(([each]) => each === name) : undefined;
  for (const field of found && found[1] !== '' ? found[1].split('|') : [])
    out.stdout(`${octetsToText(field)}\n`);
  return 0;
}

function records(file: string): [name: string, fields: string][] {
  return readFileSync(file, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const record = parseUserdbLine(line);
      return record ? [record] : [];
    });
}
