/** Logs the client in at the back end, in each protocol's words (pop3-proxy-options §6). */
import type { Backend } from './backend.ts';

export interface ProxyLogin {
  readonly user: string;
  readonly password: string;
  /** POP3: the client has said UTF8. */
  readonly utf8: boolean;
  /** IMAP_PROXY_FOREIGN: the client is to learn the back end's capabilities. */
  readonly foreign: boolean;
}

/** The back end does not let the client in; the message is a line for the log. */
export class BackendProblem extends Error {}

/** It has looked at the name and the password. */
export class BackendRefusal extends BackendProblem {}

/**
 * @returns what the client reads in front of the reply to its command
 * @throws {BackendProblem} in particular BackendRefusal
 * @throws {Error} the connection failed
 */
export type Dialogue = (backend: Backend, login: ProxyLogin) => Promise<string>;

/** Untagged lines in front of a reply; a back end that says more is given up. */
const untaggedLines = 100;

/** Codes of RFC 5530 that say nothing against the password. */
const notThePassword = /^\[(UNAVAILABLE|PRIVACYREQUIRED|SERVERBUG|CONTACTADMIN|LIMIT|INUSE)\b/i;

const noGreeting = ({ name }: Backend) => new BackendProblem(`Did not receive greeting from ${name}`);

export const imapDialogue: Dialogue = async (backend, { user, password, foreign }) => {
  if (!/^\* OK\b/i.test(await backend.line())) throw noGreeting(backend);
  if (backend.starttls) {
    backend.send('p0 STARTTLS');
    await tagged(backend, 'p0', `STARTTLS rejected by ${backend.name}`);
    await backend.startTls();
  }
  backend.send(`p1 LOGIN ${quoted(user)} ${quoted(password)}`);
  await tagged(backend, 'p1', `Login to ${backend.name} failed`);
  if (!foreign) return '';
  backend.send('p2 CAPABILITY');
  const untagged = await tagged(backend, 'p2', `CAPABILITY rejected by ${backend.name}`);
  return untagged.map((line) => `${line}\r\n`).join('');
};

/** Reads up to the tagged line, which must be OK. @returns the untagged lines */
async function tagged(backend: Backend, tag: string, failure: string): Promise<string[]> {
  const untagged: string[] = [];
  for (;;) {
    const line = await backend.line();
    if (line.startsWith(`${tag} `)) {
      const [, status = '', text = ''] = /^ *([A-Za-z]*) ?(.*)/.exec(line.slice(tag.length))!;
      if (status.toUpperCase() === 'OK') return untagged;
      const isRefusal = tag === 'p1' && status.toUpperCase() === 'NO' && !notThePassword.test(text);
      throw isRefusal ? new BackendRefusal(failure) : new BackendProblem(`${failure}: ${status} ${text}`);
    }
    if (/^\* bye\b/i.test(line)) throw new BackendProblem(`${failure}: ${line.slice(2)}`);
    untagged.push(line);
    if (untagged.length > untaggedLines) throw new BackendProblem(`${failure}: too many lines`);
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

export const pop3Dialogue: Dialogue = async (backend, { user, password, utf8 }) => {
  if (!(await backend.line()).startsWith('+')) throw noGreeting(backend);
  if (backend.starttls) {
    backend.send('STLS');
    await positive(backend, 'STLS rejected');
    await backend.startTls();
  }
  if (utf8) {
    backend.send('UTF8');
    await positive(backend, 'UTF8 rejected');
  }
  backend.send(`USER ${user}`);
  await accepted(backend, 'Login userid rejected');
  backend.send(`PASS ${password}`);
  await accepted(backend, 'Login password rejected');
  return '';
};

async function positive(backend: Backend, failure: string): Promise<void> {
  if (!(await backend.line()).startsWith('+')) throw new BackendProblem(`${failure} by ${backend.name}`);
}

/** As `positive`, where the answer is about the name or the password (response codes: RFC 3206, RFC 2449). */
async function accepted(backend: Backend, failure: string): Promise<void> {
  const line = await backend.line();
  if (line.startsWith('+')) return;
  if (!line.startsWith('-') || /^-ERR \[(SYS\/|IN-USE|LOGIN-DELAY)/i.test(line))
    throw new BackendProblem(`${failure} by ${backend.name}: ${line}`);
  throw new BackendRefusal(`${failure} by ${backend.name}`);
}

export const smapDialogue: Dialogue = async (backend, { user, password }) => {
  if (!/^\* OK\b/i.test(await backend.line())) throw noGreeting(backend);
  if (backend.starttls) {
    backend.send('\\SMAP1 STARTTLS');
    if (!(await smapReply(backend))) throw new BackendProblem(`STARTTLS rejected by ${backend.name}`);
    await backend.startTls();
  }
  backend.send(`\\SMAP1 LOGIN ${quoted(user)} ${quoted(password)}`);
  if (!(await smapReply(backend))) throw new BackendRefusal(`Login to ${backend.name} failed`);
  return '';
};

/** Whether the answer is positive. */
async function smapReply(backend: Backend): Promise<boolean> {
  for (let lines = 0; lines <= untaggedLines; lines++) {
    const line = await backend.line();
    if (line.startsWith('+')) return true;
    if (line.startsWith('-')) return false;
    if (/^\* bye\b/i.test(line)) throw new BackendProblem(`${backend.name} says ${line.slice(2)}`);
  }
  throw new BackendProblem(`${backend.name}: too many lines`);
}
