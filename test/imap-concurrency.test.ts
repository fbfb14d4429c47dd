/**
 * Several sessions change one mailbox at random, and so does another program. Each client keeps the picture that
 * RFC 9051 §5.5 lets it keep; at the end all pictures must be the mailbox, and on the way no sequence number may
 * change its meaning unannounced.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { InProcessClient } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import { type Random, seededRandom } from './support/message-checks.ts';

const mayNotExpunge = ['FETCH', 'STORE', 'SEARCH'];

interface Known {
  uid: number | undefined;
  flags: string | undefined;
}

/** A client that believes what it is told, and checks that it can be true. */
class Believer {
  readonly client: InProcessClient;
  picture: Known[] = [];
  #tag = 0;

  constructor(maildir: string) {
    this.client = new InProcessClient(maildir);
  }

  async run(command: string): Promise<string> {
    this.#tag++;
    const lines = await this.client.command(`t${this.#tag}`, command);
    for (const line of lines.slice(0, -1)) this.#hear(line, command);
    const silent = /^STORE (\d+):\* \+FLAGS\.SILENT \((\S+)\)/.exec(command);
    if (silent !== null) this.#stored(Number(silent[1]), silent[2]!);
    return lines.at(-1)!;
  }

  #hear(line: string, command: string): void {
    const [, number = '', word = '', rest = ''] = /^\* (\d+) (EXPUNGE|EXISTS|FETCH)(.*)$/.exec(line) ?? [];
    const n = Number(number);
    if (word === 'EXPUNGE') {
      assert.ok(!mayNotExpunge.includes(command.split(' ')[0]!), `${line} during ${command}`);
      assert.ok(n >= 1 && n <= this.picture.length, `${line}, but there are ${this.picture.length}`);
      this.picture.splice(n - 1, 1);
    } else if (word === 'EXISTS') {
      assert.ok(n >= this.picture.length, `${line}, but there are ${this.picture.length}`);
      while (this.picture.length < n) this.picture.push({ uid: undefined, flags: undefined });
    } else if (word === 'FETCH') this.#fetched(n, rest, line);
  }

  /** What the client itself has done, and is not told again. */
  #stored(first: number, flag: string): void {
    for (const known of this.picture.slice(first - 1)) {
      if (known.flags !== undefined) known.flags = withoutRecent(`${known.flags.replace(flag, '')} ${flag}`);
    }
  }

  #fetched(n: number, rest: string, line: string): void {
    const known = this.picture[n - 1];
    assert.ok(known, `${line}, but there are ${this.picture.length}`);
    const uid = /UID (\d+)/.exec(rest)?.[1];
    const flags = /FLAGS \(([^)]*)\)/.exec(rest)?.[1];
    if (uid !== undefined) {
      assert.ok(known.uid === undefined || known.uid === Number(uid), `${line}, but it was ${known.uid}`);
      known.uid = Number(uid);
    }
    if (flags !== undefined) known.flags = withoutRecent(flags);
  }
}

function withoutRecent(flags: string): string {
  return flags
    .split(' ')
    .filter((name) => name !== '' && name !== '\\Recent')
    .sort((one, other) => (one < other ? -1 : 1))
    .join(' ');
}

const flagNames = ['\\Seen', '\\Flagged', '\\Answered', '$Work', '\\Deleted'];

function randomCommand(random: Random, count: number): string {
  const n = 1 + random(Math.max(count, 1));
  const name = flagNames[random(flagNames.length)]!;
  switch (random(9)) {
    case 0:
      return 'NOOP';
    case 1:
      return 'FETCH 1:* (UID FLAGS)';
    case 2:
      return `STORE ${n} +FLAGS (${name})`;
    case 3:
      return `STORE ${n} -FLAGS (${name})`;
    case 4:
      return `STORE ${n}:* +FLAGS.SILENT (${flagNames[random(3)]})`;
    case 5:
      return 'EXPUNGE';
    case 6:
      return 'SEARCH SEEN';
    case 7:
      return `COPY ${n} INBOX`;
    default:
      return 'APPEND INBOX (\\Seen) {12+}\r\nSubject: x\r\n';
  }
}

/** Another program delivers, sets a flag, or removes. */
function changeDisk(maildir: string, random: Random, round: number): void {
  const files = readdirSync(join(maildir, 'cur'));
  const file = files[random(files.length)];
  const kind = random(3);
  if (kind === 0 || file === undefined) {
    writeFileSync(join(maildir, 'tmp/foreign'), 'Subject: foreign\n\nx\n');
    renameSync(join(maildir, 'tmp/foreign'), join(maildir, `new/${2_000_000_000 + round}.foreign`));
  } else if (kind === 1) {
    renameSync(
      join(maildir, 'cur', file),
      join(maildir, 'cur', file.includes('F') ? file.replace('F', '') : `${file}F`),
    );
  } else rmSync(join(maildir, 'cur', file));
}

async function storm(seed: number, foreign: boolean): Promise<void> {
  const random = seededRandom(seed);
  const maildir = mkdtempSync(join(tmpdir(), 'postrider-storm-'));
  makeMaildir('five-messages', maildir);
  const believers = [1, 2, 3].map(() => new Believer(maildir));
  try {
    for (const believer of believers) {
      await believer.client.line();
      await believer.run('SELECT INBOX');
    }
    await Promise.all(
      believers.map(async (believer, who) => {
        for (let round = 0; round < 60; round++) {
          await believer.run(randomCommand(random, believer.picture.length));
          if (foreign && who === 0 && round % 4 === 0) changeDisk(maildir, random, round);
          if (random(3) === 0) await setImmediate();
        }
      }),
    );
    const pictures: string[] = [];
    // Between two immediates the loop hears of what was done on disk, as it does before it reads a client's octets.
    await setImmediate();
    await setImmediate();
    // Once for each to look at the disk, once more for what the others' looks brought.
    for (let turn = 0; turn < 2; turn++) for (const believer of believers) await believer.run('NOOP');
    for (const believer of believers) {
      const told = believer.picture.map(({ flags }) => flags);
      await believer.run('FETCH 1:* (UID FLAGS)');
      const now = believer.picture.map(({ flags }) => flags);
      assert.deepEqual(
        told.map((flags, i) => flags ?? now[i]),
        now,
        'flags changed without a word',
      );
      pictures.push(JSON.stringify(believer.picture));
    }
    assert.equal(pictures[1], pictures[0]);
    assert.equal(pictures[2], pictures[0]);
    assert.equal(believers[0]!.picture.length, readdirSync(join(maildir, 'cur')).length);
  } finally {
    for (const believer of believers) believer.client.close();
    rmSync(maildir, { recursive: true, force: true });
  }
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`three sessions agree in the end, seed ${seed}`, () => storm(seed, false));
  test(`three sessions and another program agree in the end, seed ${seed}`, () => storm(seed, true));
}
