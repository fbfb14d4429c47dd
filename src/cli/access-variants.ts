/** Settings that records of the access file have others than the setting files (frontend-tls-ops §2.4). */
import type { ServiceConfig } from '../config/load.ts';
import { resolveSettings, type Variables } from '../config/resolve.ts';
import { rowsOf, type Scope } from '../config/settings.ts';
import type { AccessRule } from '../login/access-rules.ts';
import { variantKey } from '../supervisor/settings.ts';

type Assigned = Readonly<Record<string, string>>;

/** Where such a setting comes from, until the file is known. */
export const accessRecord = 'an access record';

/**
 * The different sets of variables that connections can have of which at least one is a setting of the service.
 * @param local  a record for the local address may add its own; where both have one, the client's counts
 */
export function accessVariables(rules: readonly AccessRule[], local: boolean, scope: Scope): Assigned[] {
  const names = new Set(rowsOf(scope).map(({ name }) => name));
  const own = distinct(rules.map(({ variables }) => variables));
  const sets = local ? distinct([...own, ...own.flatMap((a) => own.map((b) => ({ ...a, ...b })))]) : own;
  return sets.filter((set) => Object.keys(set).some((name) => names.has(name)));
}

/** The settings of a service where these variables count before its files. */
export function resolveVariant<C extends ServiceConfig>(service: C, assigned: Assigned, directory: string) {
  const record = Object.entries(assigned).map(
    ([name, value]): [string, { value: string; file: string; line: 0 }] => [
      name,
      { value, file: accessRecord, line: 0 },
    ],
  );
  const variables: Variables = new Map([...service.variables, ...record]);
  const { settings, errors } = resolveSettings(service.scope, variables, directory);
  return { settings: settings as C['settings'], errors };
}

function distinct(sets: readonly Assigned[]): Assigned[] {
  return [...new Map(sets.map((set) => [variantKey(set), set])).values()];
}
