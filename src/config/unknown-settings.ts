import { closest } from './closest.ts';
import type { Problem } from './problem.ts';
import { filesOf, rows, type Scope, type SettingsFile } from './settings.ts';
import type { Assignment } from './shell-file.ts';

/** Variables of programs and of the system that sites set on purpose; they go to the sessions like all others. */
const passedThrough = /^(PATH|HOME|SHELL|USER|TZ|LANG|LC_[A-Z]+|LD_[A-Z_]+|TMPDIR|NODE_[A-Z_]+|UV_[A-Z_]+)$/;

const scopes = Object.keys(filesOf) as Scope[];

/** Warns of names that are no setting of this file, with the name that may have been meant. */
export function unknownSettings(file: SettingsFile, assignments: readonly Assignment[]): Problem[] {
  const here = scopes.filter((scope) => filesOf[scope].includes(file));
  const known = rows.filter((row) => row.scopes.some((scope) => here.includes(scope)));
  const names = new Set(known.map((row) => row.name));
  const families = known.filter((row) => row.family).map((row) => row.name);
  return assignments.flatMap(({ name, line, file: path }) => {
    if (names.has(name) || passedThrough.test(name)) return [];
    if (families.some((prefix) => name.startsWith(prefix))) return [];
    return [{ file: path, line, setting: name, message: describe(name, names) }];
  });
}

function describe(name: string, names: ReadonlySet<string>): string {
  const elsewhere = rows.find((row) => row.name === name);
  if (elsewhere !== undefined) return `has no effect here: it is read from ${elsewhere.files.join(' or ')}`;
  const meant = closest(name, names);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `is not a setting (sessions get it in their environment)${hint}`;
}
