/** Courier's access file: which client addresses are served, and with which variables (frontend-tls-ops §2.4). */
import { isIPv4 } from 'node:net';
import { addressOctets } from '../net/address.ts';

/** One record, as plain values that can be sent from one process to another. */
export interface AccessRule {
  /** The network's octets, IPv4 in mapped form, in hexadecimal; '' is everybody. */
  readonly network: string;
  /** How many bits of them count; 0: everybody. */
  readonly bits: number;
  /** The record is about connections to this local port, not from an address. */
  readonly port?: number | undefined;
  readonly deny: boolean;
  /** `MAXCPERIP` -> `100` */
  readonly variables: Readonly<Record<string, string>>;
}

export interface AccessProblem {
  readonly line: number;
  readonly message: string;
}

/**
 * Reads the text of an access file: `KEY<TAB>ACTION` in each line. Keys: an IPv4 address or the first of its octets,
 * `:` and the first groups of an IPv6 address, `192.0.2.0/24`, `192.0.2.0-192.0.2.9`, `*`; for look-ups of the local
 * address also a whole address or `*` with a port behind it, `192.0.2.1.143`, `*.143`.
 */
export function parseAccessRules(text: string): { rules: AccessRule[]; errors: AccessProblem[] } {
  const rules = new Map<string, AccessRule>();
  const errors: AccessProblem[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const tab = line.indexOf('\t');
    const key = (tab < 0 ? line : line.slice(0, tab)).trim();
    const action = readAction(tab < 0 ? '' : line.slice(tab + 1).trim());
    const networks = readKey(key);
    if (networks === undefined)
      errors.push({ line: index + 1, message: `"${key}" is no address or network` });
    for (const network of networks ?? []) {
      const id = `${network.network}/${network.bits}/${network.port ?? ''}`;
      if (rules.has(id)) errors.push({ line: index + 1, message: `${key} has a record already` });
      rules.set(id, { ...network, ...action });
    }
  });
  return { rules: [...rules.values()], errors };
}

/** Finds the record of an address: the most specific one, and only that one. */
export class AccessTable {
  readonly #byBits: [bits: number, rules: Map<string, AccessRule>][];

  constructor(rules: readonly AccessRule[]) {
    const byBits = Map.groupBy(rules, ({ bits }) => bits);
    this.#byBits = [...byBits]
      .sort(([a], [b]) => b - a)
      .map(([bits, same]) => [
        bits,
        new Map(same.map((rule) => [`${rule.network} ${rule.port ?? ''}`, rule])),
      ]);
  }

  /**
   * The record of a client's address, or of a local address and the port there.
   * @returns undefined: nothing is said about it, so it is served
   */
  find(address: string, localPort?: number): AccessRule | undefined {
    if (this.#byBits.length === 0) return undefined;
    const octets = addressOctets(address);
    for (const [bits, rules] of this.#byBits) {
      const network = octets === undefined ? '' : networkText(octets, bits);
      const atPort = localPort === undefined ? undefined : rules.get(`${network} ${localPort}`);
      const rule = atPort ?? rules.get(`${network} `);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }
}

/** A key with a port behind it. */
const localKey = /^(\*|\d{1,3}(?:\.\d{1,3}){3}|(?::[0-9a-f]{1,4}){8})\.(\d{1,5})$/i;

type Network = Pick<AccessRule, 'network' | 'bits' | 'port'>;

/** Bits in front of an IPv4 address in its mapped form. */
const mappedBits = 96;

function readKey(key: string): Network[] | undefined {
  if (key === '*') return [{ network: '', bits: 0 }];
  const [, place, port] = localKey.exec(key) ?? [];
  if (place !== undefined) return readKey(place)?.map((network) => ({ ...network, port: Number(port) }));
  if (key.includes('/')) return readPrefix(key);
  if (key.includes('-')) return readRange(key);
  if (/^(:[0-9a-f]{1,4}){1,8}$/i.test(key)) {
    const groups = key.slice(1).split(':');
    const filled = [...groups, ...new Array<string>(8 - groups.length).fill('0')].join(':');
    return networkOf(filled, groups.length * 16);
  }
  if (!/^\d{1,3}(\.\d{1,3}){0,3}$/.test(key)) return undefined;
  const octets = key.split('.');
  const filled = [...octets, ...new Array<string>(4 - octets.length).fill('0')].join('.');
  return networkOf(filled, mappedBits + octets.length * 8);
}

function readPrefix(key: string): Network[] | undefined {
  const [address = '', length = ''] = key.split('/');
  const most = isIPv4(address) ? 32 : 128;
  if (!/^\d{1,3}$/.test(length) || Number(length) > most) return undefined;
  return networkOf(address, 128 - most + Number(length));
}

function networkOf(address: string, bits: number): Network[] | undefined {
  const octets = addressOctets(address);
  return octets && [{ network: networkText(octets, bits), bits }];
}

/** The fewest networks that make up a range of IPv4 addresses. */
function readRange(key: string): Network[] | undefined {
  const [from = '', to = ''] = key.split('-');
  if (!isIPv4(from) || !isIPv4(to)) return undefined;
  const networks: Network[] = [];
  const last = ipv4Number(to);
  for (let first = ipv4Number(from); first <= last; ) {
    let bits = 32;
    // Twice as large while it begins at a multiple of its size and ends within the range.
    while (bits > 0 && first % 2 ** (33 - bits) === 0 && first + 2 ** (33 - bits) - 1 <= last) bits--;
    networks.push(...networkOf(ipv4Text(first), mappedBits + bits)!);
    first += 2 ** (32 - bits);
  }
  return networks.length === 0 ? undefined : networks;
}

function ipv4Number(address: string): number {
  return address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);
}

function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** The octets with all but the first bits cleared, in hexadecimal; '' for none. */
function networkText(octets: Uint8Array, bits: number): string {
  if (bits === 0) return '';
  const network = Uint8Array.from(octets, (octet, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return octet & (0xff00 >> kept) & 0xff;
  });
  return Buffer.from(network).toString('hex');
}

/** `deny`, or `allow` and variables: `allow,A=1,B="x,y",C`. */
function readAction(action: string): Pick<AccessRule, 'deny' | 'variables'> {
  if (action.startsWith('deny')) return { deny: true, variables: {} };
  const items = action.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
  const variables = items.slice(1).map((item): [string, string] => {
    const [name = '', ...value] = item.replaceAll('"', '').split('=');
    return [name.trim(), value.join('=')];
  });
  return { deny: false, variables: Object.fromEntries(variables) };
}
