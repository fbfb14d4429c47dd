import { addressOctets } from '../net/address.ts';
import { bindEndpoint, boundEndpoint, type Endpoint, type ListenHandle } from '../net/listen-handle.ts';
import { bindFreely } from './free-bind.ts';
import type { ServiceName, ServiceSettings } from './settings.ts';

/** A port the supervisor holds; workers accept on it. */
export interface BoundEndpoint {
  readonly id: number;
  readonly service: ServiceName;
  readonly endpoint: Endpoint;
  readonly handle: ListenHandle;
}

/** The ports of the server. They stay bound while workers come and go, and over a change of configuration. */
export class Endpoints {
  #bound: BoundEndpoint[] = [];
  #inherited: ListenHandle[] = [];
  #nextId = 1;

  /** Takes sockets that somebody else has bound; they are used where they are what is wanted. */
  inherit(handles: readonly ListenHandle[]): void {
    this.#inherited.push(...handles);
  }

  /** Closes what nobody has wanted. @returns where those were */
  disinherit(): Endpoint[] {
    const unwanted = this.#inherited.map(boundEndpoint);
    for (const handle of this.#inherited.splice(0)) handle.close();
    return unwanted;
  }

  get bound(): readonly BoundEndpoint[] {
    return this.#bound;
  }

  /**
   * Binds what is new and closes what is gone; what stays, stays.
   * @returns what workers are to be told
   * @throws {Error} a port cannot be bound; then nothing has changed
   */
  update(services: readonly ServiceSettings[]): { added: BoundEndpoint[]; removed: BoundEndpoint[] } {
    const wanted = services.flatMap(({ name, endpoints }) =>
      endpoints.map((endpoint) => ({ key: keyOf(name, endpoint), service: name, endpoint })),
    );
    const present = new Map(this.#bound.map((bound) => [keyOf(bound.service, bound.endpoint), bound]));
    const added: BoundEndpoint[] = [];
    try {
      for (const { key, service, endpoint } of wanted) {
        if (present.has(key)) continue;
        const bound = { id: this.#nextId++, service, endpoint, handle: this.#obtain(endpoint) };
        added.push(bound);
        present.set(key, bound);
      }
    } catch (error) {
      for (const { handle } of added) handle.close();
      throw error;
    }
    const keys = new Set(wanted.map(({ key }) => key));
    const removed = this.#bound.filter((bound) => !keys.has(keyOf(bound.service, bound.endpoint)));
    this.#bound = [...this.#bound.filter((bound) => !removed.includes(bound)), ...added];
    return { added, removed };
  }

  #obtain(endpoint: Endpoint): ListenHandle {
    const index = this.#inherited.findIndex((handle) => isSame(boundEndpoint(handle), endpoint));
    if (index >= 0) return this.#inherited.splice(index, 1)[0]!;
    try {
      return bindEndpoint(endpoint);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
      return bindFreely(endpoint);
    }
  }

  close(): void {
    for (const { handle } of this.#bound) handle.close();
    this.#bound = [];
  }
}

function keyOf(service: ServiceName, { address, port }: Endpoint): string {
  return `${service} ${address ?? '*'}.${port}`;
}

/** Addresses may be written in several ways. */
function isSame(a: Endpoint, b: Endpoint): boolean {
  const octets = ({ address }: Endpoint) => (address === undefined ? '*' : addressOctets(address)?.join('.'));
  return a.port === b.port && octets(a) === octets(b);
}
