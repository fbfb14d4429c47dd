/**
 * Courier's configuration files are sourced by /bin/sh (frontend-tls-ops §6). Postrider runs no shell: it reads
 * the part of the language that only assigns (quotes, backslashes, `$NAME`, several assignments on a line,
 * `export`), with the shell's own meaning, and reports what would need a shell with file and line.
 */
import type { Origin, Problem } from './problem.ts';

export interface Assignment extends Origin {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads one file of assignments.
 * @param file  its name, for the origins and the errors
 * @param variables  the variables of files read before; assignments are added, so that a later file can refer to
 *   them. A reference to a variable that does not exist is the empty string.
 * @returns the assignments in order (a name may come more than once: the last one counts) and the errors; after
 *   an error reading goes on with the next line
 */
export function parseShellFile(
  text: string,
  file: string,
  variables: Map<string, string> = new Map(),
): { assignments: Assignment[]; errors: Problem[] } {
  const source: Source = { text, at: 0, line: 1, variables };
  const assignments: Assignment[] = [];
  const errors: Problem[] = [];
  while (source.at < text.length) {
    try {
      readStatement(source, (name, value, line) => {
        variables.set(name, value);
        assignments.push({ name, value, file, line });
      });
    } catch (error) {
      if (!(error instanceof ShellRefusal)) throw error;
      errors.push({ file, line: error.line, message: error.message });
      skipLine(source);
    }
  }
  return { assignments, errors };
}

/** The blank-separated words of a value, quotes inside it honoured, e.g. TCPDOPTS=`-a '-denymsg=go away'`. */
export function splitShellWords(value: string): string[] {
  const source: Source = { text: value, at: 0, line: 1, variables: new Map() };
  const words: string[] = [];
  for (;;) {
    while (isSpace(source.text[source.at])) source.at++;
    if (source.at >= value.length) return words;
    words.push(readWord(source));
  }
}

/** A construct that cannot be evaluated without a shell, or an unclosed quote. */
export class ShellRefusal extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = 'ShellRefusal';
    this.line = line;
  }
}

interface Source {
  readonly text: string;
  at: number;
  line: number;
  readonly variables: ReadonlyMap<string, string>;
}

const dosLineEnd = 'a carriage return: the file has DOS line ends';
const namePattern = /[A-Za-z_][A-Za-z0-9_]*/y;

/** One line: blanks, assignments or `export` with names, a comment. */
function readStatement(source: Source, assign: (name: string, value: string, line: number) => void): void {
  let exporting = false;
  let assigning = false;
  for (;;) {
    skipBlanks(source);
    const next = source.text[source.at];
    if (next === undefined) return;
    if (next === '\n' || next === '#') {
      skipLine(source);
      return;
    }
    if (next === '\r') refuse(source, dosLineEnd);
    const { line } = source;
    const start = source.at;
    const name = readName(source);
    if (name !== undefined && source.text[source.at] === '=') {
      source.at++;
      if (source.text[source.at] === '~') refuse(source, 'a home directory (~) cannot be evaluated here');
      assign(name, readWord(source), line);
      assigning = true;
    } else if (name === 'export' && !exporting && !assigning && endsWord(source)) {
      exporting = true;
    } else if (name === undefined || !exporting || !endsWord(source)) {
      const word = /[^\s;&|]*/y;
      word.lastIndex = start;
      const shown = word.exec(source.text)?.[0] || next;
      refuse(source, `"${shown.slice(0, 40)}" is not an assignment, and commands are not run`);
    }
  }
}

