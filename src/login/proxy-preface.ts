/** Waits for a load balancer's PROXY header in front of a connection, bounded in octets and time. */
import type { Socket } from 'node:net';
import { readProxyHeader } from '../net/proxy-header.ts';
import type { Addresses } from '../net/stream-connection.ts';

/**
 * Reads the header; what follows it stays in the socket to be read.
 * @returns the client's addresses, or undefined where the balancer speaks for itself
 * @throws {Error} Courier's reason, for the log; the socket is of no use any more
 */
export function readPreface(socket: Socket, timeoutMs: number): Promise<Addresses | undefined> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const settle = (error: Error | undefined, addresses?: Addresses) => {
      clearTimeout(timer);
      socket.off('data', take);
      socket.off('close', gone);
      socket.off('end', gone);
      socket.pause();
      if (error) reject(error);
      else resolve(addresses);
    };
    const take = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const header = readProxyHeader(received);
      if (header.kind === 'refused') settle(new Error(`haproxy: ${header.reason}`));
      else if (header.kind === 'done') {
        settle(undefined, header.addresses);
        if (header.consumed < received.length) socket.unshift(received.subarray(header.consumed));
      }
    };
    const gone = () => settle(new Error('haproxy: missing PROXY statement'));
    const timer = setTimeout(() => settle(new Error('haproxy: timeout')), timeoutMs);
    socket.on('data', take);
    socket.once('close', gone);
    socket.once('end', gone);
    socket.on('error', gone);
  });
}
