import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import type { AccountRecord } from '../../auth/account-record.ts';
import { type Log, silentLog } from '../../base/log.ts';
import { StreamConnection } from '../../net/stream-connection.ts';
import type { LoginTerms } from '../services.ts';
import type { BackendSettings } from './backend.ts';
import { createLoginProxy, type ProxiedSession, type ProxyResult } from './proxy.ts';
import { type ProxyHost, parseHosts, proxyTarget } from './target.ts';

const settings: BackendSettings = { tls: 'none', trusted: undefined, sendProxyHeader: false, timeoutMs: 500 };

function account(options: [string, string[]][], clearPassword?: string, address = 'joe'): AccountRecord {
  const secret = clearPassword === undefined ? {} : { clearPassword };
  return { address, gid: 1, home: '/', options: new Map(options), ...secret };
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

interface ProxyChoice extends Partial<BackendSettings> {
  terms?: LoginTerms;
  password?: string;
  foreign?: boolean;
  /** Ports of this server itself. */
  ownPorts?: readonly number[];
}

interface Proxied {
  client: Socket;
  /** Logs in at these ports of this machine; with `leftover`, what the client has sent behind its LOGIN. */
  logIn(ports: readonly number[], choice?: ProxyChoice): Promise<ProxyResult>;
  /** The same, and begins the session. */
  start(ports: readonly number[], leftover?: string, choice?: ProxyChoice): Promise<ProxiedSession>;
  warnings: string[];
  lines: string[];
}

const imap = { protocol: 'imap' } as const;

/** A client connected to the proxy, which is about to connect it to a back end. */
async function withClient(use: (proxied: Proxied) => Promise<void>): Promise<void> {
  const accepted = Promise.withResolvers<Socket>();
  const { server, port } = await listening((socket) => accepted.resolve(socket));
  const client = connect(port, '127.0.0.1');
  const [socket] = await Promise.all([accepted.promise, once(client, 'connect')]);
  const connection = new StreamConnection(socket, socket);
  connection.onData(() => undefined);
  const warnings: string[] = [];
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (line) => void lines.push(line),
    warn: (line) => void warnings.push(line),
    error: (line) => void warnings.push(line),
  };
  const logIn = (ports: readonly number[], choice: ProxyChoice = {}) => {
    const { terms = imap, password = 'p', foreign = false, ownPorts = [], ...backend } = choice;
    const proxy = createLoginProxy(
      { ownNames: ['mx.example'], foreign, backend: { ...settings, ...backend } },
      ownPorts.map((own) => ({ address: undefined, port: own })),
      () => undefined,
      log,
    );
    const mailhost = ports.map((own) => `127.0.0.1:${own}`).join(';');
    return proxy.logIn(connection, account([['mailhost', [mailhost]]], password, 'a"b'), terms);
  };
  const start = async (ports: readonly number[], leftover = '', choice: ProxyChoice = {}) => {
    const result = await logIn(ports, choice);
    assert.equal(result.kind, 'away', warnings.join('\n'));
    const { protocol } = choice.terms ?? imap;
    const session = { protocol, tag: 'a1', leftover: Buffer.from(leftover) };
    return (result as ProxyResult & { kind: 'away' }).login.start(session);
  };
  try {
    await use({ client, logIn, start, warnings, lines });
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

const greeting: [undefined, string] = [undefined, '* OK hello\r\n'];
const loggingIn = 'p1 LOGIN "a\\"b" "p"\r\n';

test('an IMAP client is logged in, and nothing sent early by either side is lost', () =>
  withClient(async ({ client, start, lines }) => {
    const { server, port } = await listening(
      scripted([
        greeting,
        [loggingIn, '* CAPABILITY X\r\np1 OK in\r\n* early\r\n'],
        ['a2 NOOP\r\n', 'a2 OK noop\r\n'],
      ]),
    );
    await start([port], 'a2 NOOP\r\n');
    const expected = 'a1 OK connected to proxy server.\r\n* early\r\na2 OK noop\r\n';
    assert.equal(await read(client, expected.length), expected);
    client.end();
    await once(client, 'close');
    assert.match(lines[0]!, /^LOGIN, user=a"b, ip=\[::ffff:127\.0\.0\.1\], port=\[\d+\], protocol=IMAP$/);
    assert.match(lines[1]!, /^DISCONNECTED, user=a"b, .*, rcvd=0, sent=55, time=0$/);
    server.close();
  }));

test('with IMAP_PROXY_FOREIGN the client learns the capabilities of the back end', () =>
  withClient(async ({ client, start }) => {
    const { server, port } = await listening(
      scripted([
        greeting,
        [loggingIn, 'p1 ok in\r\n'],
        ['p2 CAPABILITY\r\n', '* CAPABILITY IMAP4rev1 X\r\np2 OK done\r\n'],
      ]),
    );
    await start([port], '', { foreign: true });
    const expected = '* CAPABILITY IMAP4rev1 X\r\na1 OK connected to proxy server.\r\n';
    assert.equal(await read(client, expected.length), expected);
    server.close();
  }));

test('a POP3 client is logged in at the second host when the first is down', () =>
  withClient(async ({ client, start, warnings, lines }) => {
    const { server, port } = await listening(
      scripted([
        [undefined, '+OK hello\r\n'],
        ['UTF8\r\n', '+OK\r\n'],
        ['USER a"b\r\n', '+OK\r\n'],
        ['PASS p\r\n', '+OK in\r\n'],
      ]),
    );
    const down = await listening(() => undefined);
    down.server.close();
    await once(down.server, 'close');
    await start([down.port, port], '', { terms: { protocol: 'pop3', utf8: true } });
    const expected = '+OK Connected to proxy server.\r\n';
    assert.equal(await read(client, expected.length), expected);
    assert.equal(warnings.length, 1);
    assert.match(lines[0]!, /, protocol=$/);
    server.close();
  }));

test('a SMAP1 client is logged in in its own words', () =>
  withClient(async ({ client, start }) => {
    const { server, port } = await listening(
      scripted([greeting, ['\\SMAP1 LOGIN "a\\"b" "p"\r\n', '+OK SMAP1 LOGIN Ok.\n']]),
    );
    await start([port], '', { terms: { protocol: 'smap' } });
    const expected = '+OK connected to proxy server.\n';
    assert.equal(await read(client, expected.length), expected);
    server.close();
  }));

test('a back end may be told of the client first', () =>
  withClient(async ({ client, start }) => {
    const { address, port: ownPort } = client.address() as AddressInfo;
    const { server, port } = await listening(
      scripted([
        [`PROXY TCP4 ${address} 127.0.0.1 ${ownPort} ${client.remotePort}\r\n`, '* OK hello\r\n'],
        [loggingIn, 'p1 OK in\r\n'],
      ]),
    );
    await start([port], '', { sendProxyHeader: true });
    server.close();
  }));

test('a password that has a line end is sent to no back end', () =>
  withClient(async ({ logIn, warnings }) => {
    let received = '';
    const { server, port } = await listening((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      socket.write('* OK hello\r\n');
    });
    assert.deepEqual(await logIn([port], { password: 'p"\r\na2 DELETE INBOX.x' }), { kind: 'temporary' });
    assert.equal(warnings.length, 1);
    assert.equal(received, '');
    server.close();
  }));

test('a connection that has come back to this server is served here', () =>
  withClient(async ({ logIn, warnings }) => {
    const { server, port } = await listening((socket) => socket.on('error', () => undefined));
    assert.deepEqual(await logIn([port], { ownPorts: [port] }), { kind: 'local' });
    assert.match(warnings.join(), /PROXY_HOSTNAME/);
    server.close();
  }));

test('a login that another server sends back is noticed', () =>
  withClient(async ({ logIn, warnings }) => {
    const inner = Promise.withResolvers<ProxyResult>();
    // The back end proxies as well: its connection to us begins the same login again.
    const { server, port } = await listening((socket) => {
      socket.on('error', () => undefined);
      inner.resolve(logIn([port], { timeoutMs: 300 }));
    });
    assert.deepEqual(await logIn([port], { timeoutMs: 1000 }), { kind: 'temporary' });
    assert.deepEqual(await inner.promise, { kind: 'temporary' });
    assert.match(warnings[0]!, /^a loop: 127\.0\.0\.1 sends a"b back here/);
    server.close();
  }));

test('two logins of one account from the machine of the back end are no loop', () =>
  withClient(async ({ logIn, warnings }) => {
    const { server, port } = await listening(scripted([greeting, [loggingIn, 'p1 OK in\r\n']]));
    const results = await Promise.all([logIn([port]), logIn([port])]);
    assert.deepEqual([results.map(({ kind }) => kind), warnings], [['away', 'away'], []]);
    for (const result of results) if (result.kind === 'away') result.login.abandon();
    server.close();
  }));

test('a client that goes away while its back end is silent keeps no connection to it', () =>
  withClient(async ({ client, logIn }) => {
    const gone = Promise.withResolvers<void>();
    const { server, port } = await listening((socket) => {
      socket.on('end', () => gone.resolve());
      socket.on('error', () => undefined).resume();
      client.destroy();
    });
    assert.deepEqual(await logIn([port], { timeoutMs: 60_000 }), { kind: 'temporary' });
    await gone.promise;
    server.close();
  }));

for (const [what, protocol, serve, kind, warning] of [
  [
    'hangs up',
    'imap',
    (socket: Socket) => socket.end('* OK hi\r\n'),
    'temporary',
    /^127\.0\.0\.1 \[127\.0\.0\.1\]:\d+: connection closed$/,
  ],
  [
    'resets the connection',
    'imap',
    (socket: Socket) => socket.resetAndDestroy(),
    'temporary',
    /127\.0\.0\.1/,
  ],
  ['says nothing', 'imap', () => undefined, 'temporary', /: no answer in time$/],
  [
    'greets with PREAUTH',
    'imap',
    scripted([[undefined, '* PREAUTH hi\r\n']]),
    'temporary',
    /^Did not receive greeting from 127\.0\.0\.1$/,
  ],
  [
    'speaks POP3',
    'imap',
    scripted([[undefined, '+OK hi\r\n']]),
    'temporary',
    /^Did not receive greeting from 127\.0\.0\.1$/,
  ],
  [
    'refuses the login',
    'imap',
    scripted([greeting, [loggingIn, 'p1 NO [AUTHENTICATIONFAILED] no\r\n']]),
    'rejected',
    /^Login to 127\.0\.0\.1 failed$/,
  ],
  [
    'is out of order',
    'imap',
    scripted([greeting, [loggingIn, 'p1 NO [UNAVAILABLE] later\r\n']]),
    'temporary',
    /^Login to 127\.0\.0\.1 failed: NO \[UNAVAILABLE\] later$/,
  ],
  [
    'wants TLS first',
    'imap',
    scripted([greeting, [loggingIn, 'p1 NO [PRIVACYREQUIRED] STARTTLS required\r\n']]),
    'temporary',
    /PRIVACYREQUIRED/,
  ],
  [
    'says BYE in place of an answer',
    'imap',
    scripted([greeting, [loggingIn, '* BYE no\r\n']]),
    'temporary',
    /^Login to 127\.0\.0\.1 failed: BYE no$/,
  ],
  [
    'sends an endless line',
    'imap',
    (socket: Socket) => socket.write('x'.repeat(300_000)),
    'temporary',
    /: too long a line$/,
  ],
  [
    'sends lines without end',
    'imap',
    scripted([greeting, [loggingIn, '* x\r\n'.repeat(1000)]]),
    'temporary',
    /^Login to 127\.0\.0\.1 failed: too many lines$/,
  ],
  [
    'sends an octet now and then',
    'imap',
    (socket: Socket) => {
      const timer = setInterval(() => socket.write('*'), 20);
      socket.on('close', () => clearInterval(timer));
    },
    'temporary',
    /: no answer in time$/,
  ],
  [
    'refuses the name',
    'pop3',
    scripted([
      [undefined, '+OK\r\n'],
      ['USER a"b\r\n', '-ERR who?\r\n'],
    ]),
    'rejected',
    /^Login userid rejected by 127\.0\.0\.1$/,
  ],
  [
    'refuses the password',
    'pop3',
    scripted([
      [undefined, '+OK\r\n'],
      ['USER a"b\r\n', '+OK\r\n'],
      ['PASS p\r\n', '-ERR [AUTH] Login failed.\r\n'],
    ]),
    'rejected',
    /^Login password rejected by 127\.0\.0\.1$/,
  ],
  [
    'has a temporary problem',
    'pop3',
    scripted([
      [undefined, '+OK\r\n'],
      ['USER a"b\r\n', '+OK\r\n'],
      ['PASS p\r\n', '-ERR [SYS/TEMP] later\r\n'],
    ]),
    'temporary',
    /^Login password rejected by 127\.0\.0\.1: -ERR \[SYS\/TEMP\] later$/,
  ],
  [
    'refuses SMAP1',
    'smap',
    scripted([greeting, ['\\SMAP1 LOGIN', '-ERR Login failed.\r\n']]),
    'rejected',
    /^Login to 127\.0\.0\.1 failed$/,
  ],
] as [string, 'imap' | 'pop3' | 'smap', (socket: Socket) => void, string, RegExp][])
  test(`a back end that ${what} over ${protocol} is given up: ${kind}`, () =>
    withClient(async ({ client, logIn, warnings }) => {
      let told = 0;
      client.on('data', (chunk) => {
        told += chunk.length;
      });
      const { server, port } = await listening((socket) => void serve(socket.on('error', () => undefined)));
      assert.deepEqual(await logIn([port], { terms: { protocol } }), { kind });
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, warning);
      assert.equal(told, 0);
      server.close();
    }));
