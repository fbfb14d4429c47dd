/**
 * Runs the transcripts against another server and prints where it answers differently:
 * `node test/compare-imap.ts MAILDIRS COMMAND ARG…`, where MAILDIRS is a directory to make maildirs in, and `%` in an
 * argument stands for the maildir. With Debian's Courier in a chroot:
 * `node test/compare-imap.ts ROOT/tmp chroot ROOT sh -c 'exec imapd /tmp/$(basename %)'`.
 * Wanted differences say `differs:` in the transcript; what is printed is for a person to read.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { spawnedClient } from './support/imap-client.ts';
import { makeMaildir } from './support/maildir-fixtures.ts';
import {
  begin,
  type Client,
  changeDisk,
  parseTranscript,
  sendLine,
  type Transcript,
} from './support/transcript.ts';

/** How long the other server may be silent before its answer counts as complete. */
const silenceMs = 150;

const [maildirs = '', command = '', ...args] = process.argv.slice(2);
const directory = join(import.meta.dirname, 'transcripts/imap');
const environment = {
  ...process.env,
  IMAP_KEYWORDS: '1',
  IMAP_ACL: '1',
  IMAP_BROKENUIDV: '1',
  IMAP_CAPABILITY:
    'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE',
};

for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
  const transcript = parseTranscript(readFileSync(join(directory, file), 'utf8'));
  if (transcript.start === 'login') continue;
  const maildir = mkdtempSync(join(maildirs, 'compare-'));
  makeMaildir(transcript.maildir, maildir);
  const differences = await compare(transcript, maildir);
  process.stdout.write(`== ${file}\n${differences.join('')}`);
  rmSync(maildir, { recursive: true, force: true });
}
process.exit(0);

/** One text for each stretch of `S:` lines that the other server does not send. */
async function compare(transcript: Transcript, maildir: string): Promise<string[]> {
  const clients = new Map<number, Client>();
  const differences: string[] = [];
  let expected: string[] = [];
  let cause = '';
  const judge = async (): Promise<void> => {
    const got = await silence(clients);
    if (!agree(expected, got)) {
      const lines = [
        ...expected.map((line) => `  wanted ${line}\n`),
        ...got.map((line) => `  got    ${line}\n`),
      ];
      differences.push(`${cause}\n${lines.join('')}`);
    }
    expected = [];
  };
  for (const step of transcript.steps) {
    const number = step.kind === 'disk' ? 1 : step.client;
    if (!clients.has(number)) {
      const client = spawnedClient(
        command,
        args.map((arg) => arg.replaceAll('%', maildir)),
        environment,
      );
      clients.set(number, client);
      await begin(client, transcript.start);
    }
    if (step.kind === 'expect') {
      expected.push(`${number}: ${step.text}`);
      continue;
    }
    if (cause !== '') await judge();
    cause = step.kind === 'disk' ? step.words.join(' ') : step.text;
    if (step.kind === 'disk') changeDisk(maildir, step.words, step.line);
    else sendLine(clients.get(number)!, step.text, 'whole');
  }
  await judge();
  for (const client of clients.values()) client.close();
  return differences;
}

/** What the clients have been sent, when nothing more comes. */
async function silence(clients: ReadonlyMap<number, Client>): Promise<string[]> {
  await setTimeout(silenceMs);
  const lines: string[] = [];
  for (const [number, client] of clients) {
    for (let left = client.rest().length; left > 0; left--) lines.push(`${number}: ${await client.line()}`);
  }
  return lines;
}

function agree(expected: readonly string[], got: readonly string[]): boolean {
  if (expected.length !== got.length) return false;
  const sorted = [...expected].sort((one, other) => (one[0]! < other[0]! ? -1 : 1));
  return sorted.every((line, i) => {
    const pieces = line.split(/\$[a-z]\w*/).map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${pieces.join('[^ \\])]+')}$`).test(got[i]!);
  });
}
