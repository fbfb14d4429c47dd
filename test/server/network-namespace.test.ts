/**
 * Rules by address, with addresses of several networks: in a network namespace of its own, where they all are this
 * machine's, with a name server at the usual port. The file runs itself in there.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startDnsServer } from '../support/dns-server.ts';
import { Conversation, TestServer, workerUser } from './support.ts';

const insideMark = 'POSTRIDER_IN_NAMESPACE';
const addresses = ['192.0.2.1', '192.0.2.10', '192.0.2.11', '198.51.100.20', '2001:db8::1', '2001:db8::10'];

if (process.env[insideMark]) inside();
else outside();

function outside(): void {
  const missing = namespacesMissing();
  test('rules by address, in a network namespace', { skip: missing, timeout: 120_000 }, () => {
    const scratch = mkdtempSync(join(tmpdir(), 'namespace-'));
    writeFileSync(join(scratch, 'resolv.conf'), 'nameserver 127.0.0.1\n');
    const commands = [
      'ip link set lo up',
      ...addresses.map((address) => `ip addr add ${address}/${address.includes(':') ? 128 : 32} dev lo`),
      `mount --bind ${scratch}/resolv.conf "$(readlink -f /etc/resolv.conf)"`,
      'exec "$0" --test-force-exit --test-reporter=tap "$1"',
    ].join(' && ');
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const words = ['--net', '--mount', 'sh', '-c', commands, process.execPath, import.meta.filename];
    const ran = spawnSync('unshare', words, {
      encoding: 'utf8',
      env: { ...environment, [insideMark]: '1' },
      timeout: 110_000,
    });
    rmSync(scratch, { recursive: true, force: true });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /^# pass [1-9]/m);
  });
}

/** In plain words; false: they can be had. Where CI is set they must be. */
function namespacesMissing(): string | false {
  if (process.geteuid!() !== 0) return 'needs root: a network namespace';
  const tried = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', 'ip link set lo up'], {
    encoding: 'utf8',
  });
  if (tried.status === 0) return false;
  const reason = `no network namespace: ${tried.error?.message ?? tried.stderr.trim()}`;
  if (process.env['CI']) throw new Error(reason);
  return reason;
}

/** A greeted or refused connection from one address to another, and its first line. */
async function from(
  localAddress: string,
  port: number,
  host = localAddress.includes(':') ? '2001:db8::1' : '192.0.2.1',
): Promise<{ client: Conversation; line: string }> {
  const socket = connect({ port, host, localAddress });
  await once(socket, 'connect');
  const client = new Conversation(socket);
  return { client, line: await client.until(/\r\n/) };
}

const lineFrom = async (localAddress: string, port: number, host?: string) => {
  const { client, line } = await from(localAddress, port, host);
  client.close();
  return line;
};

/** So that what one connection sees after a change all further ones see. */
const oneWorker = ['WORKERS=1'];
const denied = '* BYE [ALERT] Connections from your address are not served here.\r\n';
const tooMany = '* BYE [ALERT] Too many connections from your address.\r\n';

