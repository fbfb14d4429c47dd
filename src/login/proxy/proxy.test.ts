import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import type { AccountRecord } from '../../auth/account-record.ts';
import { type Log, silentLog } from '../../base/log.ts';
import { StreamConnection } from '../../net/stream-connection.ts';
import type { BackendSettings } from './backend.ts';
import { type ProxyProtocol, proxySession } from './proxy.ts';
import { type ProxyHost, parseHosts, proxyTarget } from './target.ts';

const settings: BackendSettings = { tls: 'none', trusted: undefined, sendProxyHeader: false, timeoutMs: 500 };
const login = { user: 'a"b', password: 'p', tag: 'a1', utf8: false, foreign: false };

function account(options: [string, string[]][], clearPassword?: string): AccountRecord {
  const secret = clearPassword === undefined ? {} : { clearPassword };
  return { address: 'joe', gid: 1, home: '/', options: new Map(options), ...secret };
}

for (const [what, options, password, kind] of [
  ['no mailhost', [], 'p', 'local'],
  ['its own name in other letters', [['mailhost', ['MX.Example']]], undefined, 'local'],
  ['an empty mailhost', [['mailhost', ['']]], 'p', 'refused'],
  ['no clear password', [['mailhost', ['b']]], undefined, 'refused'],
  ['another host', [['mailhost', ['b']]], 'p', 'away'],
  ['a list with its own name', [['mailhost', ['b;mx.example']]], 'p', 'local'],
] as [string, [string, string[]][], string | undefined, string][])
  test(`an account with ${what} is ${kind}`, () => {
    assert.equal(proxyTarget(account(options, password), ['mx.example']).kind, kind);
  });

for (const [text, hosts] of [
  ['b', [{ host: 'b', port: undefined }]],
  [
    'b:1430; c',
    [
      { host: 'b', port: 1430 },
      { host: 'c', port: undefined },
    ],
  ],
  ['[2001:db8::1]:143', [{ host: '2001:db8::1', port: 143 }]],
  ['2001:db8::1', [{ host: '2001:db8::1', port: undefined }]],
  ['b:0', undefined],
  ['b c', undefined],
  [';', undefined],
] as [string, ProxyHost[] | undefined][])
  test(`the hosts of "${text}"`, () => assert.deepEqual(parseHosts(text), hosts));

/** A back end that says each line of `script` when the client's line in front of it has come. */
function scripted(script: readonly [expected: string | undefined, answer: string][]) {
  return (socket: Socket) => {
    const steps = [...script];
    let text = '';
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    const go = () => {
      for (;;) {
        const expected = steps[0]?.[0];
        if (steps.length === 0) return;
        if (expected !== undefined) {
          if (!text.startsWith(expected)) return;
          text = text.slice(expected.length);
        }
        socket.write(steps.shift()![1]);
      }
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      go();
    });
    go();
  };
}

async function listening(serve: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

interface Proxied {
  client: Socket;
  start(hosts: readonly ProxyHost[], leftover?: string, password?: string): ReturnType<typeof proxySession>;
  warnings: string[];
}

/** A client connected to the proxy, which is about to connect it to a back end. */
async function withClient(protocol: ProxyProtocol, use: (proxied: Proxied) => Promise<void>): Promise<void> {
  const accepted = Promise.withResolvers<Socket>();
  const { server, port } = await listening((socket) => accepted.resolve(socket));
  const client = connect(port, '127.0.0.1');
  const socket = await accepted.promise;
  const connection = new StreamConnection(socket, socket);
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (line) => void warnings.push(line) };
  const start = (hosts: readonly ProxyHost[], leftover = '', password = login.password) =>
    proxySession(connection, protocol, hosts, { ...login, password }, Buffer.from(leftover), settings, log);
  try {
    await use({ client, start, warnings });
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
}

async function read(socket: Socket, length: number): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.length >= length) break;
  }
  return text;
}

test('an IMAP client is logged in, and nothing sent early by either side is lost', () =>
  withClient('imap', async ({ client, start }) => {
    const { server, port } = await listening(
      scripted([
        [undefined, '* OK hello\r\n'],
        ['a1 LOGIN "a\\"b" "p"\r\n', '* CAPABILITY X\r\na1 OK in\r\n* early\r\n'],
        ['a2 NOOP\r\n', 'a2 OK noop\r\n'],
      ]),
    );
    const session = await start([{ host: '127.0.0.1', port }], 'a2 NOOP\r\n');
    const expected = 'a1 OK connected to proxy server.\r\n* early\r\na2 OK noop\r\n';
    assert.equal(await read(client, expected.length), expected);
    client.end();
    await session!.ended;
    server.close();
  }));

test('a POP3 client is logged in at the second host when the first is down', () =>
  withClient('pop3', async ({ client, start, warnings }) => {
    const { server, port } = await listening(
      scripted([
        [undefined, '+OK hello\r\n'],
        ['USER a"b\r\n', '+OK\r\n'],
        ['PASS p\r\n', '+OK in\r\n'],
      ]),
    );
    const down = await listening(() => undefined);
    down.server.close();
    await once(down.server, 'close');
    await start([
      { host: '127.0.0.1', port: down.port },
      { host: '127.0.0.1', port },
    ]);
    const expected = '+OK Connected to proxy server.\r\n';
    assert.equal(await read(client, expected.length), expected);
    assert.equal(warnings.length, 1);
    server.close();
  }));

test('a password that has a line end is sent to no back end', () =>
  withClient('imap', async ({ start, warnings }) => {
    let received = '';
    const { server, port } = await listening((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      socket.write('* OK hello\r\n');
    });
    assert.equal(await start([{ host: '127.0.0.1', port }], '', 'p"\r\na2 DELETE INBOX.x'), undefined);
    assert.equal(warnings.length, 1);
    assert.equal(received, '');
    server.close();
  }));

for (const [what, serve] of [
  ['hangs', () => undefined],
  ['closes at once', (socket: Socket) => socket.end()],
  ['greets with PREAUTH', scripted([[undefined, '* PREAUTH hi\r\n']])],
  [
    'refuses the login',
    scripted([
      [undefined, '* OK hi\r\n'],
      ['a1', 'a1 NO no\r\n'],
    ]),
  ],
  [
    'says BYE',
    scripted([
      [undefined, '* OK hi\r\n'],
      ['a1', '* BYE no\r\n'],
    ]),
  ],
  [
    'sends an endless line',
    (socket: Socket) => socket.on('error', () => undefined).write('x'.repeat(300_000)),
  ],
] as [string, (socket: Socket) => void][])
  test(`a back end that ${what} is given up, and the client is told nothing`, () =>
    withClient('imap', async ({ start, warnings }) => {
      const { server, port } = await listening((socket) => void serve(socket.on('error', () => undefined)));
      assert.equal(await start([{ host: '127.0.0.1', port }]), undefined);
      assert.equal(warnings.length, 1);
      server.close();
    }));
