/**
 * Measures Postrider, and with --peers Debian's Courier, Dovecot and Cyrus beside it in the same run.
 *
 *   npm run bench -- [--quick] [--big] [--peers] [--only W1,W5] [--servers postrider,dovecot]
 *   npm run bench -- --quick [--save-baseline]
 *   npm run bench -- login [--quick]
 *   npm run bench -- proxy [--quick]
 *   npm run bench -- load [--quick]
 *   npm run bench -- smap [--quick] [--peers]
 *   npm run bench -- scale [--quick]
 *
 * With --quick and nothing else it compares Postrider with `baseline.json`, and fails if it got slower (`guard.ts`).
 * `login` measures logins through the authentication daemon, for each module, `proxy` the login proxy,
 * `load` what the front end stands,
 * `smap` SMAP1 beside IMAP, `scale` how costs grow with messages, sessions and workers.
 * CPU time is that of all processes of a server; everything is in the page cache and warm. Peers are made by
 * bench/peers/setup.sh.
 */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Report, runBig, runLazy, runUncached, runWithoutIndex, visitOnce } from './big.ts';
import { type CorpusMessage, makeCorpus } from './corpus.ts';
import { guard } from './guard.ts';
import { ImapClient } from './imap-client.ts';
import { benchLoad } from './load.ts';
import { benchLogin } from './login.ts';
import { cloneMaildir, fillMaildir, makeMaildir } from './maildir.ts';
import type { Figure } from './measure.ts';
import { benchPop3 } from './pop3.ts';
import { benchProxy } from './proxy.ts';
import { formatTable, type Row, writeResults } from './report.ts';
import { benchScale } from './scale.ts';
import { peerKinds } from './servers/peers.ts';
import { Postrider } from './servers/postrider.ts';
import type { RunningServer, ServerKind } from './servers/server.ts';
import { benchSmap } from './smap.ts';
import { type Workload, workloads } from './workloads.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    'save-baseline': { type: 'boolean', default: false },
    big: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    only: { type: 'string' },
    servers: { type: 'string' },
  },
});

/** Servers distrust directories that changed a moment ago. */
const settleMs = 3000;
const haste = options.quick ? 10 : 1;
const accounts = options.quick ? 4 : 20;
const only = options.only?.split(',');
const rows: Row[] = [];

const print = (text: string) => void process.stdout.write(text);
if (positionals[0] === 'login') await benchLogin(options.quick, print);
else if (positionals[0] === 'smap') await benchSmap(options);
else if (positionals[0] === 'scale') await benchScale(options.quick, print);
else if (positionals[0] === 'load') await benchLoad(options.quick, print);
else if (positionals[0] === 'proxy') await benchProxy(options.quick, print);
else if (positionals[0] === 'pop3') {
  const { quick, peers, servers } = options;
  await benchPop3({ quick, peers, ...(servers !== undefined && { servers }) });
} else if (isGuard()) {
  process.exitCode = (await guard(options['save-baseline'], print)) ? 0 : 1;
} else await compareServers();

function isGuard(): boolean {
  const { quick, big, peers, only, servers } = options;
  return quick && !big && !peers && only === undefined && servers === undefined;
}

async function compareServers(): Promise<void> {
  const postrider = new Postrider();
  const kinds = chooseServers(postrider);
  try {
    for (const kind of kinds) await (options.big ? measureBig(kind) : measureServer(kind));
  } finally {
    postrider.remove();
  }
  const names = kinds.map(({ name }) => name);
  rows.sort((a, b) => order(a) - order(b));
  process.stdout.write(formatTable(rows, names));
  process.stdout.write(`\n${writeResults(rows, names, options)}\n`);
}

function order({ id }: Row): number {
  return workloads.findIndex((workload) => workload.id === id);
}

function chooseServers(postrider: Postrider): ServerKind[] {
  const wanted = options.servers?.split(',');
  const all: ServerKind[] = [postrider, ...(options.peers || wanted ? peerKinds() : [])];
  return all.filter((kind) => {
    if (wanted?.includes(kind.name) === false) return false;
    const missing = kind.missing();
    if (missing !== undefined) process.stderr.write(`${kind.name} is left out: ${missing}\n`);
    return missing === undefined;
  });
}

