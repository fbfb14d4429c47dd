/**
 * Workers die at any moment of a mixed load: in the end every message whose APPEND was acknowledged is there, no UID
 * ever stood for two messages, and no acknowledged flag or expunge is lost.
 *
 * Once with the workers of `postrider serve`, and once with several session processes on one maildir, which a kill
 * hits in the middle of everything.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ImapClient } from '../../bench/imap-client.ts';
import { makeMaildir } from '../../bench/maildir.ts';
import { Random } from '../../bench/random.ts';
import { Postrider } from '../../bench/servers/postrider.ts';
import type { RunningServer } from '../../bench/servers/server.ts';

const lanes = 4;
const [workerKills, sessionKills] = [200, 100];
const program = resolve(import.meta.dirname, '../../bin/postrider');

const flags = ['\\Seen', '\\Flagged', '\\Answered', 'Important', 'Later'];

/** What the server has promised about one message, by its subject. */
interface Promised {
  uid: number;
  flags: Set<string>;
  /** A change was under way when the connection broke: it may or may not have happened. */
  doubtful: Set<string>;
  expunged: boolean;
  /** An EXPUNGE was under way. */
  maybeExpunged: boolean;
}

class Load {
  readonly promised = new Map<string, Promised>();
  readonly #connect: () => Promise<ImapClient>;
  readonly #random: Random;
  readonly #lane: number;
  #count = 0;
  acknowledged = 0;
  broken = 0;
  stopped = false;

  constructor(lane: number, connect: () => Promise<ImapClient>) {
    this.#connect = connect;
    this.#random = new Random(lane + 1);
    this.#lane = lane;
  }

  /** Works until stopped; a broken connection is made anew. */
  async run(): Promise<void> {
    while (!this.stopped) {
      let client: ImapClient | undefined;
      try {
        client = await this.#connect();
        await client.run('SELECT INBOX');
        while (!this.stopped) await this.#step(client);
      } catch (error) {
        if (!/closed|ECONN|EPIPE/.test(String(error))) throw error;
        this.broken++;
        await setTimeout(10);
      } finally {
        client?.close();
      }
    }
  }

  async #step(client: ImapClient): Promise<void> {
    const mine = [...this.promised].filter(([, { expunged, maybeExpunged }]) => !expunged && !maybeExpunged);
    const choice = this.#random.below(10);
    if (choice < 4 || mine.length < 3) await this.#append(client);
    else if (choice < 8) await this.#flag(client, this.#random.pick(mine)[1]);
    else if (choice < 9) await this.#expunge(client, this.#random.pick(mine)[1]);
    else await client.run('NOOP');
    this.acknowledged++;
  }

  async #append(client: ImapClient): Promise<void> {
    const subject = `lane${this.#lane}-${this.#count++}`;
    const text = Buffer.from(`Subject: ${subject}\r\n\r\n${'body\r\n'.repeat(this.#random.below(400))}`);
    const { status } = await client.runWithLiteral('APPEND INBOX (\\Seen)', text);
    const uid = Number(/APPENDUID \d+ (\d+)/.exec(status)![1]);
    const promised = {
      uid,
      flags: new Set(['\\Seen']),
      doubtful: new Set<string>(),
      expunged: false,
      maybeExpunged: false,
    };
    this.promised.set(subject, promised);
  }

  async #flag(client: ImapClient, message: Promised): Promise<void> {
    const flag = this.#random.pick(flags);
    const add = this.#random.below(3) > 0;
    message.doubtful.add(flag);
    await client.run(`UID STORE ${message.uid} ${add ? '+' : '-'}FLAGS.SILENT (${flag})`);
    message.doubtful.delete(flag);
    if (add) message.flags.add(flag);
    else message.flags.delete(flag);
  }

  async #expunge(client: ImapClient, message: Promised): Promise<void> {
    message.maybeExpunged = true;
    await client.run(`UID STORE ${message.uid} +FLAGS.SILENT (\\Deleted)`);
    await client.run(`UID EXPUNGE ${message.uid}`);
    message.expunged = true;
  }
}

interface Found {
  readonly uid: number;
  readonly flags: ReadonlySet<string>;
}

/** All messages of INBOX by subject. */
async function readAll(client: ImapClient): Promise<{ found: Map<string, Found[]>; uidNext: number }> {
  const selected = (await client.run('SELECT INBOX', true)).text;
  const items = '(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])';
  const { text } = await client.run(`UID FETCH 1:* ${items}`, true);
  client.close();
  const found = new Map<string, Found[]>();
  for (const [, uid, flags, subject] of text.matchAll(
    /UID (\d+) FLAGS \(([^)]*)\)[\s\S]*?Subject: (\S+)\r\n/g,
  )) {
    const before = found.get(subject!) ?? [];
    found.set(subject!, [...before, { uid: Number(uid), flags: new Set(flags!.split(' ')) }]);
  }
  return { found, uidNext: Number(/UIDNEXT (\d+)/.exec(selected)![1]) };
}

