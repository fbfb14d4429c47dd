/**
 * What the front end stands: ten thousand connections held by two workers, and a thousand new TLS connections a
 * second, of which those beyond the limit are refused, and what it costs to move a session to another process. Everything is on one machine, so that half of the work is the
 * clients'.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { makeSelfSigned } from '../src/tls/self-signed.ts';
import { pssKib } from './control-group.ts';
import { ImapClient } from './imap-client.ts';
import { makeMaildir } from './maildir.ts';
import { Postrider } from './servers/postrider.ts';
import { freePort, type RunningServer } from './servers/server.ts';

const accounts = 50;
const limits = ['MAXDAEMONS=20000', 'MAXPERIP=20000'];

/** @param quick  a tenth of the connections */
export async function benchLoad(quick: boolean, print: (text: string) => void): Promise<void> {
  const scale = quick ? 10 : 1;
  await holdMany(10_000 / scale, print);
  if (process.getuid?.() === 0) await handOver(quick ? 100 : 1_000, print);
  await acceptTls(1_000 / scale, 10, 20_000, print);
  await acceptTls(1_000 / scale, 10, 100 / scale, print);
}

async function withPostrider(
  postrider: Postrider,
  use: (server: RunningServer) => Promise<void>,
): Promise<void> {
  postrider.prepare(accounts);
  for (let account = 1; account <= accounts; account++)
    makeMaildir(postrider.maildir(account), postrider.owner);
  const server = await postrider.start();
  try {
    const before = workersOf(server);
    await use(server);
    const after = workersOf(server);
    if (before.join() !== after.join()) throw new Error('a worker ended');
  } finally {
    await server.stop();
    postrider.remove();
  }
}