function inside(): void {
  describe('in a namespace', { timeout: 100_000 }, () => {
    before(async () => {
      const dns = await startDnsServer({ '20.100.51.198.bl.example': { a: '127.0.0.2' } }, '127.0.0.1', 53);
      dns.unref();
    });

    test('the access file: networks, addresses, variables, IPv6', async () => {
      const server = await TestServer.start([{ name: 'ann@example.com', uid: workerUser.uid }], {
        imapd: ['ADDRESS=0', 'MAXPERIP=2'],
        postrider: oneWorker,
      });
      const records = [
        '192.0.2\tdeny',
        '192.0.2.10\tallow,DEFDOMAIN=@example.com,MAXCPERIP=1',
        ':2001:0db8\tdeny',
        '2001:db8::10/128\tallow',
      ];
      writeFileSync(join(server.directory, 'etc/imapaccess'), `${records.join('\n')}\n`);
      server.signal('SIGHUP');
      const { plain } = server.ports;
      while ((await lineFrom('192.0.2.11', plain)) !== denied);
      while ((await lineFrom('2001:db8::1', plain)) !== denied);
      assert.match(await lineFrom('2001:db8::10', plain), /^\* OK/);
      const { client } = await from('192.0.2.10', plain);
      assert.match(await client.login('ann'), /^l OK/m);
      assert.equal(await lineFrom('192.0.2.10', plain), tooMany);
      const other = await from('198.51.100.20', plain);
      assert.match(await other.client.login('ann'), /^l NO/m);
      for (const each of [client, other.client]) each.close();
      await server.stop();
    });

    test('MAXPERIP for each address, -maxperc for its network', async () => {
      const server = await TestServer.start(undefined, {
        imapd: ['ADDRESS=0', 'MAXPERIP=2', 'TCPDOPTS="-nodnslookup -maxperc=3"'],
      });
      const { plain } = server.ports;
      const held = [];
      for (const address of ['192.0.2.10', '192.0.2.10', '192.0.2.11', '198.51.100.20', '2001:db8::10']) {
        const { client, line } = await from(address, plain);
        assert.match(line, /^\* OK/, address);
        held.push(client);
      }
      assert.equal(await lineFrom('192.0.2.10', plain), tooMany);
      await server.logged(/ERR: Maximum connection limit reached for ::ffff:192\.0\.2\.10\n/);
      assert.equal(await lineFrom('192.0.2.11', plain), tooMany);
      assert.match(await lineFrom('198.51.100.20', plain), /^\* OK/);
      for (const client of held) client.close();
      await server.stop();
    });

    test('a certificate for each local address', async () => {
      const server = await TestServer.start(undefined, {
        'imapd-ssl': ['SSLADDRESS=0'],
        postrider: oneWorker,
      });
      await server.makeCertificate('ten.example', '.192.0.2.10');
      await server.makeCertificate('six.example', '.2001:db8::10');
      const nameAt = async (host: string) => {
        const client = await Conversation.tls(server.ports.tls, { host });
        const name = client.certificateName;
        client.close();
        return name;
      };
      while ((await nameAt('2001:db8::10')) !== 'six.example');
      assert.equal(await nameAt('192.0.2.10'), 'ten.example');
      assert.equal(await nameAt('192.0.2.11'), 'localhost');
      await server.stop();
    });

    test('DNS lists: a listed address is dropped, a list that is silent keeps nobody else waiting', async () => {
      const lists = '-block=bl.example -block=silent.example,SILENT -drop=BLOCK,SILENT';
      const server = await TestServer.start(undefined, {
        imapd: ['ADDRESS=0', `TCPDOPTS="-nodnslookup ${lists}"`],
        postrider: oneWorker,
      });
      const { plain } = server.ports;
      writeFileSync(join(server.directory, 'etc/imapaccess'), '192.0.2.11\tallow,BLOCK,SILENT\n');
      server.signal('SIGHUP');
      for (;;) {
        const begun = performance.now();
        await lineFrom('192.0.2.11', plain);
        if (performance.now() - begun < 1_000) break;
      }
      const begun = performance.now();
      const listed = from('198.51.100.20', plain);
      const waiting = from('192.0.2.10', plain);
      for (let i = 0; i < 20; i++) assert.match(await lineFrom('192.0.2.11', plain), /^\* OK/);
      assert.ok(performance.now() - begun < 3_000, 'somebody else waits');
      assert.equal((await listed).line, '* BYE [ALERT] Blacklisted by bl.example\r\n');
      await server.logged(/WARN: dropped blocked connection from ::ffff:198\.51\.100\.20\n/);
      assert.match((await waiting).line, /^\* OK/);
      await server.logged(/WARN: DNS list silent\.example: no answer in time\n/);
      (await waiting).client.close();
      await server.stop();
    });
  });
}
