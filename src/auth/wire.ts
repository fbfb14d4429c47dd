/**
 * Courier's authentication protocol (authlib §2), both ends, octets only: no socket, no time.
 * Every text here is an octet string (latin1, one character per octet).
 *
 * A request is metadata lines (`NAME=VALUE`), then one command. A reply is attribute lines and a line `.`, or
 * `FAIL`, or nothing at all: a close without a reply is a temporary failure.
 */
import type { Account, AccountRecord, EnumeratedAccount } from './account-record.ts';
import { parseOptions } from './account-record.ts';

/** Octets before the LF of a request line. */
export const maxLineOctets = 8190;
/** Octets of the AUTH payload; also of a reply to AUTH and PRE. */
export const maxPayloadOctets = 8191;

export type Metadata = ReadonlyMap<string, string>;

/** The metadata with which a client asks our daemon to keep the connection; Courier's ignores it. */
export const keepAlive = ['KEEPALIVE', '1'] as const;
/** The metadata with which a client asks our daemon for a login ticket, the last attribute of an accepting reply. */
export const wantTicket = ['TICKET', '1'] as const;
/** The metadata, with a uid, of a client that runs the sessions of that uid itself: their accounts need no ticket. */
export const ownUidName = 'OWNUID';
/** The metadata of a login: a missing home directory is to be made, where that is configured. */
export const wantHome = ['MKHOMEDIR', '1'] as const;
/** What a ticket adds to a reply at most. */
export const maxTicketOctets = 128;

export type WireRequest =
  | { readonly kind: 'pre'; readonly module: string; readonly service: string; readonly userId: string }
  | { readonly kind: 'auth'; readonly service: string; readonly authType: string; readonly data: string }
  | {
      readonly kind: 'passwd';
      readonly service: string;
      readonly userId: string;
      readonly oldPassword: string;
      readonly newPassword: string;
    }
  /** A PASSWD with control characters: answered with FAIL. */
  | { readonly kind: 'refusedPasswd' }
  | { readonly kind: 'enumerate' };

/** A request and what came before it; `consumed` counts octets of the buffer it was read from. */
export interface ReadRequest {
  readonly request: WireRequest;
  readonly metadata: Metadata;
  readonly consumed: number;
}

/**
 * Reads the request at the start of a buffer that holds everything received so far.
 * @returns `more` when the request is not complete, `malformed` when the connection is to be closed silently
 */
export function readRequest(received: Buffer): ReadRequest | 'more' | 'malformed' {
  const metadata = new Map<string, string>();
  for (let start = 0; ; ) {
    const end = received.indexOf(0x0a, start);
    if (end < 0) return received.length - start > maxLineOctets ? 'malformed' : 'more';
    if (end - start > maxLineOctets) return 'malformed';
    const line = received.toString('latin1', start, end);
    start = end + 1;
    const mark = line.search(/[ =]/);
    if (mark >= 0 && line[mark] === '=') {
      if (metadata.size >= 64) return 'malformed';
      metadata.set(line.slice(0, mark), line.slice(mark + 1));
      continue;
    }
    const command = mark < 0 ? line : line.slice(0, mark);
    const args = mark < 0 ? '' : line.slice(mark).replace(/^ +/, '');
    return readCommand(command, args, received, start, metadata);
  }
}

function readCommand(
  command: string,
  args: string,
  received: Buffer,
  start: number,
  metadata: Metadata,
): ReadRequest | 'more' | 'malformed' {
  let request: WireRequest | undefined;
  let consumed = start;
  if (command === 'PRE') request = readPre(args);
  else if (command === 'PASSWD') request = readPasswd(args);
  else if (command === 'ENUMERATE') request = { kind: 'enumerate' };
  else if (command === 'AUTH') {
    const length = /^\d{1,5}/.exec(args);
    if (!length) return 'malformed';
    const octets = Number(length[0]);
    if (octets > maxPayloadOctets) return 'malformed';
    if (received.length - start < octets) return 'more';
    consumed = start + octets;
    request = readAuth(received.toString('latin1', start, consumed));
  }
  return request ? { request, metadata, consumed } : 'malformed';
}

