import type { Rights } from '../access/rights.ts';

/** Rights in the forms of ACL2 and in the code MYRIGHTS: all of x, t and e are `d` (quota-acl-shared §2.6). */
export function shownRights(rights: Rights): string {
  if (!hasDelete(rights)) return rights;
  return inOrder(`${rights.replace(/[xte]/g, '')}d`);
}

/** Rights as RFC 4314 §2.1 has them; `c` also as `k`, and all of x, t and e also as `d`, for clients of RFC 2086. */
export function standardRights(rights: Rights): string {
  return inOrder(rights + (rights.includes('c') ? 'k' : '') + (hasDelete(rights) ? 'd' : ''));
}

function hasDelete(rights: Rights): boolean {
  return ['x', 't', 'e'].every((right) => rights.includes(right));
}

function inOrder(letters: string): string {
  return [...new Set(letters)].sort((one, other) => (one < other ? -1 : 1)).join('');
}
