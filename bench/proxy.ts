/**
 * What the login proxy costs: a small command relayed, octets relayed, an idle session. The back end does nothing; in
 * front of it is the whole server. `npm run bench -- proxy [--quick]`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { makeSelfSigned } from '../src/tls/self-signed.ts';
import { pssKib } from './control-group.ts';
import { ImapClient } from './imap-client.ts';
import { measure, measureParallel } from './measure.ts';
import { Postrider } from './servers/postrider.ts';
import type { RunningServer } from './servers/server.ts';

export interface ProxyFigures {
  /** CPU of the proxy for a NOOP and its answer, in microseconds: one client, and fifty at once. */
  readonly commandUs: number;
  readonly busyCommandUs: number;
  /** Octets in millions: each second of the clock, with client and back end on the same cores, and of the proxy's CPU. */
  readonly megabytesPerSecond: number;
  readonly megabytesPerCpuSecond: number;
  /** Of the whole server, divided among the sessions. */
  readonly idleSessionKib: number;
}

const backendModule = resolve(import.meta.dirname, 'proxy-backend.ts');

async function startBackend(pemFile?: string): Promise<{ process: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [backendModule, ...(pemFile === undefined ? [] : [pemFile])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, port: Number(line.toString()) };
}

async function logIn(port: number): Promise<ImapClient> {
  const client = await ImapClient.connect(port);
  await client.run('LOGIN u1 pass');
  return client;
}

async function commands(server: RunningServer, haste: number): Promise<[alone: number, busy: number]> {
  const clients = await Promise.all(Array.from({ length: 50 }, () => logIn(server.port)));
  const noop = async (number: number) => void (await clients[number]!.run('NOOP'));
  const alone = await measure(server, 20_000 / haste, () => noop(0), 2000 / haste);
  const busy = await measureParallel(server, 100_000 / haste, clients.length, noop);
  for (const client of clients) client.close();
  return [alone.cpuMs! * 1000, busy.cpuMs! * 1000];
}

async function transfer(server: RunningServer, mebibytes: number): Promise<[wall: number, cpu: number]> {
  const sockets = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const buffer = Buffer.alloc(1 << 18);
      let received = 0;
      let wake: (() => void) | undefined;
      const socket = connect({
        port: server.port,
        host: '127.0.0.1',
        onread: {
          buffer,
          callback: (octets) => {
            received += octets;
            wake?.();
            return true;
          },
        },
      });
      const until = async (octets: number) => {
        while (received < octets) {
          await new Promise<void>((done) => {
            wake = done;
          });
        }
        received = 0;
      };
      await until(1);
      socket.write('a LOGIN u1 pass\r\n');
      await until(1);
      return { socket, until };
    }),
  );
  const run = async (count: number) => {
    await Promise.all(
      sockets.map(({ socket, until }) => {
        socket.write(`b BLAST ${count}\r\n`);
        return until(count << 20);
      }),
    );
  };
  await run(8);
  const [cpu, begun] = [server.group.cpuMs(), performance.now()];
  await run(mebibytes / sockets.length);
  const [wallMs, cpuMs] = [performance.now() - begun, server.group.cpuMs() - cpu];
  for (const { socket } of sockets) socket.destroy();
  const megabytes = (mebibytes * (1 << 20)) / 1e6;
  return [(megabytes * 1000) / wallMs, (megabytes * 1000) / cpuMs];
}

async function idleSessions(server: RunningServer, count: number): Promise<number> {
  const sockets: Socket[] = [];
  const logInBare = async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    sockets.push(socket);
    await once(socket, 'data');
    socket.write('a LOGIN u1 pass\r\n');
    await once(socket, 'data');
  };
  for (let i = 0; i < 50; i++) await logInBare();
  await setTimeout(2000);
  const before = pssKib(server.group.pids());
  for (let begun = 0; begun < count; begun += 50) await Promise.all(Array.from({ length: 50 }, logInBare));
  await setTimeout(5000);
  const kib = (pssKib(server.group.pids()) - before) / count;
  for (const socket of sockets) socket.destroy();
  return kib;
}

async function measureProxy(tls: boolean, haste: number): Promise<ProxyFigures> {
  const certificate = join(tmpdir(), `postrider-bench-${process.pid}.pem`);
  if (tls) {
    const subject = [['CN', 'localhost']] as const;
    const from = new Date(Date.now() - 60_000);
    writeFileSync(certificate, await makeSelfSigned({ subject, names: ['localhost'], days: 2, from }));
  }
  const backend = await startBackend(tls ? certificate : undefined);
  const postrider = new Postrider({
    accountOptions: `mailhost=${tls ? 'localhost' : '127.0.0.1'}:${backend.port}`,
    imapd: ['IMAP_PROXY=1', 'MAXDAEMONS=20000', 'MAXPERIP=20000'],
    settings: [
      'WORKERS=2',
      'MAXPERACCOUNT=0',
      ...(tls ? ['PROXY_TLS=implicit', `PROXY_TLS_TRUSTCERTS=${certificate}`] : []),
    ],
  });
  try {
    postrider.prepare(1);
    const server = await postrider.start();
    try {
      const idleSessionKib = await idleSessions(server, 5000 / haste);
      const [commandUs, busyCommandUs] = await commands(server, haste);
      const [megabytesPerSecond, megabytesPerCpuSecond] = await transfer(server, 4096 / haste);
      return { commandUs, busyCommandUs, megabytesPerSecond, megabytesPerCpuSecond, idleSessionKib };
    } finally {
      await server.stop();
    }
  } finally {
    backend.process.kill();
    rmSync(certificate, { force: true });
    postrider.remove();
  }
}

/** Measures the proxy in clear and with TLS to the back end, and prints a table. */
export async function benchProxy(quick: boolean, print: (text: string) => void): Promise<void> {
  print(
    '| To the back end | µs a command | µs, 50 clients | MB/s | MB a CPU second | KiB an idle session |\n' +
      '|---|---|---|---|---|---|\n',
  );
  for (const tls of [false, true]) {
    const figures = await measureProxy(tls, quick ? 10 : 1);
    const { commandUs, busyCommandUs, megabytesPerSecond, megabytesPerCpuSecond, idleSessionKib } = figures;
    const cells = [
      tls ? 'TLS' : 'in clear',
      commandUs.toFixed(1),
      busyCommandUs.toFixed(1),
      megabytesPerSecond.toFixed(0),
      megabytesPerCpuSecond.toFixed(0),
      idleSessionKib.toFixed(1),
    ];
    print(`| ${cells.join(' | ')} |\n`);
  }
}