/** Holds what is there against what was promised. */
async function verify(t: TestContext, loads: readonly Load[], client: ImapClient): Promise<void> {
  const { found, uidNext } = await readAll(client);
  const acknowledged = loads.reduce((sum, load) => sum + load.acknowledged, 0);
  const broken = loads.reduce((sum, load) => sum + load.broken, 0);
  t.diagnostic(
    `${acknowledged} commands acknowledged, ${broken} sessions broken, ${found.size} messages left`,
  );
  assert.ok(found.size > 0 && broken > 0, 'the kills hit a load that went on');
  const subjectOfUid = new Map<number, string>();
  for (const [subject, all] of found) {
    // A message that was never acknowledged may be there, but once.
    assert.equal(all.length, 1, `${subject} is there ${all.length} times`);
    assert.ok(all[0]!.uid < uidNext);
    assert.ok(!subjectOfUid.has(all[0]!.uid));
    subjectOfUid.set(all[0]!.uid, subject);
  }
  const promisedUids = new Set<number>();
  for (const load of loads) {
    for (const [subject, message] of load.promised) {
      assert.ok(!promisedUids.has(message.uid), `UID ${message.uid} was given twice`);
      promisedUids.add(message.uid);
      const holder = subjectOfUid.get(message.uid) ?? subject;
      assert.equal(holder, subject, `UID ${message.uid} stands for another message`);
      verifyMessage(subject, message, found.get(subject)?.[0]);
    }
  }
}

function verifyMessage(subject: string, message: Promised, now: Found | undefined): void {
  if (message.expunged) assert.equal(now, undefined, `${subject} came back`);
  if (message.expunged || message.maybeExpunged) return;
  assert.equal(now?.uid, message.uid, `${subject} is lost or has another UID`);
  for (const flag of flags) {
    if (message.doubtful.has(flag)) continue;
    assert.equal(now?.flags.has(flag), message.flags.has(flag), `${flag} of ${subject}`);
  }
}

function workerPids(server: RunningServer): number[] {
  return server.group.pids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('worker-main');
    } catch {
      return false;
    }
  });
}

/** Kills something again and again while the loads run; between two kills commands must have been acknowledged. */
async function killing(loads: readonly Load[], kills: number, kill: () => boolean): Promise<void> {
  const random = new Random(99);
  const running = loads.map((load) => load.run());
  const acknowledged = () => loads.reduce((sum, load) => sum + load.acknowledged, 0);
  for (let killed = 0, before = 0; killed < kills; ) {
    await Promise.race([setTimeout(5 + random.below(80)), ...running]);
    if (acknowledged() < before + random.below(12) || !kill()) continue;
    killed++;
    before = acknowledged();
  }
  for (const load of loads) load.stopped = true;
  await Promise.all(running);
}

test(`${workerKills} killed workers lose nothing that was acknowledged`, { timeout: 400_000 }, async (t) => {
  const postrider = new Postrider({ settings: ['WORKERS=2', 'RESTART_DELAY_LIMIT=0'] });
  t.after(() => {
    if (!t.passed) t.diagnostic(readFileSync(postrider.log, 'utf8').slice(-3000));
    postrider.remove();
  });
  postrider.prepare(1);
  makeMaildir(postrider.maildir(1), postrider.owner);
  const server = await postrider.start();
  t.after(() => server.stop());
  const connect = async () => {
    const client = await ImapClient.connect(server.port);
    await client.run('LOGIN u1 pass');
    return client;
  };
  const loads = Array.from({ length: lanes }, (_, lane) => new Load(lane, connect));
  const random = new Random(7);
  await killing(loads, workerKills, () => {
    const workers = workerPids(server);
    if (workers.length === 0) return false;
    process.kill(random.pick(workers), 'SIGKILL');
    return true;
  });
  await verify(t, loads, await connect());
});

test(`${sessionKills} killed sessions lose nothing that was acknowledged`, {
  timeout: 200_000,
}, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'postrider-kill-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const { uid, gid } = userInfo();
  makeMaildir(join(home, 'Maildir'), { uid, gid });
  const sessions = new Set<ChildProcess>();
  const connect = () => {
    const env = { ...process.env, AUTHENTICATED: 'test', IMAP_KEYWORDS: '1' };
    const child = spawn(program, ['imapd', 'Maildir'], { cwd: home, env, stdio: ['pipe', 'pipe', 'ignore'] });
    sessions.add(child);
    child.once('exit', () => sessions.delete(child));
    return ImapClient.over(child.stdout, child.stdin);
  };
  t.after(() => {
    for (const session of sessions) session.kill('SIGKILL');
  });
  const loads = Array.from({ length: lanes }, (_, lane) => new Load(lane, connect));
  const random = new Random(8);
  await killing(loads, sessionKills, () => random.pick([...sessions]).kill('SIGKILL'));
  await verify(t, loads, await connect());
});
