/**
 * Gives a connection that has been read from to another process.
 *
 * Node loses octets when a socket that is being read is sent: what arrives between the last read and the sending
 * is read into a stream nobody looks at. So reading stops on the handle itself, what the stream holds is taken out
 * (which makes Node start reading again), reading is stopped once more, and all of that happens in one turn of
 * the event loop, in which no octet can be read. The octets go along with the message; those that arrive later
 * wait in the kernel for the new owner. This is the only place that touches a socket's private handle.
 */
import { Socket } from 'node:net';
import type { StreamConnection } from './stream-connection.ts';

/** A kernel connection without its stream: what `process.send` passes on. */
export interface ConnectionHandle {
  readStop(): number;
  close(callback?: () => void): void;
}

/** A handle, and the octets that were received through it but belong to whoever gets it. */
export interface Released {
  readonly handle: ConnectionHandle;
  readonly leftover: Buffer;
}

/**
 * Takes the kernel connection out of `connection`, which is as good as closed afterwards and tells nobody.
 * Everything written must have left: await `flushed()` before.
 * @returns undefined if the connection has gone already, or is not one that another process can have (TLS)
 */
export function releaseConnection(connection: StreamConnection): Released | undefined {
  const socket = connection.stream as unknown as { _handle?: ConnectionHandle | null; destroy(): void };
  const handle = socket._handle;
  if (!handle || connection.closed || connection.secure) return undefined;
  handle.readStop();
  const leftover = connection.detach();
  handle.readStop();
  socket._handle = null;
  socket.destroy();
  return { handle, leftover };
}

/** A stream over a handle that another process has released. Nothing is read before somebody listens. */
export function adoptHandle(handle: ConnectionHandle): Socket {
  // The `handle` option is not in Node's documentation, nor in its types; `fd` is, but there is no descriptor here.
  return new Socket({ handle, allowHalfOpen: true } as object);
}