/** A word up to an unquoted blank or line end, its quotes and references resolved. */
function readWord(source: Source): string {
  let word = '';
  for (;;) {
    const c = source.text[source.at];
    if (c === undefined || c === '\n' || isSpace(c)) return word;
    source.at++;
    if (c === "'") word += readSingleQuoted(source);
    else if (c === '"') word += readDoubleQuoted(source);
    else if (c === '\\') word += readEscaped(source);
    else if (c === '$') word += readReference(source);
    else if (c === '`') refuse(source, 'a command in backquotes cannot be evaluated');
    else if (';&|<>()'.includes(c))
      refuse(source, `"${c}" needs a shell; quote it if it belongs to the value`);
    else if (c === '\r') refuse(source, dosLineEnd);
    else if (c === '\0') refuse(source, 'a NUL octet');
    else word += c;
  }
}

function readSingleQuoted(source: Source): string {
  const end = source.text.indexOf("'", source.at);
  if (end < 0) refuse(source, "a ' has no closing '");
  const quoted = source.text.slice(source.at, end);
  source.at = end + 1;
  source.line += countLines(quoted);
  return quoted;
}

function readDoubleQuoted(source: Source): string {
  const { at, line } = source;
  let quoted = '';
  for (;;) {
    const c = source.text[source.at++];
    if (c === undefined) {
      Object.assign(source, { at, line });
      refuse(source, 'a " has no closing "');
    }
    if (c === '"') return quoted;
    if (c === '`') refuse(source, 'a command in backquotes cannot be evaluated');
    if (c === '$') {
      quoted += readReference(source);
      continue;
    }
    if (c === '\n') source.line++;
    if (c === '\\' && '$`"\\\n'.includes(source.text[source.at] ?? ' ')) quoted += readEscaped(source);
    else quoted += c;
  }
}

/** What follows a backslash: an escaped line end vanishes, anything else stands for itself. */
function readEscaped(source: Source): string {
  const c = source.text[source.at++];
  if (c !== '\n') return c ?? '\\';
  source.line++;
  return '';
}

/** What follows a `$`. */
function readReference(source: Source): string {
  const c = source.text[source.at] ?? '';
  const name = readName(source);
  // The shell joins the lines first, so that the name would go on behind the line end.
  const goesOn = name === undefined ? /\\\n/y : /(?:\\\n)+[A-Za-z0-9_]/y;
  goesOn.lastIndex = source.at;
  if (goesOn.test(source.text)) refuse(source, 'a line is continued within the name of a variable');
  if (name !== undefined) return source.variables.get(name) ?? '';
  if (c === '{') {
    source.at++;
    const braced = readName(source);
    if (braced === undefined || source.text[source.at] !== '}')
      refuse(source, 'only a name can be evaluated in braces behind a $');
    source.at++;
    return source.variables.get(braced) ?? '';
  }
  if (c === '(') refuse(source, 'a command in $( ) cannot be evaluated');
  if (/[0-9@*#?$!'"-]/.test(c) && c !== '"' && c !== "'") refuse(source, `$${c} cannot be evaluated`);
  return '$';
}

function readName(source: Source): string | undefined {
  namePattern.lastIndex = source.at;
  const name = namePattern.exec(source.text)?.[0];
  if (name !== undefined) source.at += name.length;
  return name;
}

function skipBlanks(source: Source): void {
  for (;;) {
    const c = source.text[source.at];
    if (c === '\\' && source.text[source.at + 1] === '\n') {
      source.at += 2;
      source.line++;
    } else if (c === ' ' || c === '\t') source.at++;
    else return;
  }
}

function skipLine(source: Source): void {
  const end = source.text.indexOf('\n', source.at);
  source.at = end < 0 ? source.text.length : end + 1;
  source.line++;
}

function endsWord(source: Source): boolean {
  const c = source.text[source.at];
  return c === undefined || c === '\n' || isSpace(c);
}

function isSpace(c: string | undefined): boolean {
  return c === ' ' || c === '\t' || c === '\n';
}

function countLines(text: string): number {
  let lines = 0;
  for (const c of text) if (c === '\n') lines++;
  return lines;
}

function refuse(source: Source, message: string): never {
  throw new ShellRefusal(source.line, message);
}
