/** The kinds of values a setting can have: how each is read, and the words that say what is allowed. */
import { ShellRefusal, splitShellWords } from './shell-file.ts';

/** A kind of value; `read` turns the text of the file into the typed value. */
export interface Kind<T> {
  /** An empty value is the same as a missing setting. */
  readonly emptyIsMissing?: true;
  /** Completes `allowed: …`, e.g. `a whole number from 1 to 65535`. */
  readonly allowed: string;
  /** @throws {ValueRefusal} the text is not such a value */
  read(text: string): T;
}

/** The value of a setting cannot be used; the message says why, the kind says what is allowed. */
export class ValueRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueRefusal';
  }
}

/** Any text; surrounding blanks belong to it. */
export const text: Kind<string> = { allowed: 'any text', read: (value) => value };

/** The path of a file or directory. */
export const path: Kind<string> = { allowed: 'a path', read: (value) => value };

/** A kind that may also be empty or missing: then undefined. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return {
    allowed: `${kind.allowed}, or nothing`,
    read: (value) => (value === '' ? undefined : kind.read(value)),
  };
}

/** Courier's boolean: a whole number, anything but 0 is true; empty is false. */
export const flag: Kind<boolean> = {
  allowed: '1 (on) or 0 (off)',
  read: (value) => {
    if (value === '') return false;
    if (!/^[+-]?\d+$/.test(value)) throw new ValueRefusal(`"${value}" is not a whole number`);
    return Number(value) !== 0;
  },
};

/** Courier's other boolean: a word beginning with y or Y is true, one with n or N, or nothing, is false. */
export const yesNo: Kind<boolean> = {
  allowed: 'YES or NO',
  read: (value) => {
    if (/^y/i.test(value)) return true;
    if (value === '' || /^n/i.test(value)) return false;
    throw new ValueRefusal(`"${value}" is neither`);
  },
};

/** On if the text is not empty (the path of a helper program of Courier's, of which only this matters). */
export const notEmpty: Kind<boolean> = {
  allowed: 'any text (on), or nothing (off)',
  read: (value) => value !== '',
};

/** A whole number in decimal digits. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`;
  return {
    emptyIsMissing: true,
    allowed,
    read: (value) => {
      if (!/^\d+$/.test(value)) throw new ValueRefusal(`"${value}" is not a whole number`);
      const number = Number(value);
      if (number < min || number > max) throw new ValueRefusal(`${value} is out of range`);
      return number;
    },
  };
}

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A number of octets; K, M and G behind it multiply by 1024. */
export function octets(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  return {
    emptyIsMissing: true,
    allowed: `a number of octets from ${min}, also as 64K, 10M, 1G`,
    read: (value) => {
      const [, digits, unit] = /^(\d+)([kmg]?)$/i.exec(value) ?? [];
      if (digits === undefined) throw new ValueRefusal(`"${value}" is not a number of octets`);
      const number = Number(digits) * units[unit!.toLowerCase()]!;
      if (number < min || number > max) throw new ValueRefusal(`${value} is out of range`);
      return number;
    },
  };
}

/** One of a few words, exactly as written here. */
export function choice<const W extends string>(...words: readonly W[]): Kind<W> {
  return {
    allowed: words.join(', '),
    read: (value) => {
      const found = words.find((word) => word === value);
      if (found === undefined) throw new ValueRefusal(`"${value}" is none of them`);
      return found;
    },
  };
}

/** Words separated by blanks, e.g. `authpam authuserdb`. */
export const words: Kind<readonly string[]> = {
  allowed: 'words separated by blanks',
  read: (value) => value.split(/[ \t\n]+/).filter((word) => word !== ''),
};

/** Names separated by commas; blanks inside a name belong to it. */
export const names: Kind<readonly string[]> = {
  allowed: 'names separated by commas',
  read: (value) => {
    const list = value.split(',').map((name) => name.trim());
    return list.filter((name) => name !== '');
  },
};

/** Options of a program, as a shell would split them: quotes inside the value keep blanks together. */
export const programOptions: Kind<readonly string[]> = {
  allowed: 'options separated by blanks, with quotes around those that contain some',
  read: (value) => {
    try {
      return splitShellWords(value);
    } catch (error) {
      if (error instanceof ShellRefusal) throw new ValueRefusal(error.message);
      throw error;
    }
  },
};

/** A file mode mask in octal digits. */
export const umask: Kind<number> = {
  emptyIsMissing: true,
  allowed: 'an octal number from 000 to 777',
  read: (value) => {
    if (!/^0?[0-7]{1,3}$/.test(value)) throw new ValueRefusal(`"${value}" is not a file mode mask`);
    return Number.parseInt(value, 8);
  },
};

/** A place to listen; `address` is undefined where ADDRESS applies. */
export interface ListenPort {
  readonly address: string | undefined;
  readonly port: number;
}

const services: Readonly<Record<string, number>> = {
  imap: 143,
  imap2: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
};

