/**
 * Sockets that are bound here and accepted from in other processes: the supervisor holds the port, the workers
 * `listen` on it, and none of them dying closes it.
 */
import * as net from 'node:net';
import { getSystemErrorMap } from 'node:util';

/** A bound socket that nobody listens on in this process. */
export interface ListenHandle {
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
  readonly fd: number;
}

/** Where to listen; `address` undefined: every address, IPv6 and IPv4. */
export interface Endpoint {
  readonly address: string | undefined;
  readonly port: number;
}

type CreateServerHandle = (
  address: string | null,
  port: number,
  family: 4 | 6 | undefined,
  fd?: number,
  flags?: number,
) => ListenHandle | number;

// Not in Node's types: the cluster module's own way to bind without listening.
const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })
  ._createServerHandle;

/** @throws {Error} with Node's code (`EADDRINUSE`, `EACCES`) and a message that names the place */
export function bindEndpoint({ address, port }: Endpoint): ListenHandle {
  const family = address === undefined ? undefined : net.isIPv6(address) ? 6 : 4;
  return checked(createServerHandle(address ?? null, port, family), `${address ?? '*'}.${port}`, port);
}

/** A listening socket that was inherited open (systemd socket activation). */
export function adoptDescriptor(fd: number): ListenHandle {
  return checked(createServerHandle(null, 0, undefined, fd), `descriptor ${fd}`, 0);
}

/** Where a handle is bound. */
export function boundEndpoint(handle: ListenHandle): Endpoint {
  const name: { address?: string; port?: number } = {};
  handle.getsockname(name);
  const { address = '', port = 0 } = name;
  return { address: address === '::' ? undefined : address, port };
}

/** The kernel tells some errors of bind only when asked for the name. */
function checked(handle: ListenHandle | number, place: string, port: number): ListenHandle {
  if (typeof handle === 'number') throw bindError(place, handle);
  const name: { port?: number } = {};
  const error = handle.getsockname(name);
  if (error === 0 && (port === 0 || name.port === port)) return handle;
  handle.close();
  throw bindError(place, error || -98);
}

function bindError(place: string, errno: number): Error {
  const [code, text] = getSystemErrorMap().get(errno) ?? ['EUNKNOWN', `error ${errno}`];
  return Object.assign(new Error(`bind: ${place}: ${text}`), { code });
}
