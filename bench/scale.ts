/**
 * How costs grow: with the messages of a folder, with the sessions of a server, with its workers. CPU time is that of
 * all its processes, in ms an operation.
 */
import { chownSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pssKib } from './control-group.ts';
import { makeCorpus } from './corpus.ts';
import { ImapClient } from './imap-client.ts';
import { cloneMaildir, fillMaildir, makeMaildir } from './maildir.ts';
import { type Figure, measure } from './measure.ts';
import { Postrider } from './servers/postrider.ts';
import type { RunningServer } from './servers/server.ts';

type Print = (text: string) => void;

/** A file has at most some 65,000 links on ext4. */
const linksEach = 50_000;
const settleMs = 3000;
const limits = ['MAXDAEMONS=20000', 'MAXPERIP=20000'];

/** @param quick  a tenth of everything */
export async function benchScale(quick: boolean, print: Print): Promise<void> {
  const most = quick ? 10 : 1;
  print('Messages in the folder: CPU ms an operation\n');
  print('messages   first   again    NOOP   STORE  EXISTS  EXISTS  memory\n');
  print('           SELECT  SELECT                         (lazy)     MiB\n');
  for (const count of [1000, 10_000, 100_000, 1_000_000]) {
    if (count * most <= 1_000_000) await measureFolder(count, print);
  }
  print('\nSessions, each with a mailbox of 500 messages selected: CPU ms an operation\n');
  print('sessions    NOOP   FETCH   EXISTS  KiB each\n');
  for (const count of [10, 100, 1000, 10_000])
    if (count * most <= 10_000) await measureSessions(count, print);
  print('\nWorkers, 16 clients at once: webmail visits\n');
  print('workers   CPU ms   a second\n');
  for (const workers of [1, 2]) await measureWorkers(workers, Math.ceil(3000 / most), print);
}

