/**
 * MYSQL_CHARACTER_SET, PGSQL_CHARACTER_SET: what the octets of ids, passwords and columns mean. The connection itself is
 * always UTF-8; with Courier the server converts to and from the charset of the setting, here we do.
 */
import iconv from 'iconv-lite';

/** Octet strings to text and back. */
export interface SqlCharset {
  /** undefined: not text in this charset, so no row can have it. */
  decode(octets: string): string | undefined;
  encode(text: string): string;
}

export const utf8Charset: SqlCharset = {
  decode(octets) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(octets, 'latin1'));
    } catch {
      return undefined; // not UTF-8
    }
  },
  encode: (text) => Buffer.from(text, 'utf8').toString('latin1'),
};

/** Names of databases that iconv-lite does not have, and MySQL's latin1, which is Microsoft's. */
const otherNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  MYSQL_: { latin1: 'windows-1252', ujis: 'euc-jp', eucjpms: 'euc-jp', binary: 'latin1' },
  PGSQL_: { sql_ascii: 'latin1', win866: 'cp866', win: 'cp1251', alt: 'cp866', koi8: 'koi8-r' },
};

/**
 * @param prefix  `MYSQL_`; @param name  the database's name of the charset
 * @throws {Error} there is no such charset
 */
export function readSqlCharset(prefix: string, name: string | undefined): SqlCharset {
  const lower = name?.toLowerCase() ?? '';
  if (lower === '' || /^(?:utf-?8(?:mb[34])?|unicode)$/.test(lower)) return utf8Charset;
  const charset = otherNames[prefix]?.[lower] ?? lower;
  if (!iconv.encodingExists(charset)) throw new Error(`${prefix}CHARACTER_SET: there is no charset ${name}`);
  return {
    decode(octets) {
      const text = iconv.decode(Buffer.from(octets, 'latin1'), charset);
      return text.includes('\ufffd') ? undefined : text;
    },
    encode: (text) => iconv.encode(text, charset).toString('latin1'),
  };
}
