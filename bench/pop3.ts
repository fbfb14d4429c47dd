/**
 * What POP3 costs: `npm run bench -- pop3 [--quick] [--peers]`. Two mailboxes: 10,000 messages that a client looks at,
 * and 1,000 that it downloads and deletes.
 */
import { setTimeout } from 'node:timers/promises';
import { makeCorpus } from './corpus.ts';
import { cloneMaildir, fillMaildir, makeMaildir } from './maildir.ts';
import { type Figure, measure } from './measure.ts';
import { Pop3Client } from './pop3-client.ts';
import { formatTable, type Row, writeResults } from './report.ts';
import { peerKinds } from './servers/peers.ts';
import { Postrider } from './servers/postrider.ts';
import type { RunningServer, ServerKind } from './servers/server.ts';

interface Step {
  readonly id: string;
  readonly name: string;
  run(server: RunningServer, count: number): Promise<Figure>;
}

/** u1 has the messages to look at, u2 those to download, u3 none, u4 those to warm up with. */
const steps: readonly Step[] = [
  { id: 'P1', name: 'login, QUIT; no messages', run: (server) => visit(server, 'u3', 400, []) },
  {
    id: 'P2',
    name: 'login, STAT, LIST, UIDL, QUIT; 10,000 messages',
    run: (server) => visit(server, 'u1', 40, ['STAT', 'LIST', 'UIDL']),
  },
  { id: 'P3', name: 'RETR, 16 KB, first time', run: (server, count) => each(server, count, 'RETR') },
  { id: 'P4', name: 'RETR, 16 KB, again', run: (server, count) => each(server, count, 'RETR') },
  { id: 'P5', name: 'TOP 0', run: (server, count) => each(server, count, 'TOP') },
  { id: 'P6', name: 'DELE and its share of QUIT', run: (server, count) => each(server, count, 'DELE') },
];

const multiline = new Set(['LIST', 'UIDL', 'RETR', 'TOP']);

async function visit(
  server: RunningServer,
  user: string,
  times: number,
  commands: readonly string[],
): Promise<Figure> {
  const operation = async () => {
    const client = await Pop3Client.connect(server.pop3Port!);
    await client.logIn(user);
    for (const command of commands) await client.run(command, multiline.has(command));
    await client.run('QUIT');
    client.close();
  };
  return measure(server, times, operation, Math.ceil(times / 2));
}

/** One command for each message, in one session. */
async function each(
  server: RunningServer,
  count: number,
  command: 'RETR' | 'TOP' | 'DELE',
  user = 'u2',
): Promise<Figure> {
  const client = await Pop3Client.connect(server.pop3Port!);
  await client.logIn(user);
  const argument = command === 'TOP' ? ' 0' : '';
  const cpu = server.group.cpuMs();
  const start = performance.now();
  for (let number = 1; number <= count; number++)
    await client.run(`${command} ${number}${argument}`, multiline.has(command));
  // Some servers leave for QUIT what others do at once.
  await client.run('QUIT');
  client.close();
  const wall = performance.now() - start;
  const spent = server.group.cpuMs() - cpu;
  return { cpuMs: spent / count, wallMs: wall / count, perSecond: (1000 * count) / wall };
}

/** Servers distrust directories that changed a moment ago. */
const settleMs = 3000;

export async function benchPop3(options: {
  quick: boolean;
  peers: boolean;
  servers?: string;
}): Promise<void> {
  const postrider = new Postrider();
  const wanted = options.servers?.split(',');
  const all: ServerKind[] = [postrider, ...(options.peers || wanted ? peerKinds() : [])];
  const rows: Row[] = steps.map(({ id, name }) => ({ id, name, leads: true, figures: {} }));
  const names: string[] = [];
  try {
    for (const kind of all) {
      const missing = kind.maildir ? kind.missing() : 'it has no maildirs';
      if (wanted?.includes(kind.name) === false) continue;
      if (missing === undefined) {
        names.push(kind.name);
        await measureKind(kind, rows, options.quick ? 10 : 1);
      } else process.stderr.write(`${kind.name} is left out: ${missing}\n`);
    }
  } finally {
    postrider.remove();
  }
  process.stdout.write(formatTable(rows, names));
  process.stdout.write(`\n${writeResults(rows, names, { ...options, bench: 'pop3' })}\n`);
}

async function measureKind(kind: ServerKind, rows: readonly Row[], haste: number): Promise<void> {
  process.stderr.write(`${kind.name}\n`);
  kind.prepare(4);
  const [looked, download, empty, warmUp] = [1, 2, 3, 4].map((account) => kind.maildir!(account));
  const count = 1000 / haste;
  makeMaildir(empty!, kind.owner);
  makeMaildir(looked!, kind.owner);
  fillMaildir(looked!, makeCorpus(10_000 / haste, 1500, 3), kind.owner);
  const seed = `${download}.new`;
  makeMaildir(seed, kind.owner);
  const corpus = makeCorpus(count, 16_400, 4).map((message) => ({ ...message, flags: '' }));
  fillMaildir(seed, corpus, kind.owner);
  cloneMaildir(seed, download!, kind.owner);
  cloneMaildir(seed, warmUp!, kind.owner);
  const server = await kind.start();
  try {
    await setTimeout(settleMs);
    await visit(server, 'u2', 2, ['STAT']);
    for (const command of ['TOP', 'RETR', 'TOP', 'DELE'] as const) await each(server, count, command, 'u4');
    for (const [i, step] of steps.entries())
      (rows[i]!.figures as Record<string, Figure>)[kind.name] = await step.run(server, count);
  } finally {
    await server.stop();
  }
}
