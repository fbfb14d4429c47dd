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
  /** Node's own note, which it believes. */
  reading: boolean;
  readStop(): number;
  close(callback?: () => void): void;
}

/** What is touched of a socket here. */
interface PrivateSocket {
  _handle?: ConnectionHandle | null;
  destroy(): void;
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
  const socket = connection.stream as unknown as PrivateSocket;
  if (!socket._handle || connection.closed || connection.secure) return undefined;
  socket._handle.readStop();
  const leftover = connection.detach();
  const handle = takeHandle(socket);
  return handle && { handle, leftover };
}

/** Where adopted connections are read into: what is there has been copied before the next octets come. */
const landing = Buffer.allocUnsafeSlow(65_536);

/**
 * A stream over a handle that another process has released. Nothing is read before somebody listens.
 *
 * It reads past Node's streams, which take memory for each read and pass it through a queue: a fifth of what a small
 * command costs. Its `data` events are as usual; `read` and `readable` have nothing to give.
 */
export function adoptHandle(handle: ConnectionHandle): Socket {
  const callback = (size: number): boolean => {
    const chunk = Buffer.allocUnsafe(size);
    landing.copy(chunk, 0, 0, size);
    socket.emit('data', chunk);
    return true;
  };
  const onread = { buffer: landing, callback };
  // The `handle` option is not in Node's documentation, nor in its types; `fd` is, but there is no descriptor here.
  const socket = new Socket({ handle, allowHalfOpen: true, manualStart: true, onread } as object);
  return socket;
}

/** The same for a socket that has just been accepted, in the turn it was: nothing has been read from it yet. */
export function adoptSocket(accepted: Socket): Socket {
  const handle = takeHandle(accepted as unknown as PrivateSocket);
  return handle ? adoptHandle(handle) : accepted;
}

/** @returns undefined if the connection has gone */
function takeHandle(socket: PrivateSocket): ConnectionHandle | undefined {
  const handle = socket._handle;
  if (!handle) return undefined;
  handle.readStop();
  handle.reading = false;
  socket._handle = null;
  socket.destroy();
  return handle;
}
