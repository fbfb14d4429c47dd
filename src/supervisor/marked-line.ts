/**
 * How processes hand their log lines to the supervisor: `NAME#SESSION<TAB>LEVEL: text`. The name of the service and
 * the session are left out where there are none.
 */

export type Level = 'ERR' | 'WARN' | 'INFO' | 'DEBUG';

export interface LogEntry {
  /** The service's name in the log, e.g. `imapd-ssl`. */
  readonly name: string;
  /** All lines of one connection have the same, in whatever process they are written. */
  readonly session?: string | undefined;
  readonly level: Level;
  readonly text: string;
}

/** What is put in front of `LEVEL: text`. */
export function lineMark(name: string, session?: string): string {
  return `${session === undefined ? name : `${name}#${session}`}\t`;
}

/** @param line  of a process of ours, or anything that a program wrote to its standard error */
export function parseMarkedLine(line: string, defaultName: string): LogEntry {
  const [, name = defaultName, session, rest = line] = /^([\w.-]+)(?:#([\w-]+))?\t(.*)$/s.exec(line) ?? [];
  const [, level, text] = /^(ERR|WARN|INFO|DEBUG): (.*)$/s.exec(rest) ?? [undefined, 'INFO', rest];
  return { name, session, level: level as Level, text: text! };
}