function readPre(args: string): WireRequest | undefined {
  const match = /^(\S+) +(\S+) +(.+)$/s.exec(args);
  return match ? { kind: 'pre', module: match[1]!, service: match[2]!, userId: match[3]! } : undefined;
}

function readAuth(payload: string): WireRequest | undefined {
  const first = payload.indexOf('\n');
  if (first < 0) return undefined;
  const second = payload.indexOf('\n', first + 1);
  if (second < 0) return undefined;
  return {
    kind: 'auth',
    service: payload.slice(0, first),
    authType: payload.slice(first + 1, second),
    data: payload.slice(second + 1),
  };
}

function readPasswd(args: string): WireRequest | undefined {
  if (/[\x00-\x08\x0b-\x1f]/.test(args)) return { kind: 'refusedPasswd' };
  const fields = args.split('\t');
  if (fields.length < 4) return undefined;
  const [service, userId, oldPassword, newPassword] = fields as [string, string, string, string];
  return { kind: 'passwd', service, userId, oldPassword, newPassword };
}

/** The first two non-empty lines of authdata, or undefined: an empty id or password never succeeds. */
export function splitAuthData(data: string): [string, string] | undefined {
  const parts = data.split('\n', 64).filter((part) => part !== '');
  return parts.length < 2 ? undefined : [parts[0]!, parts[1]!];
}

/** @throws {RangeError} a metadata value with control characters, or a request over the limits */
export function writeRequest(request: WireRequest, metadata: Metadata): Buffer {
  let head = '';
  for (const [name, value] of metadata) {
    if (hasControls(name) || hasControls(value)) throw new RangeError(`control character in ${name}`);
    head += `${name}=${value}\n`;
  }
  let text: string;
  if (request.kind === 'pre') text = `PRE ${request.module} ${request.service} ${request.userId}\n`;
  else if (request.kind === 'passwd') {
    text = `PASSWD ${request.service}\t${request.userId}\t${request.oldPassword}\t${request.newPassword}\n`;
  } else if (request.kind === 'auth') {
    const payload = `${request.service}\n${request.authType}\n${request.data}`;
    if (payload.length > maxPayloadOctets) throw new RangeError('the request is too long');
    return Buffer.from(`${head}AUTH ${payload.length}\n${payload}`, 'latin1');
  } else text = 'ENUMERATE\n';
  if (text.length - 1 > maxLineOctets) throw new RangeError('the request is too long');
  return Buffer.from(head + text, 'latin1');
}

/** Whether an octet string has octets below 0x20, which the protocol's lines cannot carry. */
export function hasControls(text: string): boolean {
  return /[\x00-\x1f]/.test(text);
}

/** What a peer may see of an account's passwords. */
export interface Disclosure {
  readonly crypt: boolean;
  readonly clear: boolean;
}

/** The reply to an accepted AUTH or PRE, attributes in Courier's order, control characters dropped. */
export function writeAccount(account: Account, show: Disclosure): Buffer {
  let text = '';
  const add = (name: string, value: string | number | undefined) => {
    if (value === undefined || value === '') return;
    text += `${name}=${String(value).replace(/[\x00-\x1f]/g, '')}\n`;
  };
  add('USERNAME', account.username);
  if (account.username === undefined) add('UID', account.uid);
  add('GID', account.gid);
  add('HOME', account.home);
  add('ADDRESS', account.address);
  add('NAME', account.fullName?.split(',', 1)[0]);
  add('MAILDIR', account.maildir);
  add('QUOTA', account.quota);
  if (show.crypt) add('PASSWD', account.cryptPassword);
  if (show.clear) add('PASSWD2', account.clearPassword);
  add('OPTIONS', account.options);
  return Buffer.from(`${text}.\n`, 'latin1');
}

