import type { Log } from '../base/log.ts';
import { mappedAddress } from '../net/address.ts';
import type { ConnectionLimits, ServiceName } from './settings.ts';
import type { SharedCounts } from './shared-counts.ts';

/** A connection that has been let in; to be released once, when it is over wherever it went. */
export interface Admitted {
  release(): void;
}

/** Why one was not let in, for the client. */
export type Refused = 'server' | 'address';

const warnEveryMs = 60_000;

/** MAXDAEMONS and MAXPERIP of all workers together, and what the log says about them. */
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
    const here = `${service} ${address}`;
    const decide = (total: boolean, own: boolean): Admitted | Refused => {
      if (total && own) return { release: () => this.#release(service, here, limits) };
      if (total) this.#counts.release(service, limits.connections);
      if (own) this.#counts.release(here, limits.perAddress);
      if (!own) this.#log.error(`Maximum connection limit reached for ${mappedAddress(address)}`);
      else this.#seldom(`${limits.connections} maximum active connections.`);
      return own ? 'server' : 'address';
    };
    const own = this.#counts.take(here, limits.perAddress);
    const total = own === false ? true : this.#counts.take(service, limits.connections);
    if (own === false) return decide(false, false);
    if (typeof own === 'boolean' && typeof total === 'boolean') return decide(total, own);
    return Promise.all([total, own]).then(([all, mine]) => decide(all, mine));
  }

  #release(service: ServiceName, here: string, limits: ConnectionLimits): void {
    this.#counts.release(service, limits.connections);
    this.#counts.release(here, limits.perAddress);
  }

  /** The same line at most once a minute. */
  #seldom(line: string): void {
    const now = this.#clock();
    if (now - (this.#warnedAt.get(line) ?? -warnEveryMs) < warnEveryMs) return;
    this.#warnedAt.set(line, now);
    this.#log.error(line);
  }
}
