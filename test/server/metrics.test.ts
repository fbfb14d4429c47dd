/** The numbers of a server, and its log as objects. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { freePort } from '../support/private-server.ts';
import { Conversation, TestServer, workerUser } from './support.ts';

const accounts = [
  { name: 'ann', uid: workerUser.uid },
  { name: 'bob', uid: process.geteuid!() === 0 ? 50_001 : workerUser.uid },
];

async function numbers(port: number): Promise<(name: string) => number | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  for (const line of text.trimEnd().split('\n'))
    assert.match(
      line,
      /^(# (HELP|TYPE) \S+ \S.*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?\d+(\.\d+)?)$/,
    );
  return (name) => {
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  };
}

/** Resolves when a number has this value. */
async function until(port: number, name: string, value: number): Promise<void> {
  while ((await numbers(port))(name) !== value) await new Promise((resolve) => setImmediate(resolve));
}

test('metrics: connections, logins, octets, processes, certificates', { timeout: 60_000 }, async () => {
  const port = await freePort();
  const server = await TestServer.start(accounts, {
    imapd: ['MAXPERIP=3'],
    postrider: [`METRICS_ADDRESS=${port}`],
  });
  const clients: Conversation[] = [];
  for (const name of ['ann', 'bob', 'eve']) {
    const client = await Conversation.plain(server.ports.plain);
    await client.login(name);
    clients.push(client);
  }
  await (await Conversation.plain(server.ports.plain)).rest();
  const secure = await Conversation.tls(server.ports.tls);
  await secure.login();
  const found = await numbers(port);
  for (const [name, value] of [
    ['postrider_connections{service="imap"}', 3],
    ['postrider_connections{service="imaps"}', 1],
    ['postrider_connections_total{service="imap"}', 4],
    ['postrider_connections_refused_total{service="imap",reason="address"}', 1],
    ['postrider_logins_total{service="imap",result="accepted"}', 2],
    ['postrider_logins_total{service="imap",result="rejected"}', 1],
    ['postrider_logins_total{service="imaps",result="accepted"}', 1],
    ['postrider_process_restarts_total{process="worker 1"}', 0],
  ] as const)
    assert.equal(found(name), value, name);
  assert.ok(found('postrider_received_bytes_total{service="imap"}')! > 30);
  assert.ok(found('postrider_process_resident_bytes{process="worker 2"}')! > 10_000_000);
  const certificate = `postrider_certificate_expires_in_seconds{file="${server.directory}/etc/imapd.pem"}`;
  const seconds = found(certificate)!;
  assert.ok(seconds > 86_400 && seconds < 2 * 86_400, `${seconds}`);
  for (const client of clients) client.close();
  await until(port, 'postrider_connections{service="imap"}', 0);
  const [worker] = server.children('worker-main');
  process.kill(worker!, 'SIGKILL');
  await server.logged(/worker \d ended/);
  const after = await numbers(port);
  const restarts = [1, 2].map((number) =>
    after(`postrider_process_restarts_total{process="worker ${number}"}`),
  );
  assert.deepEqual(
    restarts.reduce((a, b) => a! + b!),
    1,
  );
  assert.equal(after('postrider_logins_total{service="imap",result="accepted"}'), 2);
  secure.close();
  await server.stop();
});

test('whatever is sent to the metrics is not looked at, and nobody can hold it', {
  timeout: 30_000,
}, async () => {
  const port = await freePort();
  const server = await TestServer.start(accounts, { postrider: [`METRICS_ADDRESS=127.0.0.1.${port}`] });
  const silent = Array.from({ length: 40 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  const garbage = connect(port, '127.0.0.1').on('error', () => {});
  garbage.write(Buffer.alloc(1 << 20));
  await until(port, 'postrider_connections{service="imap"}', 0).catch(() => undefined);
  for (const socket of [...silent, garbage]) socket.destroy();
  for (;;) {
    const answer = await numbers(port).catch(() => undefined);
    if (answer !== undefined) break;
  }
  await server.stop();
});

test('LOG_FORMAT=json: all lines of a connection have its session, in whatever process', {
  timeout: 30_000,
}, async () => {
  const server = await TestServer.start(accounts, { postrider: ['LOG_FORMAT=json'] });
  const client = await Conversation.plain(server.ports.plain);
  await client.login('x');
  await client.login('bob');
  await client.command('x', 'LOGOUT');
  await server.logged(/"event":"LOGOUT"/);
  type Line = Record<string, string | number>;
  const lines = server.log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const ours = lines.filter(({ session }) => session !== undefined);
  assert.deepEqual(
    ours.map(({ level, event, user }) => [level, event, user]),
    [
      ['debug', 'Connection', undefined],
      ['info', 'LOGIN FAILED', 'x'],
      ['info', 'LOGIN', 'bob'],
      ['info', 'LOGOUT', 'bob'],
    ],
  );
  assert.equal(new Set(ours.map(({ session }) => session)).size, 1);
  for (const line of ours) assert.deepEqual([line['service'], line['ip']], ['imapd', '::ffff:127.0.0.1']);
  await server.stop();
});