function workersOf({ group }: RunningServer): number[] {
  return group.pids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('worker-main');
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

async function holdMany(count: number, print: (text: string) => void): Promise<void> {
  const postrider = new Postrider({ settings: ['WORKERS=2', 'LOGIN_TIMEOUT=86400'], imapd: limits });
  await withPostrider(postrider, async (server) => {
    const idle = pssKib(server.group.pids());
    const clients: ImapClient[] = [];
    const sockets: Socket[] = [];
    const open = async () => {
      const socket = connectPlain({ port: server.port, host: '127.0.0.1', noDelay: true });
      sockets.push(socket);
      clients.push(await ImapClient.over(socket, socket));
    };
    for (let done = 0; done < count; done += 100) await Promise.all(Array.from({ length: 100 }, open));
    await wait(2_000);
    const greeted = pssKib(server.group.pids());
    const held = workersOf(server).map((pid) => readdirSync(`/proc/${pid}/fd`).length);
    const begun = performance.now();
    for (let done = 0; done < count; done += 100) {
      const some = clients.slice(done, done + 100);
      await Promise.all(some.map((client, i) => client.run(`LOGIN u${((done + i) % accounts) + 1} pass`)));
      await Promise.all(some.map((client) => client.run('SELECT INBOX')));
    }
    const seconds = (performance.now() - begun) / 1000;
    await wait(2_000);
    const selected = pssKib(server.group.pids());
    const asked = performance.now();
    await clients[0]!.run('NOOP');
    const noopMs = performance.now() - asked;
    const each = (kib: number) => `${Math.round((kib - idle) / count)} KiB each`;
    print(`${count} connections held, descriptors of the workers: ${held.join(' and ')}\n`);
    print(`  before login    ${mib(greeted)} in all, ${each(greeted)}\n`);
    print(
      `  with a mailbox  ${mib(selected)} in all, ${each(selected)}; logins and SELECTs took ${seconds.toFixed(1)} s\n`,
    );
    print(`  idle server ${mib(idle)}; a NOOP among them takes ${noopMs.toFixed(1)} ms\n`);
    for (const socket of sockets) socket.destroy();
  });
}

function mib(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`;
}

/** A login whose session runs in the worker beside one whose session goes to the host of its uid. */
async function handOver(rounds: number, print: (text: string) => void): Promise<void> {
  const foreign = 50_001;
  const postrider = new Postrider({ settings: ['WORKERS=1'], imapd: limits });
  await withPostrider(postrider, async (server) => {
    const userdb = join(postrider.directory, 'etc/userdb');
    const { uid, gid } = postrider.owner;
    const lines = readFileSync(userdb, 'utf8').replace(
      `u2\tuid=${uid}|gid=${gid}|`,
      `u2\tuid=${foreign}|gid=${foreign}|`,
    );
    const home = dirname(postrider.maildir(2));
    execFileSync('chown', ['-R', `${foreign}:${foreign}`, home]);
    writeFileSync(userdb, lines);
    const logIn = async (account: string) => {
      const socket = connectPlain({ port: server.port, host: '127.0.0.1', noDelay: true });
      const client = await ImapClient.over(socket, socket);
      const begun = performance.now();
      await client.run(`LOGIN ${account} pass`);
      const took = performance.now() - begun;
      socket.destroy();
      return took;
    };
    // The host has to be there, and stays for a minute.
    for (let i = 0; i < 20; i++) for (const account of ['u1', 'u2']) await logIn(account);
    const times: Record<string, number[]> = { u1: [], u2: [] };
    for (let i = 0; i < rounds; i++)
      for (const account of ['u1', 'u2']) times[account]!.push(await logIn(account));
    for (const account of ['u1', 'u2']) times[account]!.sort((a, b) => a - b);
    for (const [name, part] of [
      ['median', 2],
      ['fastest tenth', 10],
    ] as const) {
      const [here, away] = ['u1', 'u2'].map((account) => times[account]![Math.floor(rounds / part)]!) as [
        number,
        number,
      ];
      print(
        `LOGIN in the worker ${here.toFixed(2)} ms, in a host ${away.toFixed(2)} ms (${name} of ${rounds}): `,
      );
      print(`the hand-over takes ${(away - here).toFixed(2)} ms\n`);
    }
  });
}

interface Outcomes {
  served: number;
  refused: number;
  closed: number;
  failed: number;
  readonly ms: number[];
}

/** New connections at a fixed rate, whatever becomes of those before. */
async function acceptTls(
  perSecond: number,
  seconds: number,
  most: number,
  print: (text: string) => void,
): Promise<void> {
  const port = await freePort();
  const stay = most < perSecond;
  const postrider = new Postrider({
    settings: ['WORKERS=2'],
    imapd: limits,
    imapdSsl: tlsSettings(port, most),
  });
  await writeCertificate(postrider);
  await withPostrider(postrider, async (server) => {
    const cpuBefore = server.group.cpuMs();
    const outcomes: Outcomes = { served: 0, refused: 0, closed: 0, failed: 0, ms: [] };
    const all: Promise<void>[] = [];
    const begun = performance.now();
    for (let started = 0; started < perSecond * seconds; ) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      for (; started < Math.min(due, perSecond * seconds); started++) all.push(visit(port, outcomes, stay));
      await wait(2);
    }
    await Promise.all(all);
    const tookSeconds = (performance.now() - begun) / 1000;
    const { served, refused, closed, failed, ms } = outcomes;
    ms.sort((a, b) => a - b);
    const cpu = (server.group.cpuMs() - cpuBefore) / 1000;
    print(`${perSecond} new TLS connections a second for ${seconds} s, MAXDAEMONS=${most}\n`);
    print(
      `  ${served} served, ${refused} refused with a reason, ${closed} closed without, ${failed} failed\n`,
    );
    print(
      `  in ${tookSeconds.toFixed(1)} s; greeting after ${Math.round(ms[ms.length >> 1] ?? 0)} ms (median), `,
    );
    print(
      `${Math.round(ms[Math.floor(ms.length * 0.99)] ?? 0)} ms (99%); ${cpu.toFixed(1)} s of CPU in the server\n`,
    );
    await (await ImapClient.connect(server.port)).run('LOGOUT').catch(() => undefined);
  });
}

function tlsSettings(port: number, most: number): string[] {
  return [
    'SSLADDRESS=127.0.0.1',
    `SSLPORT=${port}`,
    `MAXDAEMONS=${most}`,
    'MAXPERIP=20000',
    'TLS_VERIFYPEER=NONE',
    'IMAPDSTARTTLS=NO',
  ];
}

async function writeCertificate(postrider: Postrider): Promise<void> {
  postrider.prepare(accounts);
  const pem = await makeSelfSigned({
    subject: [['CN', 'localhost']],
    names: ['localhost'],
    days: 2,
    from: new Date(Date.now() - 60_000),
  });
  writeFileSync(join(postrider.directory, 'etc/imapd.pem'), pem, { mode: 0o600 });
}

/** Connects, reads the first line and leaves. */
async function visit(port: number, outcomes: Outcomes, stay: boolean): Promise<void> {
  const begun = performance.now();
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.setTimeout(30_000, () => socket.destroy(new Error('timeout')));
  const line = new Promise<string>((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.message));
    socket.once('close', () => resolve('closed'));
  });
  const text = await line;
  if (text.startsWith('* OK')) {
    outcomes.served++;
    outcomes.ms.push(performance.now() - begun);
  } else if (text.startsWith('* BYE')) outcomes.refused++;
  else if (text === 'timeout') outcomes.failed++;
  else outcomes.closed++;
  // With a limit those that are served stay, so that the others are refused.
  if (stay && text.startsWith('* OK')) return;
  if (!socket.closed) {
    socket.destroy();
    await once(socket, 'close');
  }
}
