export interface ParsedDate {
  readonly epochSeconds: number;
  /** East of Greenwich positive. */
  readonly zoneMinutes: number;
  /** The day as written, in its own zone, as days since 1970-01-01 (for SENTBEFORE, SENTON, SENTSINCE). */
  readonly localDay: number;
}

/** Reads a Date field, RFC 5322 §3.3 and obsolete forms (two-digit years, zone names, comments). */
export function parseDate(value: string): ParsedDate | undefined {
  throw new Error(`not built yet ${value}`);
}

/** `01-Jan-2020 09:20:30 +0000`, two-digit day; no quotes. */
export function formatInternalDate(epochSeconds: number, zoneMinutes: number): string {
  throw new Error(`not built yet ${epochSeconds} ${zoneMinutes}`);
}

/** Reads what `formatInternalDate` writes, also with a one-digit or space-padded day (RFC 9051 date-time). */
export function parseInternalDate(text: string): { epochSeconds: number; zoneMinutes: number } | undefined {
  throw new Error(`not built yet ${text}`);
}

/** The server's zone at a time, minutes east of Greenwich. */
export function localZoneMinutes(epochSeconds: number): number {
  throw new Error(`not built yet ${epochSeconds}`);
}

/** Days since 1970-01-01 of a calendar day; `month` 1-12. */
export function dayNumber(year: number, month: number, day: number): number {
  throw new Error(`not built yet ${year} ${month} ${day}`);
}
