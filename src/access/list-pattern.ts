/** Patterns of LIST and LSUB (RFC 3501 §6.3.8; imap-server §7.1). */
import { MailError } from '../base/mail-error.ts';

/** As many as Courier takes. */
const mostWildcards = 10;

/** Joins a reference and a pattern as Courier does: with a dot, whether the reference ends in one or not. */
export function joinReference(reference: string, pattern: string): string {
  const base = reference.replace(/\.$/, '');
  const rest = pattern.length > 1 ? pattern.replace(/\.$/, '') : pattern;
  return base === '' ? rest : `${base}.${rest}`;
}

/**
 * Makes a test for names: `*` is any characters, `%` any but the dot. A first component INBOX is compared without case.
 * The time is at most that of both lengths multiplied.
 * @throws {MailError} cannot: too many wildcards
 */
export function compilePattern(pattern: string): (name: string) => boolean {
  if (pattern.replace(/[^*%]/g, '').length > mostWildcards) throw new MailError('cannot', 'Invalid argument');
  if (!/[*%]/.test(pattern)) return (name) => sameStart(name, pattern) && name.length === pattern.length;
  const common = /^([^*%]*)([*%])$/.exec(pattern);
  if (!common) return (name) => matches(pattern, name);
  const [, start = '', wildcard] = common;
  return (name) => sameStart(name, start) && (wildcard === '*' || name.indexOf('.', start.length) < 0);
}

/** Whether a name begins so. */
function sameStart(name: string, start: string): boolean {
  if (name.startsWith(start)) return true;
  const fixed = Math.min(insensitiveLength(name), start.length);
  return (
    name.slice(0, fixed) === start.slice(0, fixed).toUpperCase() &&
    name.slice(fixed).startsWith(start.slice(fixed))
  );
}

function insensitiveLength(name: string): number {
  return name === 'INBOX' || name.startsWith('INBOX.') ? 5 : 0;
}

/** Follows all positions in the pattern that the name so far can have led to. */
function matches(pattern: string, name: string): boolean {
  const insensitive = insensitiveLength(name);
  let positions = behindWildcards(pattern, [0]);
  for (let i = 0; i < name.length && positions.length > 0; i++) {
    const next: number[] = [];
    for (const at of positions) {
      const wanted = pattern[at];
      if (wanted === '*' || (wanted === '%' && name[i] !== '.')) next.push(at);
      else if (wanted === name[i] || (i < insensitive && wanted?.toUpperCase() === name[i]))
        next.push(at + 1);
    }
    positions = behindWildcards(pattern, next);
  }
  return positions.includes(pattern.length);
}

/** Adds the positions that are reached when wildcards match nothing. */
function behindWildcards(pattern: string, positions: readonly number[]): number[] {
  const all = new Set<number>();
  for (let at of positions) {
    all.add(at);
    while (pattern[at] === '*' || pattern[at] === '%') all.add(++at);
  }
  return [...all];
}
