import { chownSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pssKib } from './control-group.ts';
import { ImapClient } from './imap-client.ts';
import { type Figure, latencies, measure, measureParallel } from './measure.ts';
import type { RunningServer, ServerKind } from './servers/server.ts';

/** What a workload runs with. */
export interface Bench {
  readonly kind: ServerKind;
  readonly server: RunningServer;
  /** Accounts u1 … of this many have the corpus in INBOX. */
  readonly accounts: number;
  /** Divides the repetitions: 1, or more for a quick look. */
  readonly haste: number;
}

export interface Workload {
  readonly id: string;
  readonly name: string;
  /** Less than the best peer is asked for already (design: rows marked ①). */
  readonly leads: boolean;
  /** For servers that need not sync what they acknowledge, so that they compare with Courier, which never does. */
  readonly unsynced?: true;
  /** Undefined: this server has no such thing. */
  run(bench: Bench): Promise<Figure | undefined>;
}

/** Visits to each account before any is measured: every process of a server has met it, and runs at its full speed. */
const warmUpRounds = 100;

const webmailItems = '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)';

async function login(bench: Bench, account: number): Promise<ImapClient> {
  const client = await ImapClient.connect(bench.server.port);
  await client.run(`LOGIN u${account} pass`);
  return client;
}

/**
 * Measures a command on one connection that has INBOX of u1 selected, after as many unmeasured: servers run for weeks,
 * and neither a cold cache nor code that is still being compiled is what they cost.
 */
function selected(times: number, command: (number: number) => string) {
  return async (bench: Bench): Promise<Figure> => {
    const client = await login(bench, 1);
    await client.run('SELECT INBOX');
    const repetitions = Math.max(2, Math.ceil(times / bench.haste));
    const figure = await measure(
      bench.server,
      repetitions,
      async (number) => {
        await client.run(command(number));
      },
      repetitions,
    );
    client.close();
    return figure;
  };
}

async function visits(bench: Bench): Promise<Figure> {
  return measure(
    bench.server,
    Math.ceil(200 / bench.haste),
    async (number) => {
      const client = await login(bench, 1 + (number % bench.accounts));
      await client.run('SELECT INBOX');
      await client.run(`FETCH 1:50 ${webmailItems}`);
      await client.run('UID SEARCH UNSEEN');
      await client.run('FETCH 20 BODY.PEEK[]');
      await client.run('LOGOUT');
      client.close();
    },
    bench.accounts * warmUpRounds,
  );
}

async function logins(bench: Bench): Promise<Figure> {
  return measure(
    bench.server,
    Math.ceil(1000 / bench.haste),
    async (number) => {
      const client = await login(bench, 1 + (number % bench.accounts));
      await client.run('SELECT INBOX');
      await client.run('LOGOUT');
      client.close();
    },
    bench.accounts * warmUpRounds,
  );
}

const appended = Buffer.from(
  `From: Anna Berg <anna.berg@example.org>\r\nTo: bo@example.org\r\nSubject: Report\r\n` +
    `Date: Mon, 01 Jul 2024 10:00:00 +0000\r\nMessage-ID: <append@example.org>\r\n\r\n` +
    `${'The quarterly report is in the second folder on the left.\r\n'.repeat(66)}`,
);

async function appends(bench: Bench): Promise<Figure> {
  const lanes = 8;
  const clients = await Promise.all(Array.from({ length: lanes }, () => login(bench, 2)));
  const { namespace } = await namespaceOf(clients[0]!);
  const mailbox = `${namespace}Bench`;
  await clients[0]!.run(`CREATE ${mailbox}`);
  const append = async (lane: number) => {
    await clients[lane]!.runWithLiteral(`APPEND ${mailbox}`, appended);
  };
  for (let lane = 0; lane < lanes; lane++) await append(lane);
  const figure = await measureParallel(bench.server, Math.ceil(1600 / bench.haste), lanes, append);
  await clients[0]!.run(`DELETE ${mailbox}`);
  for (const client of clients) client.close();
  return figure;
}

