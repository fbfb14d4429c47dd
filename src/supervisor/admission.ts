import type { Log } from '../base/log.ts';
import { addressOctets, mappedAddress } from '../net/address.ts';
import type { ConnectionLimits, ServiceName } from './settings.ts';
import type { SharedCounts } from './shared-counts.ts';

/** A connection that has been let in; to be released once, when it is over wherever it went. */
export interface Admitted {
  release(): void;
  /** Counts its session against one more limit; false: that is reached. */
  claim(key: string, limit: number): boolean | Promise<boolean>;
}

/** Why one was not let in, for the client. */
export type Refused = 'server' | 'address';

/** One of the limits a connection counts against. */
interface Counted {
  readonly key: string;
  readonly limit: number;
  readonly what: 'address' | 'block' | 'server';
}

/** Writes a line of this kind, if no worker has written one lately. */
export type Seldom = (kind: string, write: () => void) => void;

/** MAXDAEMONS, MAXPERIP, -maxperc and -warn of all workers together, and what the log says about them. */
export class Admission {
  readonly #counts: SharedCounts;
  readonly #seldom: Seldom;

  constructor(counts: SharedCounts, seldom: Seldom) {
    this.#counts = counts;
    this.#seldom = seldom;
  }

  /** Answers at once unless a limit is near and other workers have to be asked. */
  admit(
    service: ServiceName,
    address: string,
    limits: ConnectionLimits,
    log: Log,
  ): Admitted | Refused | Promise<Admitted | Refused> {
    const counted: Counted[] = [
      { key: `${service} ${address}`, limit: limits.perAddress, what: 'address' },
      { key: service, limit: limits.connections, what: 'server' },
    ];
    if (limits.perBlock !== undefined)
      counted.splice(1, 0, { key: `${service} ${blockOf(address)}`, limit: limits.perBlock, what: 'block' });
    const result = this.#takeAll(address, counted, 0, log);
    if (result instanceof Promise)
      return result.then((settled) => this.#watch(settled, service, limits.warnAt, log));
    return this.#watch(result, service, limits.warnAt, log);
  }

  /** Takes one of each count from the `index`th on; whoever is refused gives back what it has. */
  #takeAll(
    address: string,
    counted: readonly Counted[],
    index: number,
    log: Log,
  ): Entry | Refused | Promise<Entry | Refused> {
    const next = counted[index];
    if (next === undefined) return new Entry(this.#counts, counted);
    const decide = (taken: boolean) => {
      if (taken) return this.#takeAll(address, counted, index + 1, log);
      for (const { key, limit } of counted.slice(0, index)) this.#counts.release(key, limit);
      return this.#refuse(address, next, log);
    };
    const taken = this.#counts.take(next.key, next.limit);
    return taken instanceof Promise ? taken.then(decide) : decide(taken);
  }

  /** Counts it against the threshold from which the log says how many there are; nobody waits for that. */
  #watch(entry: Entry | Refused, service: ServiceName, warnAt: number, log: Log): Entry | Refused {
    if (typeof entry === 'string') return entry;
    const below = entry.claim(`${service} below the threshold`, warnAt - 1);
    const warn = (isBelow: boolean) => {
      if (!isBelow) this.#seldom(`${service} threshold`, () => log.warn(`${warnAt} active connections.`));
    };
    if (below instanceof Promise) void below.then(warn);
    else warn(below);
    return entry;
  }

  #refuse(address: string, { key, what, limit }: Counted, log: Log): Refused {
    if (what === 'address') log.error(`Maximum connection limit reached for ${mappedAddress(address)}`);
    if (what === 'server') this.#seldom(key, () => log.error(`${limit} maximum active connections.`));
    return what === 'server' ? 'server' : 'address';
  }
}

/** What one connection has taken. */
class Entry implements Admitted {
  readonly #counts: SharedCounts;
  #taken: Pick<Counted, 'key' | 'limit'>[];
  #released = false;

  constructor(counts: SharedCounts, taken: readonly Pick<Counted, 'key' | 'limit'>[]) {
    this.#counts = counts;
    this.#taken = [...taken];
  }

  claim(key: string, limit: number): boolean | Promise<boolean> {
    const keep = (taken: boolean) => {
      if (taken && this.#released) this.#counts.release(key, limit);
      else if (taken) this.#taken.push({ key, limit });
      return taken;
    };
    if (limit <= 0) return false;
    const taken = this.#counts.take(key, limit);
    return taken instanceof Promise ? taken.then(keep) : keep(taken);
  }

  release(): void {
    this.#released = true;
    for (const { key, limit } of this.#taken) this.#counts.release(key, limit);
    this.#taken = [];
  }
}

/** The first 15 of the 16 octets, as Courier counts: an IPv4 /24, an IPv6 /120. */
function blockOf(address: string): string {
  const octets = addressOctets(address);
  return octets === undefined ? address : `${Buffer.from(octets.subarray(0, 15)).toString('hex')}/120`;
}