/** An account as a daemon's reply has it. */
export interface RepliedAccount extends Account {
  readonly ticket?: string | undefined;
}

/** The attributes of a complete reply, `fail`, or `none` for one that is empty or cut off (temporary). */
export function readReply(reply: Buffer): RepliedAccount | 'fail' | 'none' {
  const attributes = readAttributes(reply);
  if (typeof attributes === 'string') return attributes;
  const text = (name: string) => attributes.get(name) || undefined;
  const number = (name: string) => {
    const value = attributes.get(name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  return {
    address: text('ADDRESS') ?? '',
    username: text('USERNAME'),
    uid: number('UID'),
    gid: number('GID') ?? -1,
    home: text('HOME') ?? '',
    fullName: text('NAME'),
    maildir: text('MAILDIR'),
    quota: text('QUOTA'),
    options: text('OPTIONS'),
    cryptPassword: text('PASSWD'),
    clearPassword: text('PASSWD2'),
    ticket: text('TICKET'),
  };
}

/** `NAME=value` lines up to a line that is exactly `.`; unknown names are kept, lines without `=` ignored. */
export function readAttributes(reply: Buffer): Map<string, string> | 'fail' | 'none' {
  const attributes = new Map<string, string>();
  const lines = reply.toString('latin1').split('\n');
  lines.pop();
  for (const line of lines) {
    if (line === '.') return attributes;
    if (line === 'FAIL') return 'fail';
    const equals = line.indexOf('=');
    if (equals > 0 && !attributes.has(line.slice(0, equals))) {
      attributes.set(line.slice(0, equals), line.slice(equals + 1));
    }
  }
  return 'none';
}

/** Octets to text; what is not UTF-8 becomes U+FFFD. */
export function octetsToText(octets: string): string {
  return /[\x80-\xff]/.test(octets) ? Buffer.from(octets, 'latin1').toString('utf8') : octets;
}

/** Text (as UTF-8) or octets to an octet string. */
export function toOctets(value: string | Uint8Array): string {
  if (typeof value !== 'string')
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  return /[^\x00-\x7f]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}

/** The account as the login stage uses it. */
export function toAccountRecord(account: RepliedAccount): AccountRecord {
  return {
    address: octetsToText(account.address),
    gid: account.gid,
    home: account.home,
    options: parseOptions(octetsToText(account.options ?? '')),
    ...(account.uid !== undefined && { uid: account.uid }),
    ...(account.username !== undefined && { username: octetsToText(account.username) }),
    ...(account.maildir !== undefined && { maildir: account.maildir }),
    ...(account.quota !== undefined && { quota: account.quota }),
    ...(account.fullName !== undefined && { fullName: octetsToText(account.fullName) }),
    ...(account.clearPassword !== undefined && { clearPassword: octetsToText(account.clearPassword) }),
    ...(account.cryptPassword !== undefined && { cryptPassword: account.cryptPassword }),
    ...(account.ticket !== undefined && { ticket: account.ticket }),
  };
}

/** One record of an enumeration. */
export function writeEnumerated(account: EnumeratedAccount): string {
  const fields = [account.address, account.uid, account.gid, account.home];
  const line = [...fields, account.maildir ?? '', account.options ?? ''].map((field) =>
    String(field).replace(/[\x00-\x1f]/g, ''),
  );
  return `${line.join('\t')}\n`;
}

/** Reads a record line; undefined for comments and what has no uid and gid above 0 (as old clients do). */
export function readEnumerated(line: string): EnumeratedAccount | undefined {
  const fields = line.split('#', 1)[0]!.split('\t');
  const [address, uid, gid, home, maildir, options] = fields;
  if (!address || home === undefined || !(Number(uid) > 0) || !(Number(gid) > 0)) return undefined;
  return { address, uid: Number(uid), gid: Number(gid), home, maildir, options };
}
