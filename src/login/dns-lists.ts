/**
 * Lists of addresses in the DNS: whether one of them has a client refused (frontend-tls-ops §2.5). Nothing waits
 * for them but the connection they are asked about, and a list that does not answer refuses nobody.
 */
import type { DnsList } from '../config/program-options.ts';
import { addressOctets, plainAddress } from '../net/address.ts';

export interface DnsListSettings {
  readonly rules: readonly DnsList[];
  /** Variables that have a client refused if they have content; none: the lists decide nothing and are not asked. */
  readonly drop: readonly string[];
  readonly timeoutMs: number;
}

/** What of `node:dns/promises` is used. */
export interface DnsResolver {
  resolve4(name: string): Promise<string[]>;
  resolveTxt(name: string): Promise<string[][]>;
}

/** Why a client is refused, or undefined; and the lists that did not say anything. */
export interface DnsVerdict {
  readonly refusal: string | undefined;
  readonly failures: readonly string[];
}

/**
 * Asks all lists at the same time, and weighs their answers in order.
 * @param variables  of the client's access record: what they set no list changes
 */
export async function askDnsLists(
  settings: DnsListSettings,
  address: string,
  variables: Readonly<Record<string, string>>,
  resolver: DnsResolver,
): Promise<DnsVerdict> {
  const name = reversedName(address);
  if (name === undefined || settings.drop.length === 0) return { refusal: undefined, failures: [] };
  const values = new Map(Object.entries(variables));
  const asked = settings.rules.filter(({ variable }) => !values.has(variable));
  const failures: string[] = [];
  const limit = timeLimit(settings.timeoutMs);
  const note = (zone: string, why: string) => failures.push(`${zone}: ${why}`);
  const answers = asked.map((rule) =>
    listed(rule, name, resolver, limit.passed).catch((error: Error) => {
      note(rule.zone, error.message);
      return false;
    }),
  );
  for (const [index, rule] of asked.entries()) {
    if (values.has(rule.variable) || !(await answers[index])) continue;
    values.set(
      rule.variable,
      rule.kind === 'allow' ? '' : await messageOf(rule, name, address, resolver, limit),
    );
  }
  limit.cancel();
  const refusal = settings.drop.map((variable) => values.get(variable)).find((value) => value);
  return { refusal, failures };
}

/** `192.0.2.1` -> `1.2.0.192`, an IPv6 address -> its nibbles reversed; undefined: no address. */
export function reversedName(address: string): string | undefined {
  const octets = addressOctets(address);
  if (octets === undefined) return undefined;
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain.split('.').reverse().join('.');
  return [...Buffer.from(octets).toString('hex')].reverse().join('.');
}

interface TimeLimit {
  readonly passed: Promise<never>;
  cancel(): void;
}

function timeLimit(ms: number): TimeLimit {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), ms);
  });
  passed.catch(() => undefined);
  return { passed, cancel: () => clearTimeout(timer) };
}

async function listed(
  { zone, answer }: DnsList,
  name: string,
  resolver: DnsResolver,
  passed: Promise<never>,
): Promise<boolean> {
  const records = await Promise.race([resolver.resolve4(`${name}.${zone}`).catch(notListed), passed]);
  return answer === undefined ? records.some(means) : records.includes(answer);
}

/** RFC 5782 §2.1: entries are in 127.0.0.0/8. Lists say "you may not ask" with 127.255.255.x. */
function means(record: string): boolean {
  return record.startsWith('127.') && !record.startsWith('127.255.255.');
}

/** There is no such name: the usual answer. @throws {Error} the list could not say */
function notListed(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
  throw new Error(error.code ?? error.message);
}

async function messageOf(
  { zone, shown, message }: DnsList,
  name: string,
  address: string,
  resolver: DnsResolver,
  { passed }: TimeLimit,
): Promise<string> {
  const usual = `Blacklisted by ${shown}`;
  if (message !== '*') return message?.replace('@', plainAddress(address)) ?? usual;
  const text = Promise.race([resolver.resolveTxt(`${name}.${zone}`), passed]);
  const [strings] = await text.catch((): string[][] => []);
  return strings?.join('') || usual;
}
