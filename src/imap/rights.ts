import type { Rights } from '../access/rights.ts';

/**
 * Rights as clients see them: all of x, t and e are `d` (quota-acl-shared §2.6).
 * @param parts  what becomes of x, t and e where one is missing: RFC 2086 commands hide them
 */
export function shownRights(rights: Rights, parts: 'hide' | 'show'): string {
  const others = rights.replace(/[xte]/g, '');
  const hasDelete = ['x', 't', 'e'].every((right) => rights.includes(right));
  if (!hasDelete) return parts === 'hide' ? others : rights;
  return [...`${others}d`].sort((one, other) => (one < other ? -1 : 1)).join('');
}
