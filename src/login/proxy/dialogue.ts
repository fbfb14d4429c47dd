/** Logs the client in at the back end, in each protocol's words (pop3-proxy-options §6). */
import type { Backend } from './backend.ts';

export interface ProxyLogin {
  readonly user: string;
  readonly password: string;
  /** IMAP: the tag of the client's login command. */
  readonly tag: string;
  /** POP3: the client has said UTF8. */
  readonly utf8: boolean;
  /** IMAP_PROXY_FOREIGN: the client is to learn the back end's capabilities. */
  readonly foreign: boolean;
}

/** @returns what the client reads. @throws {Error} the back end does not let the client in; the message says where */
export type Dialogue = (backend: Backend, login: ProxyLogin) => Promise<string>;

export const imapDialogue: Dialogue = async (backend, { user, password, tag, foreign }) => {
  if (!/^\* OK\b/i.test(await backend.line())) throw new Error('Did not receive greeting');
  if (backend.starttls) {
    backend.send('starttls STARTTLS');
    await tagged(backend, 'starttls', 'STARTTLS rejected');
    await backend.startTls();
  }
  backend.send(`${tag} LOGIN ${quoted(user)} ${quoted(password)}`);
  await tagged(backend, tag, 'Login failed');
  if (!foreign) return `${tag} OK connected to proxy server.\r\n`;
  backend.send(`${tag} CAPABILITY`);
  const capabilities = await tagged(backend, tag, 'CAPABILITY rejected');
  return `${capabilities.map((line) => `${line}\r\n`).join('')}${tag} OK connected to proxy server.\r\n`;
};

/** Reads up to the tagged line, which must be OK. @returns the untagged lines */
async function tagged(backend: Backend, tag: string, failure: string): Promise<string[]> {
  const untagged: string[] = [];
  for (;;) {
    const line = await backend.line();
    if (line.startsWith(`${tag} `)) {
      if (/^ok\b/i.test(line.slice(tag.length + 1))) return untagged;
      throw new Error(failure);
    }
    if (/^\* bye\b/i.test(line)) throw new Error(`${failure}: ${line.slice(2)}`);
    untagged.push(line);
    if (untagged.length > 100) throw new Error(`${failure}: too many lines`);
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

export const pop3Dialogue: Dialogue = async (backend, { user, password, utf8 }) => {
  await positive(backend, 'Did not receive greeting');
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
  await positive(backend, 'Login userid rejected');
  backend.send(`PASS ${password}`);
  await positive(backend, 'Login password rejected');
  return '+OK Connected to proxy server.\r\n';
};

export const smapDialogue: Dialogue = async (backend, { user, password }) => {
  await backend.line();
  backend.send(`\\SMAP1 LOGIN ${quoted(user)} ${quoted(password)}`);
  for (;;) {
    const line = await backend.line();
    if (line.startsWith('+')) return '+OK connected to proxy server.\n';
    if (line.startsWith('-')) throw new Error('Login failed');
  }
};

async function positive(backend: Backend, failure: string): Promise<void> {
  if (!(await backend.line()).startsWith('+')) throw new Error(failure);
}
