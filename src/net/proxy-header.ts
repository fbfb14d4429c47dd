/**
 * The PROXY protocol, versions 1 and 2: what a load balancer says about the client in front of the client's own
 * octets (HAProxy's proxy-protocol.txt, 2020).
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Addresses } from './stream-connection.ts';

export type ProxyHeader =
  | { readonly kind: 'more' }
  /** The reason is Courier's (frontend-tls-ops §2.6). */
  | { readonly kind: 'refused'; readonly reason: string }
  /** `addresses` undefined: the balancer speaks for itself, or does not know. */
  | { readonly kind: 'done'; readonly consumed: number; readonly addresses: Addresses | undefined };

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const maxLineOctets = 255;
const maxBinaryOctets = 4096;

/** @param octets  everything received so far */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  const common = Math.min(octets.length, signature.length);
  if (octets.compare(signature, 0, common, 0, common) === 0) return readBinary(octets);
  return readLine(octets);
}

function readLine(octets: Buffer): ProxyHeader {
  const end = octets.indexOf(0x0a);
  if (end < 0) {
    if (octets.length > maxLineOctets) return refused('response too long');
    const begun = octets.toString('latin1', 0, 6);
    return 'PROXY '.startsWith(begun.slice(0, 6)) ? { kind: 'more' } : refused('missing PROXY statement');
  }
  if (end > maxLineOctets) return refused('response too long');
  const words = octets.toString('latin1', 0, end).replace(/\r$/, '').split(' ');
  const [statement, protocol, remoteAddress = '', localAddress = '', remotePort, localPort] = words;
  if (statement !== 'PROXY') return refused('missing PROXY statement');
  if (protocol === 'UNKNOWN') return { kind: 'done', consumed: end + 1, addresses: undefined };
  if (protocol !== 'TCP4' && protocol !== 'TCP6') return refused(`unknown protocol: ${protocol ?? ''}`);
  const valid = protocol === 'TCP4' ? isIPv4 : isIPv6;
  const ports = [remotePort, localPort].map(portOf);
  if (words.length !== 6 || !valid(remoteAddress) || !valid(localAddress) || ports.includes(-1)) {
    return refused('malformed PROXY statement');
  }
  const addresses = { remoteAddress, localAddress, remotePort: ports[0]!, localPort: ports[1]! };
  return { kind: 'done', consumed: end + 1, addresses };
}

function readBinary(octets: Buffer): ProxyHeader {
  if (octets.length < 16) return { kind: 'more' };
  const [version, command] = [octets[12]! >> 4, octets[12]! & 15];
  const length = octets.readUInt16BE(14);
  if (version !== 2 || command > 1) return refused('malformed PROXY statement');
  if (length > maxBinaryOctets) return refused('response too long');
  if (octets.length < 16 + length) return { kind: 'more' };
  const consumed = 16 + length;
  const family = octets[13]!;
  if (command === 0 || (family !== 0x11 && family !== 0x21))
    return { kind: 'done', consumed, addresses: undefined };
  const size = family === 0x11 ? 4 : 16;
  if (length < 2 * size + 4) return refused('malformed PROXY statement');
  const address = (at: number) =>
    size === 4 ? octets.subarray(at, at + 4).join('.') : ipv6(octets.subarray(at, at + 16));
  const addresses = {
    remoteAddress: address(16),
    localAddress: address(16 + size),
    remotePort: octets.readUInt16BE(16 + 2 * size),
    localPort: octets.readUInt16BE(18 + 2 * size),
  };
  return { kind: 'done', consumed, addresses };
}

function ipv6(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function portOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : -1;
}

function refused(reason: string): ProxyHeader {
  return { kind: 'refused', reason };
}
