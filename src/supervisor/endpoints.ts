import { bindEndpoint, type Endpoint, type ListenHandle } from '../net/listen-handle.ts';
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
  #nextId = 1;

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
        const bound = { id: this.#nextId++, service, endpoint, handle: bindEndpoint(endpoint) };
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

  close(): void {
    for (const { handle } of this.#bound) handle.close();
    this.#bound = [];
  }
}

function keyOf(service: ServiceName, { address, port }: Endpoint): string {
  return `${service} ${address ?? '*'}.${port}`;
}
