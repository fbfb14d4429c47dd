/** Dates of header fields (RFC 5322 §3.3, §4.3) and of INTERNALDATE (RFC 9051 date-time). */

export interface ParsedDate {
  readonly epochSeconds: number;
  /** East of Greenwich positive. */
  readonly zoneMinutes: number;
  /** The day as written, in its own zone, as days since 1970-01-01 (for SENTBEFORE, SENTON, SENTSINCE). */
  readonly localDay: number;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const zoneHours = new Map(
  Object.entries({
    edt: -4,
    est: -5,
    cdt: -5,
    cst: -6,
    mdt: -6,
    mst: -7,
    pdt: -7,
    pst: -8,
  }),
);

/** Longer text is no date. */
const maximumLength = 256;

interface Found {
  day?: number;
  month?: number;
  year?: number;
  seconds?: number;
  zoneMinutes?: number;
}

/**
 * Reads a Date field: RFC 5322 and its obsolete forms (two-digit years, zone names, comments), also with names and
 * numbers in the order of asctime. Without a time it is midnight, without a zone UTC.
 */
export function parseDate(value: string): ParsedDate | undefined {
  if (value.length > maximumLength) return undefined;
  const found: Found = {};
  for (const token of withoutComments(value).split(/[\s,]+/)) {
    if (token !== '' && !takeToken(found, token.toLowerCase())) return undefined;
  }
  const { day, month, year, seconds = 0, zoneMinutes = 0 } = found;
  if (day === undefined || month === undefined || year === undefined) return undefined;
  if (!isDay(year, month, day)) return undefined;
  const localDay = dayNumber(year, month, day);
  return { epochSeconds: localDay * 86400 + seconds - zoneMinutes * 60, zoneMinutes, localDay };
}

function withoutComments(value: string): string {
  if (!value.includes('(')) return value;
  let text = '';
  let depth = 0;
  for (const char of value) {
    if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (depth === 0) text += char;
  }
  return text;
}

/** @returns false if the text can be no date */
function takeToken(found: Found, token: string): boolean {
  if (token.includes(':')) return takeTime(found, token);
  if (/^[+-]\d{4}$/.test(token) && found.seconds !== undefined) {
    found.zoneMinutes ??= zoneOf(token);
    return true;
  }
  if (/^\d+$/.test(token)) return takeNumber(found, token);
  const dashed = /^(\d{1,2})-([a-z]+)-(\d{2,4})$/.exec(token);
  if (dashed) return dashed.slice(1).every((piece) => takeToken(found, piece));
  const month = months.indexOf(token.slice(0, 3)) + 1;
  if (month > 0 && found.month === undefined) found.month = month;
  else if (found.seconds !== undefined && zoneHours.has(token))
    found.zoneMinutes ??= zoneHours.get(token)! * 60;
  return true; // day names, GMT, military zones (RFC 5322 §4.3: as -0000), and words that say nothing
}

function takeNumber(found: Found, digits: string): boolean {
  const number = Number(digits);
  if (found.day === undefined) found.day = number;
  else if (found.year === undefined) {
    if (digits.length === 1 || digits.length > 4) return false;
    found.year = digits.length === 4 ? number : number + (digits.length === 2 && number < 50 ? 2000 : 1900);
  }
  return true;
}

function takeTime(found: Found, token: string): boolean {
  const match = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?([+-]\d{4})?$/.exec(token);
  if (!match) return false;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 60) return false;
  found.seconds ??= hours * 3600 + minutes * 60 + seconds;
  if (match[4] !== undefined) found.zoneMinutes ??= zoneOf(match[4]);
  return true;
}

/** `+0530` -> 330 */
function zoneOf(token: string): number {
  const minutes = Number(token.slice(1, 3)) * 60 + Number(token.slice(3, 5));
  return token.startsWith('-') ? -minutes : minutes;
}

function isDay(year: number, month: number, day: number): boolean {
  // RFC 5322 has no years before 1900; Date.UTC would take those below 100 for others.
  return year >= 1900 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Days since 1970-01-01 of a calendar day; `month` 1-12. */
export function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / 86_400_000;
}

/** `01-Jan-2020 09:20:30 +0000`, two-digit day; no quotes. */
export function formatInternalDate(epochSeconds: number, zoneMinutes: number): string {
  const date = new Date((epochSeconds + zoneMinutes * 60) * 1000);
  const name = months[date.getUTCMonth()]!;
  const month = name[0]!.toUpperCase() + name.slice(1);
  const day = `${twoDigits(date.getUTCDate())}-${month}-${String(date.getUTCFullYear()).padStart(4, '0')}`;
  const time = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())}`;
  const zone = Math.abs(zoneMinutes);
  const sign = zoneMinutes < 0 ? '-' : '+';
  return `${day} ${time} ${sign}${twoDigits(Math.floor(zone / 60))}${twoDigits(zone % 60)}`;
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** As a Date field has it (RFC 5322 §3.3): `Wed, 06 Aug 2003 00:00:02 +0000`. */
export function formatMailDate(epochSeconds: number, zoneMinutes: number): string {
  const day = days[new Date((epochSeconds + zoneMinutes * 60) * 1000).getUTCDay()]!;
  const [date = '', ...rest] = formatInternalDate(epochSeconds, zoneMinutes).split(' ');
  return [`${day},`, date.replaceAll('-', ' '), ...rest].join(' ');
}

/** Reads what `formatInternalDate` writes, also with a one-digit or space-padded day. */
export function parseInternalDate(text: string): { epochSeconds: number; zoneMinutes: number } | undefined {
  const match = /^ ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{2}:\d{2}:\d{2}) ([+-]\d{4})$/.exec(text);
  if (!match) return undefined;
  const parsed = parseDate(`${match[1]} ${match[2]} ${match[3]} ${match[4]} ${match[5]}`);
  return parsed && { epochSeconds: parsed.epochSeconds, zoneMinutes: parsed.zoneMinutes };
}

/** The server's zone at a time, minutes east of Greenwich. */
export function localZoneMinutes(epochSeconds: number): number {
  return -new Date(epochSeconds * 1000).getTimezoneOffset();
}