/** Courier's list of ports, `143` or `127.0.0.1.900,::1.143` (frontend-tls-ops §2.1); `0` as address means all. */
export const ports: Kind<readonly ListenPort[]> = {
  allowed: 'ports or address.port separated by commas, e.g. 143 or 127.0.0.1.1143,::1.143',
  read: (value) => {
    const list = value.split(',').map((entry) => entry.trim());
    return list.filter((entry) => entry !== '').map(readListenPort);
  },
};

function readListenPort(entry: string): ListenPort {
  const dot = entry.lastIndexOf('.');
  const name = entry.slice(dot + 1);
  const port = /^\d+$/.test(name) ? Number(name) : services[name];
  if (port === undefined || port < 1 || port > 65535) throw new ValueRefusal(`"${name}" is not a port`);
  return { address: dot < 0 ? undefined : readAddress(entry.slice(0, dot)), port };
}

/** One place to listen; undefined: none. A bare port is one of the loopback address. */
export const metricsAddress: Kind<{ readonly address: string; readonly port: number } | undefined> = {
  allowed: 'address.port, or a port, e.g. 127.0.0.1.9464',
  read: (value) => {
    if (value === '') return undefined;
    const { address = '127.0.0.1', port } = readListenPort(value);
    return { address, port };
  },
};

/** One IP address; undefined: all (written `0`, or empty). */
export const address: Kind<string | undefined> = {
  allowed: 'one IP address, or 0 for all',
  read: readAddress,
};

function readAddress(value: string): string | undefined {
  if (value === '0' || value === '') return undefined;
  const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(value) || /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(value);
  if (!isAddress) throw new ValueRefusal(`"${value}" is not an IP address`);
  return value;
}

/** How long messages stay in a folder; `folder` is undefined for a bare number of days: the trash folder. */
export interface Retention {
  readonly folder: string | undefined;
  readonly days: number;
}

/** `folder:days,…`, or a number of days for the trash folder (imap-server §15); less than a day is a day. */
export const retention: Kind<readonly Retention[]> = {
  allowed: 'folder:days separated by commas, or a number of days',
  read: (value) => {
    const list = value.split(',').map((entry) => entry.trim());
    return list.filter((entry) => entry !== '').map(readRetention);
  },
};

function readRetention(entry: string): Retention {
  const colon = entry.lastIndexOf(':');
  const days = entry.slice(colon + 1);
  if (!/^\d+$/.test(days)) throw new ValueRefusal(`"${entry}" names no number of days`);
  return { folder: colon < 0 ? undefined : entry.slice(0, colon), days: Math.max(1, Number(days)) };
}

/** The lowest TLS version of a listener; `strict`: no renegotiation, the server's order of ciphers. */
export interface TlsProtocol {
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly strict: boolean;
}

/** TLS_PROTOCOL (frontend-tls-ops §3.1), with TLSv1.3 added. A `+` changes nothing: every value is a minimum. */
export const tlsProtocol: Kind<TlsProtocol> = {
  allowed: 'TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, each also with + or ++',
  read: (value) => {
    if (value === '') return { minVersion: 'TLSv1.2', strict: false };
    const [, number, plus] = /^TLSv?(1(?:\.[0123])?)(\+{0,2})$/i.exec(value) ?? [];
    const minVersion = number === undefined ? undefined : tlsVersions[number];
    if (minVersion === undefined) throw new ValueRefusal(`"${value}" is no TLS version`);
    return { minVersion, strict: plus === '++' };
  },
};

const tlsVersions: Readonly<Record<string, TlsProtocol['minVersion']>> = {
  1: 'TLSv1',
  '1.0': 'TLSv1',
  '1.1': 'TLSv1.1',
  '1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
};

/** TLS_VERIFYPEER: the first letter counts, in either case; empty is PEER (frontend-tls-ops §3.1). */
export const verifyPeer: Kind<'none' | 'peer' | 'require'> = {
  allowed: 'NONE, PEER, REQUIREPEER',
  read: (value) => {
    const letter = value[0]?.toLowerCase() ?? 'p';
    if (letter === 'n') return 'none';
    if (letter === 'p') return 'peer';
    if (letter === 'r') return 'require';
    throw new ValueRefusal(`"${value}" is none of them`);
  },
};

/** TLS_ALPN: names separated by blanks or commas; `@name` is a flag of GnuTLS and is left out. */
export const alpnNames: Kind<readonly string[]> = {
  allowed: 'names separated by blanks or commas',
  read: (value) => words.read(value.replaceAll(',', ' ')).filter((word) => !word.startsWith('@')),
};

/** IMAP_KEYWORDS (maildir-store §5): 0 or nothing is off, 2 is slow; any other number is on. */
export const keywordMode: Kind<0 | 1 | 2> = {
  allowed: '0 (off), 1 (on), 2 (on, merging concurrent changes)',
  read: (value) => {
    if (!flag.read(value)) return 0;
    return Number(value) === 1 ? 1 : 2;
  },
};

/** IMAP_USELOCKS: on if it begins with 1. */
export const useLocks: Kind<boolean> = { allowed: flag.allowed, read: (value) => value.startsWith('1') };

/** IMAP_LOG_DELETIONS: off if it is empty or begins with 0. */
export const logDeletions: Kind<boolean> = {
  allowed: '1 (on) or 0 (off)',
  read: (value) => value !== '' && !value.startsWith('0'),
};
