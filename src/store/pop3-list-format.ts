/** `courierpop3dsizelist` as octets, whatever release wrote it; unique ids, and the order of messages (pop3-proxy-options §3). */

export interface Pop3Entry {
  /** Name in `cur/` with the flags it had when it was written; latin1. */
  readonly fileName: string;
  /** Octets with every line end CRLF. */
  readonly wireOctets: number;
  /** 0: the unique id is the file's name, as before release 2.0. */
  readonly uid: number;
  /** 0: entries of release 2.0. */
  readonly uidValidity: number;
  /** The message's header has octets above 127. */
  readonly eightBitHeader: boolean;
}

export interface Pop3List {
  readonly nextUid: number;
  readonly uidValidity: number;
  readonly entries: readonly Pop3Entry[];
  /** False: an older format, a repaired one, or no file at all, so that it has to be written. */
  readonly current: boolean;
}

/**
 * Reads the file's octets, whatever release wrote them. Lines that make no sense, and a last line without its end,
 * are left out. Where two entries have one number, as Courier's parallel logins can leave them, the later gets a new one.
 * @param now  seconds since 1970: the UIDVALIDITY where the file has none
 */
export function parsePop3List(octets: Uint8Array, now: number): Pop3List {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
  const firstEnd = text.indexOf('\n');
  const header = /^\/(\d+)\s+(\d+)(?:\s+(\d+))?/.exec(text.slice(0, Math.max(0, firstEnd)));
  const version = header ? Number(header[1]) : 0;
  const entries: Pop3Entry[] = [];
  let highest = 0;
  for (let at = header ? firstEnd + 1 : 0; ; ) {
    const end = text.indexOf('\n', at);
    if (end < 0) break;
    const entry = parseEntry(text.slice(at, end), version);
    if (entry) {
      entries.push(entry);
      if (entry.uid > highest) highest = entry.uid;
    }
    at = end + 1;
  }
  const uidValidity = header?.[3] ? Number(header[3]) : now;
  const nextUid = Math.max(header ? Number(header[2]) : 1, highest + 1);
  const unique = renumberDuplicates(entries, nextUid, uidValidity);
  return { ...unique, uidValidity, current: version === 3 && unique.nextUid === nextUid };
}

/**
 * Fields are split from the right: names may contain blanks. The form of a line says more than the first line of the
 * file, which may be damaged.
 */
function parseEntry(line: string, version: number): Pop3Entry | undefined {
  const last = line.lastIndexOf(' ');
  if (last < 1) return undefined;
  const colon = line.indexOf(':', last);
  if (colon < 0 && version === 0) {
    const wireOctets = digits(line, last + 1, line.length);
    const fileName = line.slice(0, last);
    return wireOctets < 0
      ? undefined
      : { fileName, wireOctets, uid: 0, uidValidity: 0, eightBitHeader: false };
  }
  const before = line.lastIndexOf(' ', last - 1);
  if (before < 1) return undefined;
  const wireOctets = digits(line, before + 1, last);
  const second = colon < 0 ? -1 : line.indexOf(':', colon + 1);
  const uid = digits(line, last + 1, colon < 0 ? line.length : colon);
  const uidValidity = colon < 0 ? 0 : digits(line, colon + 1, second < 0 ? line.length : second);
  const eightBit = second < 0 ? 0 : digits(line, second + 1, line.length);
  if (wireOctets < 0 || uid < 0 || uidValidity < 0 || eightBit < 0) return undefined;
  return { fileName: line.slice(0, before), wireOctets, uid, uidValidity, eightBitHeader: eightBit > 0 };
}

/** A number of at most 15 decimal digits; -1 if it is none. */
function digits(text: string, from: number, to: number): number {
  if (to <= from || to - from > 15) return -1;
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function renumberDuplicates(
  entries: Pop3Entry[],
  nextUid: number,
  uidValidity: number,
): { entries: Pop3Entry[]; nextUid: number } {
  // The usual list has one UIDVALIDITY and ascending numbers.
  if (entries.every((entry, i) => i === 0 || isBehind(entries[i - 1]!, entry))) return { entries, nextUid };
  const known = new Map<number, Set<number>>();
  let next = nextUid;
  const unique = entries.map((entry) => {
    if (entry.uid === 0) return entry;
    const ofValidity = known.get(entry.uidValidity) ?? new Set();
    known.set(entry.uidValidity, ofValidity);
    if (ofValidity.has(entry.uid)) return { ...entry, uid: next++, uidValidity };
    ofValidity.add(entry.uid);
    return entry;
  });
  return { entries: unique, nextUid: next };
}

function isBehind(one: Pop3Entry, other: Pop3Entry): boolean {
  return one.uidValidity === other.uidValidity && one.uid < other.uid;
}

export function formatPop3List(list: Pop3List): Buffer {
  const lines = [`/3 ${list.nextUid} ${list.uidValidity}\n`];
  for (const { fileName, wireOctets, uid, uidValidity, eightBitHeader } of list.entries)
    lines.push(`${fileName} ${wireOctets} ${uid}:${uidValidity}:${eightBitHeader ? 1 : 0}\n`);
  return Buffer.from(lines.join(''), 'latin1');
}

/** The unique id UIDL shows: `UID7-1795529795`, `UID7`, or the escaped name of the file. */
export function uniqueId({ fileName, uid, uidValidity }: Pop3Entry): string {
  if (uid !== 0) return uidValidity !== 0 ? `UID${uid}-${uidValidity}` : `UID${uid}`;
  return upToColon(fileName).replace(
    /[^\x21-\x7e]|['"+]/g,
    (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Indexes of names in POP3's order: by leading number, then as signed octets up to the colon. Names are latin1. */
export function pop3Order(fileNames: readonly string[]): number[] {
  const leading = fileNames.map(leadingNumber);
  const bases = fileNames.map(upToColon);
  return fileNames
    .map((_, index) => index)
    .sort((one, other) => leading[one]! - leading[other]! || compareSigned(bases[one]!, bases[other]!));
}

function compareSigned(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const d = signed(left.charCodeAt(i)) - signed(right.charCodeAt(i));
    if (d !== 0) return d;
  }
  return left.length - right.length;
}

function signed(octet: number): number {
  return octet > 127 ? octet - 256 : octet;
}

function leadingNumber(name: string): number {
  const found = /^\s*([+-]?\d+)/.exec(name);
  return found ? Number(found[1]) : 0;
}

/** What of a name does not change. */
export function upToColon(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}
