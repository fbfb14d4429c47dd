import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from '../../test/support/private-server.ts';
import { boundEndpoint } from '../net/listen-handle.ts';
import { Endpoints } from './endpoints.ts';
import type { ServiceSettings } from './settings.ts';

/** All that is looked at of a service. */
const service = (...endpoints: { address: string | undefined; port: number }[]) =>
  [{ name: 'imap', endpoints }] as unknown as ServiceSettings[];

for (const address of ['192.0.2.77', '2001:db8::77'])
  test(`an address the machine does not have can be bound: ${address}`, async () => {
    const port = await freePort();
    const endpoints = new Endpoints();
    const { added } = endpoints.update(service({ address, port }));
    assert.deepEqual(
      added.map(({ handle }) => boundEndpoint(handle)),
      [{ address, port }],
    );
    endpoints.close();
  });

test('what stays bound stays, what is gone is told, and a port in use changes nothing', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const endpoints = new Endpoints();
  const at = (port: number) => ({ address: '127.0.0.1', port });
  const [one] = endpoints.update(service(at(first))).added;
  const { added, removed } = endpoints.update(service(at(first), at(second)));
  assert.deepEqual([added.map(({ endpoint }) => endpoint.port), removed], [[second], []]);
  assert.equal(endpoints.bound[0], one);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const third = await freePort();
  assert.throws(() => endpoints.update(service(at(second), at(third), at(port))), { code: 'EADDRINUSE' });
  assert.deepEqual(
    endpoints.bound.map(({ endpoint }) => endpoint.port),
    [first, second],
  );
  taken.close();
  assert.deepEqual(
    endpoints.update(service(at(second))).removed.map(({ endpoint }) => endpoint.port),
    [first],
  );
  endpoints.close();
});
