/**
 * The modules' own settings files, `authmysqlrc` and so on (authlib §3.3): `NAME <blanks> value`, the first
 * occurrence of a name wins, a trailing backslash continues. Looked at again at each request.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Log } from '../base/log.ts';
import { AuthError, errorText } from './auth-error.ts';

export type RcValues = ReadonlyMap<string, string>;

export function parseRcFile(text: string): RcValues {
  const values = new Map<string, string>();
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    while (line.endsWith('\\') && i + 1 < lines.length) line = `${line.slice(0, -1)} ${lines[++i]!.trim()}`;
    const [, name, value] = /^(\S+)\s*(.*)$/s.exec(line)!;
    if (!values.has(name!)) values.set(name!, value!.trim());
  }
  return values;
}

/** Whether the file was written to its end (sysconftool's last line). */
const marker = /^##NAME: MARKER:/m;

export interface RcFile<Settings> {
  /**
   * The settings in force; a new object when the file has changed.
   * @throws {AuthError} temporary: the file never could be read
   */
  current(): Settings;
}

/** @param parse  throws an Error that says what is wrong with the values */
export function openRcFile<Settings>(
  path: string,
  parse: (values: RcValues) => Settings,
  log: Log,
): RcFile<Settings> {
  let settings: Settings | undefined;
  let stamp: string | undefined;
  let refusal: AuthError | undefined;

  function load(): void {
    const text = readFileSync(path, 'utf8');
    if (!marker.test(text)) {
      const later = settings === undefined ? '' : ' will try again later';
      throw new Error(
        `marker line not found in ${path}${later} (probably forgot to run sysconftool after an upgrade)`,
      );
    }
    settings = parse(parseRcFile(text));
  }

  /** Reads the file if it has changed since the last time. */
  function refresh(): void {
    const stats = statSync(path, { throwIfNoEntry: false });
    const seen = stats ? `${stats.ino} ${stats.mtimeMs} ${stats.size}` : 'absent';
    if (seen === stamp) return;
    stamp = seen;
    refusal = undefined;
    try {
      load();
      if (stats && (stats.mode & 0o007) !== 0) log.warn(`${path}: everybody can read the passwords in it`);
    } catch (error) {
      refusal = new AuthError('temporary', errorText(error), { cause: error });
      log.error(refusal.message);
    }
  }

  // So that what is wrong is said at the start, and not when somebody cannot log in.
  refresh();
  return {
    current() {
      refresh();
      if (settings === undefined) throw refusal ?? new AuthError('temporary', `${path} cannot be read`);
      return settings;
    },
  };
}

/** A required value. */
export function requiredValue(values: RcValues, name: string, module: string): string {
  const value = values.get(name);
  if (value === undefined || value === '') throw new Error(`${module}: cannot read ${name}`);
  return value;
}

/** An integer by its decimal prefix; an absent or empty value is `absent`. */
export function integerValue(values: RcValues, name: string, module: string, absent: number): number {
  const value = values.get(name);
  if (value === undefined || value === '') return absent;
  const number = Number.parseInt(value, 10);
  if (Number.isNaN(number)) throw new Error(`${module}: cannot parse the ${name} setting`);
  return number;
}
