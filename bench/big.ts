import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ImapClient } from './imap-client.ts';
import { type Figure, latencies } from './measure.ts';
import type { RunningServer, ServerKind } from './servers/server.ts';

/** A step on one folder of 100,000 small messages, in the order of the list. */
export interface BigStep {
  readonly id: string;
  readonly name: string;
  readonly command: string;
  /** Unmeasured repetitions before the measured one. */
  readonly warmUp?: number;
}

export const bigSteps: readonly BigStep[] = [
  { id: 'B1', name: 'SELECT, first in the process', command: 'SELECT INBOX' },
  { id: 'B2', name: 'SELECT again', command: 'SELECT INBOX', warmUp: 1 },
  { id: 'B3', name: 'FETCH 1:* (UID FLAGS)', command: 'FETCH 1:* (UID FLAGS)', warmUp: 1 },
  { id: 'B4', name: 'FETCH 1:* envelope, first', command: 'FETCH 1:* (UID RFC822.SIZE ENVELOPE)' },
  { id: 'B5', name: 'FETCH 1:* envelope, again', command: 'FETCH 1:* (UID RFC822.SIZE ENVELOPE)' },
  { id: 'B6', name: 'UID SEARCH SUBJECT', command: 'UID SEARCH SUBJECT zebrafish', warmUp: 1 },
  { id: 'B7', name: 'SORT (SUBJECT)', command: 'SORT (SUBJECT) UTF-8 ALL', warmUp: 1 },
  { id: 'B8', name: 'THREAD REFERENCES', command: 'THREAD REFERENCES UTF-8 ALL', warmUp: 1 },
  { id: 'B9', name: 'UID SEARCH BODY, read in full', command: 'UID SEARCH BODY zq', warmUp: 1 },
];

const startedMs = 1000;

export type Report = (id: string, name: string, figure: Figure) => void;

/** Lets a server find the messages. */
export async function visitOnce(server: RunningServer): Promise<void> {
  const client = await ImapClient.connect(server.port);
  await client.run('LOGIN u1 pass');
  await client.run('SELECT INBOX');
  await client.run('LOGOUT');
  client.close();
}

/** The first SELECT of a process that has Courier's files only. */
export async function runWithoutIndex(server: RunningServer, report: Report): Promise<void> {
  const client = await ImapClient.connect(server.port);
  await client.run('LOGIN u1 pass');
  report('B1b', 'SELECT, first, without an index', await measure(server, client, 'SELECT INBOX'));
  client.close();
}

/** How long others wait for NOOP while one session has the whole folder described; nothing is cached at first. */
export async function runUncached(server: RunningServer, report: Report): Promise<void> {
  const fetch = 'FETCH 1:* (UID RFC822.SIZE ENVELOPE)';
  report('B12', 'NOOP of others during FETCH, nothing cached', await disturbed(server, fetch, 1));
  report('B13', 'NOOP of others during FETCH, cached', await disturbed(server, fetch, 3));
}

/** One new message, where the UID database may be brought up to date later. */
export async function runLazy(server: RunningServer, kind: ServerKind, report: Report): Promise<void> {
  const client = await ImapClient.connect(server.port);
  await client.run('LOGIN u1 pass');
  await client.run('SELECT INBOX');
  const maildir = kind.maildir!(1);
  await arrival(client, maildir, kind, 'first');
  const lazily = await arrival(client, maildir, kind, 'second');
  report('B10b', 'one new message → EXISTS, LAZY_UIDS', lazily);
  client.close();
}

async function measure(server: RunningServer, client: ImapClient, command: string): Promise<Figure> {
  const cpu = server.group.cpuMs();
  const start = performance.now();
  await client.run(command);
  const wallMs = performance.now() - start;
  return { cpuMs: server.group.cpuMs() - cpu, wallMs, perSecond: 1000 / wallMs };
}

/** Runs the steps on a server just started, whose u1 has the big folder as INBOX. */
export async function runBig(server: RunningServer, kind: ServerKind, report: Report): Promise<void> {
  const client = await ImapClient.connect(server.port);
  await client.run('LOGIN u1 pass');
  // Other processes of the server may still be starting, which is no cost of the SELECT.
  await setTimeout(startedMs);
  for (const step of bigSteps) {
    for (let i = 0; i < (step.warmUp ?? 0); i++) await client.run(step.command);
    report(step.id, step.name, await measure(server, client, step.command));
  }
  if (kind.buildIndex !== undefined) {
    await kind.buildIndex(1);
    const figure = await measure(server, client, 'UID SEARCH BODY zebrafish');
    report('B9b', 'UID SEARCH BODY, with an index', figure);
  }
  report('B11', 'NOOP of others during UID SEARCH BODY', await disturbed(server, 'UID SEARCH BODY zq', 3));
  const maildir = kind.maildir?.(1);
  if (maildir !== undefined) report('B10', 'one new message → EXISTS', await arrival(client, maildir, kind));
  client.close();
}

/** How long others wait for a NOOP while one session works through the whole folder. */
async function disturbed(server: RunningServer, command: string, times: number): Promise<Figure> {
  const busy = fork(join(import.meta.dirname, 'busy-client.ts'), [`${server.port}`, command]);
  await once(busy, 'message');
  const others = await Promise.all(Array.from({ length: 4 }, () => ImapClient.connect(server.port)));
  for (const other of others) await other.run('LOGIN u1 pass');
  const samples: number[] = [];
  let isSearching = true;
  const ask = async (other: ImapClient) => {
    while (isSearching) {
      const start = performance.now();
      await other.run('NOOP');
      samples.push(performance.now() - start);
      await setTimeout(1);
    }
  };
  const asking = Promise.all(others.map(ask));
  for (let i = 0; i < times; i++) {
    const done = once(busy, 'message');
    busy.send('again');
    await done;
  }
  isSearching = false;
  await asking;
  for (const other of others) other.close();
  busy.kill();
  return latencies(samples);
}

async function arrival(
  client: ImapClient,
  maildir: string,
  kind: ServerKind,
  word = 'delivery',
): Promise<Figure> {
  const name = `1760000000.M1P1_${word}.bench`;
  const temporary = join(maildir, 'tmp', name);
  writeFileSync(temporary, 'Subject: new\n\nnew\n');
  chownSync(temporary, kind.owner.uid, kind.owner.gid);
  let told = () => {};
  const exists = new Promise<void>((resolve) => {
    told = resolve;
  });
  await client.idle((line) => {
    if (line.endsWith(' EXISTS')) told();
  });
  const start = performance.now();
  renameSync(temporary, join(maildir, 'new', name));
  await exists;
  const wallMs = performance.now() - start;
  await client.done();
  return { wallMs };
}
