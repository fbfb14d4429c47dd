import type { Log } from '../base/log.ts';
import { addressOctets, mappedAddress } from '../net/address.ts';
import type { ConnectionLimits, ServiceName } from './settings.ts';
import type { SharedCounts } from './shared-counts.ts';

/** A connection that has been let in; to be released once, when it is over wherever it went. */
export interface Admitted {
  release(): void;
}

/** Why one was not let in, for the client. */
export type Refused = 'server' | 'address';

/** One of the limits a connection counts against. */
interface Counted {
  readonly key: string;
  readonly limit: number;
  readonly what: 'address' | 'block' | 'server';
}

const warnEveryMs = 60_000;

/** MAXDAEMONS, MAXPERIP and -maxperc of all workers together, and what the log says about them. */
export class Admission {
  readonly #counts: SharedCounts;
  readonly #log: Log;
  readonly #clock: () => number;
  readonly #warnedAt = new Map<string, number>();

  constructor(counts: SharedCounts, log: Log, clock: () => number = Date.now) {
    this.#counts = counts;
    this.#log = log;
    this.#clock = clock;
  }

  /** Answers at once unless a limit is near and other workers have to be asked. */
  admit(
    service: ServiceName,
    address: string,
    limits: ConnectionLimits,
  ): Admitted | Refused | Promise<Admitted | Refused> {
    const counted: Counted[] = [
      { key: `${service} ${address}`, limit: limits.perAddress, what: 'address' },
      { key: service, limit: limits.connections, what: 'server' },
    ];
    if (limits.perBlock !== undefined)
      counted.splice(1, 0, { key: `${service} ${blockOf(address)}`, limit: limits.perBlock, what: 'block' });
    return this.#takeAll(address, counted, 0);
  }

  /** Takes one of each count from the `index`th on; whoever is refused gives back what it has. */
  #takeAll(
    address: string,
    counted: readonly Counted[],
    index: number,
  ): Admitted | Refused | Promise<Admitted | Refused> {
    const next = counted[index];
    if (next === undefined) return { release: () => this.#release(counted) };
    const decide = (taken: boolean) => {
      if (taken) return this.#takeAll(address, counted, index + 1);
      this.#release(counted.slice(0, index));
      return this.#refuse(address, next);
    };
    const taken = this.#counts.take(next.key, next.limit);
    return taken instanceof Promise ? taken.then(decide) : decide(taken);
  }

  #refuse(address: string, { what, limit }: Counted): Refused {
    if (what === 'address') this.#log.error(`Maximum connection limit reached for ${mappedAddress(address)}`);
    if (what === 'server') this.#seldom(`${limit} maximum active connections.`);
    return what === 'server' ? 'server' : 'address';
  }

  #release(counted: readonly Counted[]): void {
    for (const { key, limit } of counted) this.#counts.release(key, limit);
  }

  /** The same line at most once a minute. */
  #seldom(line: string): void {
    const now = this.#clock();
    if (now - (this.#warnedAt.get(line) ?? -warnEveryMs) < warnEveryMs) return;
    this.#warnedAt.set(line, now);
    this.#log.error(line);
  }
}

/** The first 15 of the 16 octets, as Courier counts: an IPv4 /24, an IPv6 /120. */
function blockOf(address: string): string {
  const octets = addressOctets(address);
  return octets === undefined ? address : `${Buffer.from(octets.subarray(0, 15)).toString('hex')}/120`;
}
