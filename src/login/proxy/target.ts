/** Which server an account's mail is on (pop3-proxy-options §6). */
import type { AccountRecord } from '../../auth/account-record.ts';

export interface ProxyHost {
  readonly host: string;
  /** undefined: the protocol's own. */
  readonly port: number | undefined;
}

/**
 * `local`: this machine serves it. `refused`: it cannot be served; the reason is for the log. `away`: the hosts to
 * try in turn, and what to log in with.
 */
export type ProxyTarget =
  | { readonly kind: 'local'; readonly warning?: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'away';
      readonly hosts: readonly ProxyHost[];
      readonly user: string;
      readonly password: string;
    };

/**
 * @param ownNames  PROXY_HOSTNAME and the machine's host name: the `mailhost` values that mean this machine
 */
export function proxyTarget(account: AccountRecord, ownNames: readonly string[]): ProxyTarget {
  const values = account.options.get('mailhost');
  if (!values)
    return { kind: 'local', warning: `proxy enabled, but no proxy host defined for ${account.address}` };
  const own = ownNames.map((name) => name.toLowerCase());
  const mailhost = values[0]!;
  if (own.includes(mailhost.toLowerCase())) return { kind: 'local' };
  const hosts = parseHosts(mailhost);
  if (!hosts) return { kind: 'refused', reason: `unusable mailhost "${mailhost}" of ${account.address}` };
  if (hosts.some(({ host }) => own.includes(host.toLowerCase()))) return { kind: 'local' };
  const password = account.clearPassword;
  if (password === undefined)
    return { kind: 'refused', reason: `proxy enabled, but no password for ${account.address}` };
  return { kind: 'away', hosts, user: account.address, password };
}

/**
 * `host`, `host:port`, `[2001:db8::1]:port`, several separated by `;`: a comma would end the option.
 * @returns undefined for what is no such list
 */
export function parseHosts(mailhost: string): ProxyHost[] | undefined {
  const hosts: ProxyHost[] = [];
  for (const entry of mailhost.split(';')) {
    const found =
      /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)|([0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*))(?::(\d+))?$/.exec(
        entry.trim(),
      );
    const host = found?.[1] ?? found?.[2] ?? found?.[3];
    const port = found?.[4] === undefined ? undefined : Number(found[4]);
    if (host === undefined || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
    hosts.push({ host, port });
  }
  return hosts;
}