/** The prefix of personal mailboxes: `INBOX.` or nothing. */
async function namespaceOf(client: ImapClient): Promise<{ namespace: string }> {
  const { text } = await client.run('NAMESPACE', true);
  return { namespace: /NAMESPACE \(\("([^"]*)"/.exec(text)?.[1] ?? '' };
}

/** Opens idle sessions with INBOX selected, a hundred at a time. */
async function idleSessions(bench: Bench, count: number, untagged: () => void): Promise<ImapClient[]> {
  const clients: ImapClient[] = [];
  while (clients.length < count) {
    const group = Array.from({ length: Math.min(50, count - clients.length) }, async (_, i) => {
      const client = await login(bench, 1 + ((clients.length + i) % bench.accounts));
      await client.run('SELECT INBOX');
      await client.idle(untagged);
      return client;
    });
    clients.push(...(await Promise.all(group)));
  }
  return clients;
}

async function memory(bench: Bench): Promise<Figure> {
  const count = Math.ceil(1000 / bench.haste);
  const { group } = bench.server;
  const first = await idleSessions(bench, bench.accounts, () => {});
  await setTimeout(500);
  const before = pssKib(group.pids());
  const clients = await idleSessions(bench, count, () => {});
  await setTimeout(500);
  const kib = (pssKib(group.pids()) - before) / count;
  for (const client of [...clients, ...first]) client.close();
  return { kib };
}

/** Delivers into u1's INBOX as a delivery agent does, and waits until a client in IDLE is told. */
async function deliveries(bench: Bench, others: number, times: number): Promise<Figure | undefined> {
  const maildir = bench.kind.maildir?.(1);
  if (maildir === undefined) return undefined;
  const idle = await idleSessions(bench, others, () => {});
  const client = await login(bench, 1);
  await client.run('SELECT INBOX');
  let told = () => {};
  await client.idle((line) => {
    if (line.endsWith(' EXISTS')) told();
  });
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const name = `${1_760_000_000 + i}.M${i}P1_delivery.bench,S=${appended.length}`;
    const temporary = join(maildir, 'tmp', name);
    writeFileSync(temporary, appended);
    chownSync(temporary, bench.kind.owner.uid, bench.kind.owner.gid);
    // Between two deliveries a server settles: Courier drops and sets its watches.
    await setTimeout(30);
    const exists = new Promise<void>((resolve) => {
      told = resolve;
    });
    const start = performance.now();
    renameSync(temporary, join(maildir, 'new', name));
    const isTold = await Promise.race([exists.then(() => true), setTimeout(5000, false, { ref: false })]);
    // Some servers stop watching when there are many sessions; polling is not what is measured.
    if (!isTold) break;
    samples.push(performance.now() - start);
  }
  await client.done();
  client.close();
  for (const each of idle) each.close();
  return samples.length === times ? latencies(samples) : undefined;
}

const flagChange = (number: number) => `STORE 7 ${number % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged)`;

export const workloads: readonly Workload[] = [
  // First: in a process that has worked already, memory it has not given back would hide what sessions take.
  { id: 'W13', name: 'memory of an idle session', leads: true, run: memory },
  { id: 'W1', name: 'LOGIN, SELECT, LOGOUT', leads: true, run: logins },
  { id: 'W2', name: 'webmail visit', leads: true, run: visits },
  { id: 'W3', name: 'SELECT again', leads: true, run: selected(3000, () => 'SELECT INBOX') },
  {
    id: 'W4',
    name: 'STORE ±FLAGS (\\Flagged), one message',
    leads: false,
    run: selected(2000, flagChange),
  },
  {
    id: 'W4b',
    name: 'the same, synced as little as Courier does',
    leads: false,
    unsynced: true,
    run: selected(5000, flagChange),
  },
  { id: 'W5', name: 'APPEND 4 KB, 8 connections', leads: false, run: appends },
  {
    id: 'W6',
    name: 'FETCH 1:* (UID FLAGS)',
    leads: true,
    run: selected(500, () => 'FETCH 1:* (UID FLAGS)'),
  },
  {
    id: 'W7',
    name: 'FETCH 1:* webmail items',
    leads: false,
    run: selected(40, () => `FETCH 1:* ${webmailItems}`),
  },
  {
    id: 'W8',
    name: 'FETCH 1:* BODY.PEEK[]',
    leads: false,
    run: selected(40, () => 'FETCH 1:* BODY.PEEK[]'),
  },
  {
    id: 'W9',
    name: 'SEARCH BODY (absent word)',
    leads: false,
    run: async (bench) => {
      // A server that makes an index once somebody searches has its time.
      await selected(1, () => 'SEARCH BODY zebrafish')(bench);
      await setTimeout(3000);
      return selected(20, () => 'SEARCH BODY zebrafish')(bench);
    },
  },
  {
    id: 'W9b',
    name: 'SEARCH BODY, too short for an index',
    leads: false,
    run: selected(20, () => 'SEARCH BODY zq'),
  },
  { id: 'W10', name: 'SORT (SUBJECT)', leads: false, run: selected(60, () => 'SORT (SUBJECT) UTF-8 ALL') },
  {
    id: 'W11',
    name: 'THREAD REFERENCES',
    leads: false,
    run: selected(60, () => 'THREAD REFERENCES UTF-8 ALL'),
  },
  { id: 'W12', name: 'NOOP', leads: true, run: selected(5000, () => 'NOOP') },
  {
    id: 'W14',
    name: 'delivery → EXISTS, one session',
    leads: false,
    run: (bench) => deliveries(bench, 0, Math.ceil(100 / bench.haste)),
  },
  {
    id: 'W14b',
    name: 'delivery → EXISTS, 1,000 sessions',
    leads: false,
    run: (bench) => deliveries(bench, Math.ceil(1000 / bench.haste), Math.ceil(100 / bench.haste)),
  },
];
