/**
 * Serves one page over HTTP. The process that does it is privileged, so it reads nothing of the request: whatever is
 * asked for, the answer is the page.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../base/log.ts';

const maxConnections = 16;
const timeoutMs = 5_000;

export interface MetricsAddress {
  readonly address: string;
  readonly port: number;
}

/** Resolves when the page can be fetched. @throws {Error} the place cannot be bound */
export function serveMetrics(
  { address, port }: MetricsAddress,
  page: () => Promise<string>,
  log: Log,
): Promise<Server> {
  const server = createServer((socket) => answer(socket, page, log));
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`METRICS_ADDRESS: ${error.message}`)));
    server.listen(port, address, () => {
      server.on('error', (error) => log.error(`metrics: ${error.message}`));
      resolve(server);
    });
  });
}

function answer(socket: Socket, page: () => Promise<string>, log: Log): void {
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  // A request that is still on its way when the connection is closed would have the answer thrown away.
  socket.once('data', () => {
    page().then(
      (text) => socket.end(response(text)),
      (error: Error) => {
        log.error(`metrics: ${error.stack}`);
        socket.destroy();
      },
    );
  });
}

function response(text: string): string {
  const headers = [
    'HTTP/1.1 200 OK',
    'Content-Type: text/plain; version=0.0.4; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ];
  return `${headers.join('\r\n')}\r\n\r\n${text}`;
}