async function measureServer(kind: ServerKind): Promise<void> {
  process.stderr.write(`${kind.name}\n`);
  kind.prepare(accounts);
  const corpus = makeCorpus(500, 16_400);
  fillMaildirs(kind, corpus, accounts);
  await runWorkloads(kind, corpus, (workload) => workload.unsynced !== true || kind.syncs === 'never');
  if (kind.syncs === 'choice')
    await runWorkloads(kind, corpus, (workload) => workload.unsynced === true, false);
}

/** Starts a server, runs the workloads that were asked for and are wanted here, and stops it. */
async function runWorkloads(
  kind: ServerKind,
  corpus: readonly CorpusMessage[],
  isWanted: (workload: Workload) => boolean,
  synced = true,
): Promise<void> {
  const chosen = workloads.filter((workload) => isWanted(workload) && only?.includes(workload.id) !== false);
  if (chosen.length === 0) return;
  const server = await kind.start(synced);
  try {
    if (kind.maildir === undefined) await fillByAppend(server.port, corpus, accounts);
    await setTimeout(settleMs);
    for (const workload of chosen) {
      const figure = await workload.run({ kind, server, accounts, haste }).catch((error: Error) => {
        process.stderr.write(`  ${workload.id} failed: ${error.message}\n`);
        return undefined;
      });
      record(kind, workload.id, workload.name, workload.leads, figure);
    }
  } finally {
    await server.stop();
  }
}

async function measureBig(kind: ServerKind): Promise<void> {
  process.stderr.write(`${kind.name}, ${options.quick ? '10,000' : '100,000'} messages\n`);
  kind.prepare(1);
  const corpus = makeCorpus(options.quick ? 10_000 : 100_000, 1500, 2);
  fillMaildirs(kind, corpus, 1);
  const report: Report = (id, name, figure) => record(kind, id, name, false, figure);
  // The first process finds 100,000 new messages; what is measured is a later one.
  await withServer(kind, async (server) => {
    if (kind.maildir === undefined) await fillByAppend(server.port, corpus, 1);
    await visitOnce(server);
    await setTimeout(settleMs);
  });
  await withServer(kind, (server) => runBig(server, kind, report));
  if (!(kind instanceof Postrider)) return;
  kind.forgetIndex(1);
  await withServer(kind, (server) => runWithoutIndex(server, report));
  kind.forgetIndex(1);
  await withServer(kind, (server) => runUncached(server, report));
  kind.addSettings('LAZY_UIDS=YES');
  await withServer(kind, (server) => runLazy(server, kind, report));
}

async function withServer(kind: ServerKind, use: (server: RunningServer) => Promise<void>): Promise<void> {
  const server = await kind.start();
  try {
    await use(server);
  } catch (error) {
    process.stderr.write(`  failed: ${(error as Error).message}\n`);
  } finally {
    await server.stop();
  }
}

function fillMaildirs(kind: ServerKind, corpus: readonly CorpusMessage[], count: number): void {
  if (kind.maildir === undefined) return;
  const first = kind.maildir(1);
  makeMaildir(first, kind.owner);
  fillMaildir(first, corpus, kind.owner);
  for (let account = 2; account <= count; account++) cloneMaildir(first, kind.maildir(account), kind.owner);
}

/** Fills INBOX of each account that has not got the corpus yet. */
async function fillByAppend(port: number, corpus: readonly CorpusMessage[], count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const client = await ImapClient.connect(port);
      await client.run(`LOGIN u${i + 1} pass`);
      const { text } = await client.run('STATUS INBOX (MESSAGES)', true);
      const missing = corpus.slice(Number(/MESSAGES (\d+)/.exec(text)?.[1] ?? 0));
      for (const message of missing) {
        const flags = message.flags.includes('S') ? '(\\Seen)' : '()';
        await client.runWithLiteral(
          `APPEND INBOX ${flags}`,
          Buffer.from(message.text.replaceAll('\n', '\r\n')),
        );
      }
      await client.run('LOGOUT');
      client.close();
    }),
  );
}

function record(
  kind: ServerKind,
  id: string,
  name: string,
  leads: boolean,
  figure: Figure | undefined,
): void {
  if (figure === undefined) return;
  let row = rows.find((each) => each.id === id);
  if (row === undefined) {
    row = { id, name, leads, figures: {} };
    rows.push(row);
  }
  row.figures[kind.name] = figure;
  process.stderr.write(`  ${id} ${JSON.stringify(figure)}\n`);
}
