/**
 * What the authentication daemon says about an account (authlib §2.3), and account options (authlib §12).
 *
 * Two forms: `Account` is the daemon's own, every text an *octet string* (latin1: one character per octet, as
 * on the wire); `AccountRecord` is what its clients work with.
 */

/** An account as a module found it. Octet strings; `options` still as one string. */
export interface Account {
  /** Canonical login id (ADDRESS). */
  readonly address: string;
  /** System account whose uid and supplementary groups apply (USERNAME). */
  readonly username?: string | undefined;
  readonly uid?: number | undefined;
  readonly gid: number;
  readonly home: string;
  readonly fullName?: string | undefined;
  /** Relative to `home` or absolute. */
  readonly maildir?: string | undefined;
  /** `10000000S,1000C` */
  readonly quota?: string | undefined;
  /** `name=value,name=value` */
  readonly options?: string | undefined;
  /** Stored hash (PASSWD). */
  readonly cryptPassword?: string | undefined;
  /** The verified password, or the stored clear one (PASSWD2). */
  readonly clearPassword?: string | undefined;
}

/** An accepted account as the login stage gets it. `home` and `maildir` are octet strings, the rest is text. */
export interface AccountRecord {
  readonly address: string;
  readonly uid?: number;
  readonly gid: number;
  readonly username?: string;
  readonly home: string;
  readonly maildir?: string;
  readonly quota?: string;
  readonly fullName?: string;
  /** By name, values in their order (`group` may be repeated); DEFAULTOPTIONS are merged already. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** For the proxy; absent unless the daemon trusts this process or the client just sent it. */
  readonly clearPassword?: string;
  /** Stored hash; only for peers that the daemon trusts. */
  readonly cryptPassword?: string;
  /** For the supervisor: the proof that this account has logged in (auth/login-ticket.ts). */
  readonly ticket?: string;
}

/** One line of an enumeration; octet strings. */
export interface EnumeratedAccount {
  readonly address: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly maildir?: string | undefined;
  readonly options?: string | undefined;
}

/** Splits `a=1,b,group=x,group=y`; a bare name has the value `''`. */
export function parseOptions(options: string): Map<string, string[]> {
  const parsed = new Map<string, string[]>();
  for (const item of options.split(',')) {
    if (item === '') continue;
    const equals = item.indexOf('=');
    const name = equals < 0 ? item : item.slice(0, equals);
    const value = equals < 0 ? '' : item.slice(equals + 1);
    const values = parsed.get(name);
    if (values) values.push(value);
    else parsed.set(name, [value]);
  }
  return parsed;
}

/** The first value of an option, or undefined when the account does not have it. */
export function optionValue(
  options: ReadonlyMap<string, readonly string[]>,
  name: string,
): string | undefined {
  return options.get(name)?.[0];
}

/**
 * Whether an option is switched on, as Courier's servers read it: a decimal prefix other than 0, or a value
 * that starts with `t` or `y`, or an empty one (`disableimap` and `disableimap=` disable).
 */
export function optionIsSet(options: ReadonlyMap<string, readonly string[]>, name: string): boolean {
  const value = optionValue(options, name);
  if (value === undefined) return false;
  return Number.parseInt(value, 10) > 0 || value === '' || /^\s*-[1-9]|^[tTyY]/.test(value);
}

/**
 * Adds each default item whose name is not there yet; without own options the defaults stand verbatim. A repeated
 * default (`group`) therefore counts once beside own options, as in Courier (pop3-proxy-options §7).
 */
export function mergeDefaultOptions(options: string | undefined, defaults: string): string | undefined {
  if (defaults === '') return options;
  if (options === undefined || options === '') return defaults;
  const names = new Set(parseOptions(options).keys());
  const merged = [options];
  for (const item of defaults.split(',')) {
    const name = item.split('=', 1)[0]!;
    if (item === '' || names.has(name)) continue;
    names.add(name);
    merged.push(item);
  }
  return merged.join(',');
}
