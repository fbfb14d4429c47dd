/**
 * Runs a transcript: a file of what a client sends and what the server must answer (`test/transcripts/README.md`
 * says how to write one). It runs against a server in this process, or one on standard input and output.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

export type Step =
  | { kind: 'send'; client: number; text: string; line: number }
  | { kind: 'expect'; client: number; text: string; line: number }
  | { kind: 'disk'; words: string[]; line: number };

export interface Transcript {
  maildir: string;
  /** `preauth`, `selected NAME`, `login`. */
  start: string;
  settings: Record<string, unknown>;
  steps: Step[];
}

/** One connection to the server under test. */
export interface Client {
  send(octets: Buffer): void;
  /** The next line, without its end; rejects when none comes. */
  line(): Promise<string>;
  /** Lines that have come and were not asked for. */
  rest(): string[];
  close(): void;
}

/** @throws {Error} with the line's number, where the file does not follow its grammar */
export function parseTranscript(text: string): Transcript {
  const transcript: Transcript = { maildir: 'empty', start: 'preauth', settings: {}, steps: [] };
  text.split('\n').forEach((content, index) => {
    const line = index + 1;
    const [, word = '', rest = ''] = /^(\S+)\s?(.*)$/.exec(content) ?? [];
    const dialogue = /^([CS])(\d?):$/.exec(word);
    if (dialogue) {
      const client = Number(dialogue[2] || 1);
      transcript.steps.push({ kind: dialogue[1] === 'C' ? 'send' : 'expect', client, text: rest, line });
    } else if (word === 'D:') transcript.steps.push({ kind: 'disk', words: rest.split(' '), line });
    else if (word === 'maildir') transcript.maildir = rest.trim();
    else if (word === 'start') transcript.start = rest.trim();
    else if (word === 'setting') {
      const [name = '', ...value] = rest.trim().split(' ');
      transcript.settings[name] = JSON.parse(value.join(' '));
    } else if (word !== '' && !word.startsWith('#') && word !== 'differs:') {
      throw new Error(`line ${line}: ${content}`);
    }
  });
  return transcript;
}

/** How a `C:` line's octets reach the server. */
export type Delivery = 'whole' | 'octets';

/**
 * @param connect  makes connection 1, 2, …; greetings are read here
 * @throws {AssertionError} with the transcript's line number
 */
export async function runTranscript(
  transcript: Transcript,
  directory: string,
  delivery: Delivery,
  connect: (client: number) => Client,
): Promise<void> {
  const clients = new Map<number, Client>();
  const names = new Map<string, string>();
  const get = async (number: number): Promise<Client> => {
    const known = clients.get(number);
    if (known !== undefined) return known;
    const client = connect(number);
    clients.set(number, client);
    await begin(client, transcript.start);
    return client;
  };
  try {
    await get(1);
    for (const step of transcript.steps) {
      if (step.kind === 'disk') {
        changeDisk(directory, step.words, step.line);
        // The kernel has queued the notice; a turn of the event loop reads it.
        await setImmediate();
        await setImmediate();
      }
      if (step.kind === 'send') {
        const text = step.text.replace(/\$[a-z][a-zA-Z0-9]*/g, (name) => names.get(name) ?? name);
        sendLine(await get(step.client), text, delivery);
      }
      if (step.kind === 'expect') {
        const got = await nextLine(await get(step.client), step);
        expectLine(got, step, names);
      }
    }
    for (const [number, client] of clients)
      assert.deepEqual(client.rest(), [], `client ${number} was told more`);
  } finally {
    for (const client of clients.values()) client.close();
  }
}

async function nextLine(client: Client, { line, text }: { line: number; text: string }): Promise<string> {
  try {
    return await client.line();
  } catch (error) {
    throw new assert.AssertionError({
      message: `line ${line}: nothing came, expected: ${text}; ${String(error)}`,
    });
  }
}

/** Reads the greeting, and selects what the transcript starts with. */
export async function begin(client: Client, start: string): Promise<void> {
  if (start === 'login') return;
  await client.line();
  if (!start.startsWith('selected ')) return;
  client.send(Buffer.from(`start SELECT ${start.slice(9)}\r\n`));
  for (let line = ''; !line.startsWith('start '); ) line = await client.line();
}

export function sendLine(client: Client, text: string, delivery: Delivery): void {
  const octets = Buffer.from(`${unescapeOctets(text)}\r\n`, 'latin1');
  if (delivery === 'whole') client.send(octets);
  else for (let i = 0; i < octets.length; i++) client.send(Buffer.from(octets.subarray(i, i + 1)));
}

/** `\xe9` is that octet; text is sent as UTF-8. */
function unescapeOctets(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** `$name` stands for a token; the first time it is bound, then it must be the same. ` …` at the end is anything. */
function expectLine(
  got: string,
  { text, line }: { text: string; line: number },
  names: Map<string, string>,
): void {
  const unbound: string[] = [];
  const isOpen = text.endsWith(' …');
  const pattern = unescapeOctets(isOpen ? text.slice(0, -2) : text)
    .split(/(\$[a-z][a-zA-Z0-9]*)/)
    .map((piece) => {
      if (!/^\$[a-z]/.test(piece)) return escapePattern(piece);
      const bound = names.get(piece);
      if (bound !== undefined) return escapePattern(bound);
      unbound.push(piece);
      return '([^ \\])]+)';
    })
    .join('');
  const match = new RegExp(`^${pattern}${isOpen ? ' .*' : ''}$`, 's').exec(got);
  if (match === null) {
    throw new assert.AssertionError({
      message: `line ${line}`,
      expected: text,
      actual: got,
      operator: 'strictEqual',
    });
  }
  for (const [i, name] of unbound.entries()) names.set(name, match[i + 1]!);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** What another program does to the maildir, or finds there. */
export function changeDisk(directory: string, words: readonly string[], line: number): void {
  const [verb, first = '', second = ''] = words;
  const path = join(directory, first);
  if (verb === 'rename') renameSync(path, join(directory, second));
  else if (verb === 'remove') unlinkSync(path);
  else if (verb === 'folder') {
    for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true });
  } else if (verb === 'keywords') setKeywords(directory, first, words.slice(2));
  else if (verb === 'exists') assert.ok(existsSync(path), `line ${line}: ${first} does not exist`);
  else if (verb === 'absent') assert.ok(!existsSync(path), `line ${line}: ${first} exists`);
  else if (verb === 'contains') {
    assert.ok(readFileSync(path, 'utf8').includes(words.slice(2).join(' ')), `line ${line}: ${first}`);
  } else if (verb === 'deliver') {
    const temporary = join(directory, 'tmp', 'transcript-delivery');
    writeFileSync(temporary, `Subject: ${words.slice(2).join(' ')}\n\nDelivered.\n`);
    renameSync(temporary, path);
  } else throw new Error(`line ${line}: unknown change ${verb}`);
}

/** As Courier sets them: a file named after the message. */
function setKeywords(directory: string, baseName: string, names: readonly string[]): void {
  const temporary = join(directory, 'tmp', 'transcript-keywords');
  writeFileSync(temporary, names.map((name) => `${name}\n`).join(''));
  mkdirSync(join(directory, 'courierimapkeywords'), { recursive: true });
  renameSync(temporary, join(directory, 'courierimapkeywords', baseName));
}
