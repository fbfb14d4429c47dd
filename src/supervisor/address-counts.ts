import { mappedAddress } from '../net/address.ts';
import type { ConnectionLimits, ServiceName } from './settings.ts';

/** Who is connected to which service: MAXDAEMONS and MAXPERIP of this process's share. */
export class AddressCounts {
  readonly #byService = new Map<ServiceName, { total: number; byAddress: Map<string, number> }>();

  /** Counts a connection in. @returns undefined, or the reason to refuse it (then it is not counted) */
  add(service: ServiceName, address: string, limits: ConnectionLimits): string | undefined {
    let counts = this.#byService.get(service);
    if (!counts) {
      counts = { total: 0, byAddress: new Map() };
      this.#byService.set(service, counts);
    }
    if (counts.total >= limits.connections) return `${counts.total} maximum active connections.`;
    const here = counts.byAddress.get(address) ?? 0;
    if (here >= limits.perAddress) return `Maximum connection limit reached for ${mappedAddress(address)}`;
    counts.total++;
    counts.byAddress.set(address, here + 1);
    return undefined;
  }

  remove(service: ServiceName, address: string): void {
    const counts = this.#byService.get(service);
    const here = counts?.byAddress.get(address);
    if (!counts || here === undefined) return;
    counts.total--;
    if (here > 1) counts.byAddress.set(address, here - 1);
    else counts.byAddress.delete(address);
  }
}
