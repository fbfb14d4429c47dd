import { timingSafeEqual } from 'node:crypto';

/** Whether two octet strings are equal, in a time that depends on their lengths only. */
export function equalOctets(left: string, right: string): boolean {
  const a = Buffer.from(left, 'latin1');
  const b = Buffer.from(right, 'latin1');
  return a.length === b.length && timingSafeEqual(a, b);
}
