/** A name server for tests: A and TXT records, names it does not know, and names it keeps silent about. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface DnsRecords {
  readonly [name: string]: { readonly a?: string; readonly txt?: string };
}

/** @returns the bound socket; close it */
export async function startDnsServer(records: DnsRecords, address = '127.0.0.1', port = 0): Promise<Socket> {
  const server = createSocket('udp4', (query, peer) => {
    const answer = answerTo(query, records);
    if (answer) server.send(answer, peer.port, peer.address);
  });
  server.bind(port, address);
  await once(server, 'listening');
  return server;
}

/** Names below `silent.example` have no answer, those below `broken.example` a failure (SERVFAIL). */
function answerTo(query: Buffer, records: DnsRecords): Buffer | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const name = labels.join('.');
  if (name.endsWith('silent.example')) return undefined;
  const found = records[name];
  const isText = query.readUInt16BE(at + 1) === 16;
  const value = isText ? found?.txt : found?.a;
  const code = name.endsWith('broken.example') ? 2 : found ? 0 : 3;
  const head = Buffer.from(query.subarray(0, 12));
  head.set([0x81, 0x80 | code, 0, 1, 0, value === undefined ? 0 : 1, 0, 0, 0, 0], 2);
  const question = query.subarray(12, at + 5);
  if (value === undefined) return Buffer.concat([head, question]);
  const data = isText
    ? Buffer.from(String.fromCharCode(value.length) + value, 'latin1')
    : Buffer.from(value.split('.').map(Number));
  const record = Buffer.from([0xc0, 12, 0, isText ? 16 : 1, 0, 1, 0, 0, 0, 1, 0, data.length]);
  return Buffer.concat([head, question, record, data]);
}
