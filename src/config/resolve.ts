import { type Kind, ValueRefusal } from './kinds.ts';
import type { Origin, Problem } from './problem.ts';
import { type Row, rows, rowsOf, type Scope, type SettingsOf } from './settings.ts';

/** Assigned variables by name: the text, and where it comes from. */
export type Variables = ReadonlyMap<string, { readonly value: string } & Origin>;

/**
 * Turns variables into the typed settings of one scope; the rows without a variable get their defaults.
 * @param directory  the configuration directory, for the defaults that lie in it
 * @returns frozen settings; those that `errors` names have their defaults
 */
export function resolveSettings<S extends Scope>(
  scope: S,
  variables: Variables,
  directory: string,
): { settings: SettingsOf[S]; errors: Problem[]; warnings: Problem[] } {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const settings: Record<string, unknown> = {};
  for (const row of rowsOf(scope)) {
    settings[row.field] = row.family
      ? readFamily(row, variables, errors)
      : readOne(row, variables, directory, errors);
    const set = variables.get(row.name);
    const why = row.pending ? notYet : row.unused?.warn ? row.unused.why : undefined;
    if (why !== undefined && set !== undefined && isOwnChoice(row, set.value, variables, directory))
      warnings.push({ file: set.file, line: set.line, setting: row.name, message: `has no effect: ${why}` });
  }
  // The rows are the type: SettingsOf is inferred from them, field by field.
  return { settings: Object.freeze(settings) as unknown as SettingsOf[S], errors, warnings };
}

/**
 * The settings a process finds in its environment, as when it is started by hand in Courier's way. Some that are
 * missing there mean something else to Courier than in a file without them (imap-server §2).
 */
export function environmentVariables(environment: Readonly<Record<string, string | undefined>>): Variables {
  const variables = new Map<string, { value: string } & Origin>();
  const set = (name: string, value: string) => variables.set(name, { value, file: 'environment', line: 0 });
  for (const { name, byHand } of rows) if (byHand !== undefined) set(name, byHand);
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) set(name, value);
  return variables;
}

/** Of rows that are `pending`. */
export const notYet = 'this version does not do it yet';

function isOwnChoice(row: Row, value: string, variables: Variables, directory: string): boolean {
  return value !== '' && value !== row.template && value !== defaultText(row, variables, directory);
}

/** The text of a row that counts if no variable is set: `{config}` and `$NAME` resolved. */
export function defaultText(row: Row, variables: Variables, directory: string): string {
  return row.default
    .replace('{config}', directory)
    .replace(/\$([A-Z_]+)/g, (_, name: string) => variables.get(name)?.value ?? '');
}

function readOne(row: Row, variables: Variables, directory: string, errors: Problem[]): unknown {
  const set = variables.get(row.name);
  const fallback = () => row.kind.read(defaultText(row, variables, directory));
  if (set === undefined || (set.value === '' && row.kind.emptyIsMissing)) return fallback();
  return readValue(row.kind, row.name, set, errors, fallback);
}

function readFamily(row: Row, variables: Variables, errors: Problem[]): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>();
  for (const [name, set] of variables) {
    if (!name.startsWith(row.name) || name === row.name) continue;
    members.set(
      name.slice(row.name.length),
      readValue(row.kind, name, set, errors, () => undefined),
    );
  }
  return members;
}

function readValue(
  kind: Kind<unknown>,
  setting: string,
  { value, file, line }: { readonly value: string } & Origin,
  errors: Problem[],
  fallback: () => unknown,
): unknown {
  try {
    return kind.read(value);
  } catch (error) {
    if (!(error instanceof ValueRefusal)) throw error;
    errors.push({ file, line, setting, message: error.message, allowed: kind.allowed });
    return fallback();
  }
}
