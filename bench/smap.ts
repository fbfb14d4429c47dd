/**
 * SMAP1 beside IMAP on one large folder: opening it, and learning what has changed since the last visit. Sessions run
 * on standard streams, each in a process of its own, as Courier's do; Courier is measured if its tree is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { makeCorpus } from './corpus.ts';
import { ImapClient } from './imap-client.ts';
import { fillMaildir, makeMaildir } from './maildir.ts';
import type { Figure } from './measure.ts';
import { formatTable, type Row, writeResults } from './report.ts';
import { peerKinds, peersDirectory } from './servers/peers.ts';
import { Postrider } from './servers/postrider.ts';
import type { ServerKind } from './servers/server.ts';

const program = resolve(import.meta.dirname, '../bin/postrider');
const changes = 10;
const settleMs = 3000;

const rows: readonly [id: string, name: string][] = [
  ['S1', 'IMAP SELECT, first in the process'],
  ['S2', 'SMAP OPEN, first in the process'],
  ['S3', 'IMAP SELECT again'],
  ['S4', 'SMAP OPEN again'],
  ['S5', 'IMAP FETCH 1:* (UID FLAGS)'],
  ['S6', 'SMAP FETCH 1-n FLAGS UID'],
  ['S7', `IMAP after ${changes} changes: SELECT, FETCH 1:* (UID FLAGS)`],
  ['S8', `SMAP after ${changes} changes: SOPEN of a snapshot`],
  ['S9', 'IMAP SELECT alone after them'],
  ['S10', 'SMAP NOOP that saves a snapshot'],
  ['S11', 'IMAP index of 1000: FETCH date, size, eleven header fields'],
  ['S12', 'SMAP index of 1000: FETCH INTERNALDATE SIZE CONTENTS.PEEK=HEADERS(:ENVELOPE)'],
];

export async function benchSmap(options: { quick: boolean; peers: boolean }): Promise<void> {
  const postrider = new Postrider();
  const courier = options.peers ? peerKinds().find(({ name }) => name === 'courier') : undefined;
  const kinds = [postrider, ...(courier && courier.missing() === undefined ? [courier] : [])];
  const table: Row[] = rows.map(([id, name]) => ({ id, name, leads: false, figures: {} }));
  try {
    for (const kind of kinds) {
      process.stderr.write(`${kind.name}\n`);
      for (const [id, figure] of await measureKind(kind, options.quick)) {
        table.find((row) => row.id === id)!.figures[kind.name] = figure;
        process.stderr.write(`  ${id} ${JSON.stringify(figure)}\n`);
      }
    }
  } finally {
    postrider.remove();
  }
  const names = kinds.map(({ name }) => name);
  process.stdout.write(formatTable(table, names));
  process.stdout.write(`\n${writeResults(table, names, { smap: true, ...options })}\n`);
}

async function measureKind(kind: ServerKind, quick: boolean): Promise<Map<string, Figure>> {
  kind.prepare(1);
  const maildir = kind.maildir!(1);
  makeMaildir(maildir, kind.owner);
  fillMaildir(maildir, makeCorpus(quick ? 10_000 : 100_000, 1500, 2), kind.owner);
  await setTimeout(settleMs);
  const samples = new Map<string, number[]>();
  const time = async (id: string, run: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    await run();
    samples.set(id, [...(samples.get(id) ?? []), performance.now() - start]);
  };
  await visit(kind, maildir);
  for (let round = 0; round < 3; round++) {
    await measureImap(kind, maildir, 2 * round, time);
    await measureSmap(kind, maildir, 2 * round + 1, time);
  }
  return new Map([...samples].map(([id, times]) => [id, { wallMs: median(times) }]));
}

/** The first visit gives UIDs, and lets a server leave what it likes for the next. */
async function visit(kind: ServerKind, maildir: string): Promise<void> {
  const child = start(kind, maildir, {});
  const imap = await ImapClient.over(child.stdout!, child.stdin!);
  await imap.run('SELECT INBOX');
  await imap.run('LOGOUT');
  await ended(child);
}

type Time = (id: string, run: () => Promise<unknown>) => Promise<void>;

