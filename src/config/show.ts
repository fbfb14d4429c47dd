import { type Config, serviceNames } from './load.ts';
import type { Origin } from './problem.ts';
import { defaultText, type Variables } from './resolve.ts';
import { type Row, rows, rowsOf, type Scope } from './settings.ts';

/**
 * The effective values and where each comes from, as text that is the same for the same files: a section for each
 * scope that is configured, the settings by name, then the variables that are no setting.
 * @param only  the one scope to show
 */
export function showConfig(config: Config, only?: Scope): string {
  const scopes: readonly Scope[] = [...serviceNames, 'auth', 'server'];
  const shown = scopes.filter((scope) => (only ?? scope) === scope && config[scope] !== undefined);
  return shown.map((scope) => showScope(config, scope)).join('\n');
}

function showScope(config: Config, scope: Scope): string {
  const { variables } = config[scope]!;
  const lines: [string, string][] = [];
  const taken = new Set<string>();
  for (const row of rowsOf(scope)) {
    for (const name of namesOf(row, variables)) {
      taken.add(name);
      if (!row.unused || variables.has(name)) lines.push(showSetting(name, row, variables, config.directory));
    }
  }
  for (const [name, set] of variables) {
    if (taken.has(name)) continue;
    const remark = rows.some((row) => row.name === name) ? 'for another service' : 'not a setting';
    lines.push([assignment(name, set.value), `${place(set)}, ${remark}`]);
  }
  lines.sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.min(48, Math.max(...lines.map(([text]) => text.length)));
  return `[${scope}]\n${lines.map(([text, origin]) => `${text.padEnd(width)}  # ${origin}\n`).join('')}`;
}

function namesOf(row: Row, variables: Variables): string[] {
  if (!row.family) return [row.name];
  return [...variables.keys()].filter((name) => name.startsWith(row.name) && name !== row.name);
}

function showSetting(name: string, row: Row, variables: Variables, directory: string): [string, string] {
  const set = variables.get(name);
  const isMissing = set === undefined || (set.value === '' && row.kind.emptyIsMissing === true);
  const value = isMissing ? defaultText(row, variables, directory) : set.value;
  const origin = set === undefined ? 'default' : place(set);
  if (row.unused ?? row.pending) return [assignment(name, value), `${origin}, no effect`];
  return [assignment(name, value), value === '' && row.unset ? `${origin}: ${row.unset}` : origin];
}

function place({ file, line }: Origin): string {
  return line > 0 ? `${file}:${line}` : file;
}

/** As it could stand in the file. */
function assignment(name: string, value: string): string {
  const isPlain = /^[\w./:@%+,=-]*$/.test(value);
  return `${name}=${isPlain ? value : `'${value.replaceAll("'", "'\\''")}'`}`;
}