async function withPostrider(
  postrider: Postrider,
  use: (server: RunningServer) => Promise<void>,
): Promise<void> {
  const server = await postrider.start();
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

async function logIn(server: RunningServer, account: number): Promise<ImapClient> {
  const client = await ImapClient.connect(server.port);
  await client.run(`LOGIN u${account} pass`);
  return client;
}

/** Fills a folder with links to a few messages. */
function fillByLinks(postrider: Postrider, count: number): void {
  const { owner } = postrider;
  const maildir = postrider.maildir(1);
  makeMaildir(maildir, owner);
  const sources = makeCorpus(Math.ceil(count / linksEach), 1500, 2).map((message, i) => {
    const path = join(maildir, 'tmp', `source${i}`);
    writeFileSync(path, message.text);
    chownSync(path, owner.uid, owner.gid);
    return { path, size: Buffer.byteLength(message.text) };
  });
  for (let i = 0; i < count; i++) {
    const { path, size } = sources[Math.floor(i / linksEach)]!;
    const stamp = `${1_700_000_000 + Math.floor(i / 10)}.M${100_000 + (i % 10)}P1_${i}`;
    linkSync(path, join(maildir, 'cur', `${stamp}.bench,S=${size}:2,S`));
  }
  for (const { path } of sources) rmSync(path);
}

async function measureFolder(count: number, print: Print): Promise<void> {
  const postrider = new Postrider({ settings: ['WORKERS=1'] });
  try {
    postrider.prepare(1);
    fillByLinks(postrider, count);
    await setTimeout(settleMs);
    await withPostrider(postrider, async (server) => {
      const client = await logIn(server, 1);
      await client.run('SELECT INBOX');
      await client.run('LOGOUT');
    });
    const figures: Figure[] = [];
    let mib = 0;
    await setTimeout(settleMs);
    await withPostrider(postrider, async (server) => {
      const client = await logIn(server, 1);
      const before = pssKib(server.group.pids());
      const run = (command: (i: number) => string) => async (i: number) => {
        await client.run(command(i));
      };
      figures.push(
        await measure(
          server,
          1,
          run(() => 'SELECT INBOX'),
          0,
        ),
      );
      figures.push(
        await measure(
          server,
          100,
          run(() => 'SELECT INBOX'),
          20,
        ),
      );
      figures.push(
        await measure(
          server,
          1000,
          run(() => 'NOOP'),
          200,
        ),
      );
      figures.push(
        await measure(
          server,
          500,
          run((i) => `STORE 7 ${i % 2 ? '-' : '+'}FLAGS (\\Flagged)`),
          50,
        ),
      );
      figures.push(await arrivals(server, postrider, client, 20));
      mib = (pssKib(server.group.pids()) - before) / 1024;
    });
    const lazy = new Postrider({
      settings: ['WORKERS=1', 'LAZY_UIDS=YES'],
      mailDirectory: mailOf(postrider),
    });
    try {
      lazy.prepare(1);
      await withPostrider(lazy, async (server) => {
        const client = await logIn(server, 1);
        await client.run('SELECT INBOX');
        figures.push(await arrivals(server, lazy, client, 20));
      });
    } finally {
      lazy.remove();
    }
    const columns = figures.map(({ cpuMs }) => cpuMs!.toFixed(cpuMs! < 1 ? 3 : 1).padStart(8)).join('');
    print(`${String(count).padStart(8)} ${columns} ${mib.toFixed(1).padStart(7)}\n`);
  } finally {
    postrider.remove();
  }
}

function mailOf(postrider: Postrider): string {
  return join(postrider.maildir(1), '../..');
}

/** Mail delivered one after the other; from the rename into `new` until the client in IDLE is told. */
async function arrivals(
  server: RunningServer,
  postrider: Postrider,
  client: ImapClient,
  times: number,
): Promise<Figure> {
  let told = () => {};
  await client.idle((line) => {
    if (line.endsWith(' EXISTS')) told();
  });
  const figure = await measure(server, times, async (i) => {
    const exists = new Promise<void>((resolve) => {
      told = resolve;
    });
    deliver(postrider, `${Date.now()}.M${i}P${process.pid}_scale.bench`);
    await exists;
  });
  await client.done();
  return figure;
}

function deliver(postrider: Postrider, name: string): void {
  const maildir = postrider.maildir(1);
  const temporary = join(maildir, 'tmp', name);
  writeFileSync(temporary, 'Subject: new\n\nnew\n');
  chownSync(temporary, postrider.owner.uid, postrider.owner.gid);
  renameSync(temporary, join(maildir, 'new', name));
}

async function measureSessions(count: number, print: Print): Promise<void> {
  const accounts = 20;
  const postrider = new Postrider({
    settings: ['WORKERS=2'],
    imapd: limits,
  });
  try {
    fillAccounts(postrider, accounts);
    await setTimeout(settleMs);
    await withPostrider(postrider, async (server) => {
      const open = async (i: number) => {
        const client = await logIn(server, 1 + (i % accounts));
        await client.run('SELECT INBOX');
        return client;
      };
      const client = await open(0);
      for (let i = 0; i < 2 * accounts; i++) (await open(i)).close();
      const before = pssKib(server.group.pids());
      const clients: ImapClient[] = [];
      while (clients.length < count) {
        const step = Math.min(50, count - clients.length);
        clients.push(
          ...(await Promise.all(Array.from({ length: step }, (_, i) => open(clients.length + i)))),
        );
      }
      await setTimeout(500);
      const each = (pssKib(server.group.pids()) - before) / count;
      const noop = await measure(server, 1000, async () => void (await client.run('NOOP')), 200);
      const fetch = await measure(
        server,
        300,
        async () => void (await client.run('FETCH 1:* (UID FLAGS)')),
        50,
      );
      const arrival = await arrivals(server, postrider, client, 20);
      for (const other of [client, ...clients]) other.close();
      const columns = [noop, fetch, arrival].map(({ cpuMs }) => cpuMs!.toFixed(3).padStart(8)).join('');
      print(`${String(count).padStart(8)}${columns} ${each.toFixed(0).padStart(9)}\n`);
    });
  } finally {
    postrider.remove();
  }
}

function fillAccounts(postrider: Postrider, accounts: number): void {
  postrider.prepare(accounts);
  makeMaildir(postrider.maildir(1), postrider.owner);
  fillMaildir(postrider.maildir(1), makeCorpus(500, 4000), postrider.owner);
  for (let account = 2; account <= accounts; account++)
    cloneMaildir(postrider.maildir(1), postrider.maildir(account), postrider.owner);
}

/** Visits as a webmail makes them, by as many clients as keep the server busy. */
async function measureWorkers(workers: number, visits: number, print: Print): Promise<void> {
  const accounts = 20;
  const postrider = new Postrider({ settings: [`WORKERS=${workers}`], imapd: limits });
  try {
    fillAccounts(postrider, accounts);
    await setTimeout(settleMs);
    await withPostrider(postrider, async (server) => {
      const visit = async (i: number) => {
        const client = await logIn(server, 1 + (i % accounts));
        await client.run('SELECT INBOX');
        await client.run('FETCH 1:50 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)');
        await client.run('UID SEARCH UNSEEN');
        await client.run('FETCH 7 BODY.PEEK[]');
        await client.run('LOGOUT');
        client.close();
      };
      for (let i = 0; i < 300; i++) await visit(i);
      const cpu = server.group.cpuMs();
      const start = performance.now();
      let next = 0;
      const lane = async () => {
        while (next < visits) await visit(next++);
      };
      await Promise.all(Array.from({ length: 16 }, lane));
      const seconds = (performance.now() - start) / 1000;
      const each = (server.group.cpuMs() - cpu) / visits;
      print(
        `${String(workers).padStart(7)} ${each.toFixed(2).padStart(8)} ${(visits / seconds).toFixed(0).padStart(10)}\n`,
      );
    });
  } finally {
    postrider.remove();
  }
}
