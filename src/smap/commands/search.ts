import { MailError } from '../../base/mail-error.ts';
import { parseNumberSet } from '../../base/number-set.ts';
import { dayNumber } from '../../message/date.ts';
import type { SearchKey } from '../../search/keys.ts';
import { search as find } from '../../search/search.ts';
import { flag } from '../../store/flags.ts';
import { searchLines } from '../framing.ts';
import { flagBit, readKeyword } from '../properties.ts';
import type { SmapSession } from '../session.ts';

/** SEARCH scope [NOT] criterion (smap §5.9). */
export async function search(session: SmapSession, words: readonly string[]): Promise<string> {
  const { view } = session.folder;
  const [scope = '', ...rest] = words;
  const isNegated = rest[0]?.toUpperCase() === 'NOT';
  const criterion = readCriterion(isNegated ? rest.slice(1) : rest);
  const keys = [readScope(scope), isNegated ? ({ kind: 'not', key: criterion } as const) : criterion];
  const options = { nowSeconds: Math.floor(Date.now() / 1000), signal: session.signal };
  const indexes = await find(view, { kind: 'and', keys }, options);
  for (const line of searchLines(indexes.map((index) => index + 1))) session.output.line(line);
  return 'Search completed.';
}

function invalid(): MailError {
  return new MailError('invalidName', 'a criterion that cannot be read');
}

/** `ALL`, `MARKED`, `UNMARKED`, or `1-5,15-*`. */
function readScope(word: string): SearchKey {
  const name = word.toUpperCase();
  if (name === 'ALL') return { kind: 'all' };
  if (name === 'MARKED' || name === 'UNMARKED')
    return { kind: 'flag', bit: flag.flagged, set: name === 'MARKED' };
  const ranges = /^[\d,*-]+$/.test(word) ? parseNumberSet(word.replaceAll('-', ':')) : undefined;
  if (!ranges) throw invalid();
  return { kind: 'sequence', ranges };
}

const fields = ['FROM', 'TO', 'CC', 'BCC', 'SUBJECT'];
const dates = {
  BEFORE: 'before',
  ON: 'on',
  SINCE: 'since',
  SENTBEFORE: 'sentBefore',
  SENTON: 'sentOn',
  SENTSINCE: 'sentSince',
} as const;

function readCriterion([word = '', first, second]: readonly string[]): SearchKey {
  const name = word.toUpperCase();
  const bit = name === 'MARKED' ? undefined : flagBit(name);
  if (bit !== undefined) return { kind: 'flag', bit, set: true };
  if (first === undefined) throw invalid();
  if (fields.includes(name)) return { kind: 'header', name: name.toLowerCase(), value: first };
  if (Object.hasOwn(dates, name)) return readDay(dates[name as keyof typeof dates], first);
  switch (name) {
    case 'KEYWORD':
      return { kind: 'keyword', name: readKeyword(first) };
    case 'HEADER':
      if (second === undefined) throw invalid();
      return { kind: 'header', name: first.toLowerCase(), value: second };
    case 'BODY':
      return { kind: 'body', value: first };
    case 'TEXT':
      return { kind: 'text', value: first };
    case 'SMALLER':
    case 'LARGER':
      if (!/^\d{1,15}$/.test(first)) throw invalid();
      return { kind: name === 'LARGER' ? 'larger' : 'smaller', octets: Number(first), of: 'file' };
    default:
      throw invalid();
  }
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `3-Aug-2003`; what cannot be read matches nothing. */
function readDay(kind: (typeof dates)[keyof typeof dates], text: string): SearchKey {
  const [, day, name = '', year] = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i.exec(text) ?? [];
  const month = months.indexOf(name.toLowerCase()) + 1;
  if (month === 0) return { kind: 'not', key: { kind: 'all' } };
  return { kind, day: dayNumber(Number(year), month, Number(day)) };
}