async function measureImap(kind: ServerKind, maildir: string, turn: number, time: Time): Promise<void> {
  const child = start(kind, maildir, {});
  const imap = await ImapClient.over(child.stdout!, child.stdin!);
  await time('S1', () => imap.run('SELECT INBOX'));
  await time('S3', () => imap.run('SELECT INBOX'));
  await imap.run('FETCH 1:* (UID FLAGS)');
  await time('S5', () => imap.run('FETCH 1:* (UID FLAGS)'));
  const fields = 'DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC IN-REPLY-TO MESSAGE-ID REFERENCES';
  const items = `(INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (${fields})])`;
  await time('S11', () => imap.run(`FETCH 1:1000 ${items}`));
  await imap.run('CLOSE');
  await change(maildir, turn);
  await time('S9', () => imap.run('SELECT INBOX'));
  await imap.run('CLOSE');
  await change(maildir, turn);
  await time('S7', async () => {
    await imap.run('SELECT INBOX');
    await imap.run('FETCH 1:* (UID FLAGS)');
  });
  await imap.run('LOGOUT');
  await ended(child);
}

async function measureSmap(kind: ServerKind, maildir: string, turn: number, time: Time): Promise<void> {
  const child = start(kind, maildir, { PROTOCOL: 'SMAP1' });
  const smap = new SmapLines(child);
  await smap.status();
  await time('S2', () => smap.run('OPEN INBOX'));
  await time('S4', () => smap.run('OPEN INBOX'));
  await smap.run('FETCH 1-4000000000 FLAGS UID');
  await time('S6', () => smap.run('FETCH 1-4000000000 FLAGS UID'));
  const items = 'INTERNALDATE SIZE CONTENTS.PEEK=HEADERS(:ENVELOPE)';
  await time('S12', () => smap.run(`FETCH 1-1000 ${items}`));
  await smap.run('SOPEN "" INBOX');
  let said = '';
  await time('S10', async () => {
    said = await smap.run('NOOP');
  });
  const id = /SNAPSHOT ("[^"]+")/.exec(said)![1];
  await smap.run('CLOSE');
  await change(maildir, turn);
  await time('S8', async () => {
    said = await smap.run(`SOPEN ${id} INBOX`);
  });
  if (!said.includes('+OK Folder updated')) throw new Error('the snapshot was not restored');
  await smap.run('LOGOUT');
  await ended(child);
}

/** Another program marks some messages as seen, or as unseen again, all over the folder. */
async function change(maildir: string, turn: number): Promise<void> {
  const directory = join(maildir, 'cur');
  const names = readdirSync(directory).sort((one, other) => (one < other ? -1 : 1));
  for (let i = 0; i < changes; i++) {
    const name = names[Math.floor(((i + 0.5) * names.length) / changes) + turn]!;
    renameSync(
      join(directory, name),
      join(
        directory,
        name.replace(
          /:2,(.*)$/,
          (_, flags: string) => `:2,${flags.includes('F') ? flags.replace('F', '') : `F${flags}`}`,
        ),
      ),
    );
  }
  // Servers distrust directories that changed a moment ago.
  await setTimeout(50);
}

function start(kind: ServerKind, maildir: string, settings: Record<string, string>): ChildProcess {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOSTNAME: 'bench',
    AUTHENTICATED: 'u1',
    IMAP_KEYWORDS: '1',
    IMAP_USELOCKS: '1',
    ...settings,
  };
  if (kind.name === 'postrider')
    return spawn(program, ['imapd', maildir], {
      env,
      ...kind.owner,
      cwd: resolve(maildir, '..'),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  const root = join(peersDirectory, 'courier');
  const { uid, gid } = kind.owner;
  const command = [`--userspec=${uid}:${gid}`, root, '/usr/bin/imapd', maildir.slice(root.length)];
  return spawn('/usr/sbin/chroot', command, {
    env: { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolved) => {
    if (child.exitCode !== null) resolved();
    else child.once('exit', () => resolved());
  });
}

/** An SMAP1 client that costs little: it looks for status lines only. */
class SmapLines {
  readonly #child: ChildProcess;
  #tail = '';
  #resolve: ((said: string) => void) | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.on('data', (octets: Buffer) => {
      this.#tail = (this.#tail + octets.toString('latin1')).slice(-4096);
      if (/(?:^|\n)(?:\+OK|-ERR)[^\n]*\n$/.test(this.#tail)) this.#resolve?.(this.#tail);
    });
  }

  status(): Promise<string> {
    this.#tail = '';
    return new Promise((resolved) => {
      this.#resolve = resolved;
    });
  }

  run(command: string): Promise<string> {
    const status = this.status();
    this.#child.stdin!.write(`${command}\n`);
    return status;
  }
}

function median(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[times.length >> 1]!;
}
