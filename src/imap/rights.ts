import type { Rights } from '../access/rights.ts';

/** Rights as MYRIGHTS shows them: `d` stands for all of x, t and e (quota-acl-shared §2, RFC 4314 §2.1.1). */
export function shownRights(rights: Rights): string {
  const hasDelete = ['x', 't', 'e'].every((right) => rights.includes(right));
  if (!hasDelete) return rights;
  const shown = `${rights.replace(/[xte]/g, '')}d`;
  return [...shown].sort((one, other) => (one < other ? -1 : 1)).join('');
}
