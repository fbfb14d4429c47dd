/** IP addresses as text: the forms in which logs, access files and limits know them. */
import { isIPv4, isIPv6 } from 'node:net';

/** The form Courier logs: `::ffff:192.0.2.7` for IPv4, everything else as it is. */
export function mappedAddress(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : address;
}

/** The short form: `::ffff:192.0.2.7` and `192.0.2.7` both become `192.0.2.7`; a zone (`%eth0`) is dropped. */
export function plainAddress(address: string): string {
  const bare = address.includes('%') ? address.slice(0, address.indexOf('%')) : address;
  const tail = bare.slice(7);
  return bare.slice(0, 7).toLowerCase() === '::ffff:' && isIPv4(tail) ? tail : bare;
}

/**
 * The 16 octets of an address, IPv4 in its mapped form.
 * @returns undefined if the text is no address
 */
export function addressOctets(address: string): Uint8Array | undefined {
  const plain = plainAddress(address);
  const octets = new Uint8Array(16);
  if (isIPv4(plain)) {
    octets.set([255, 255, ...plain.split('.').map(Number)], 10);
    return octets;
  }
  if (!isIPv6(plain)) return undefined;
  const groups = expandGroups(plain);
  groups.forEach((group, i) => {
    octets[2 * i] = group >> 8;
    octets[2 * i + 1] = group & 255;
  });
  return octets;
}

/** Eight 16-bit groups of a valid IPv6 address. */
function expandGroups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = group.split('.').map(Number);
    return [(a! << 8) | b!, (c! << 8) | d!];
  });
}
