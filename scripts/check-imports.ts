/** Fails when a module imports sideways or upwards: the table is ARCHITECTURE.md's. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const allowed: Record<string, readonly string[]> = {
  base: [],
  config: ['base'],
  metrics: ['base'],
  message: ['base'],
  store: ['base', 'config', 'metrics', 'message'],
  access: ['base', 'config', 'metrics', 'message', 'store'],
  search: ['base', 'config', 'metrics', 'message', 'store'],
  outbox: ['base', 'config', 'metrics', 'message'],
  net: ['base', 'config', 'metrics'],
  tls: ['base', 'config', 'metrics', 'net'],
  auth: ['base', 'config', 'metrics', 'net'],
  login: ['base', 'config', 'metrics', 'net', 'tls', 'auth'],
  imap: ['base', 'config', 'metrics', 'message', 'store', 'access', 'search', 'outbox', 'net', 'login'],
  pop3: ['base', 'config', 'metrics', 'message', 'store', 'access', 'outbox', 'net', 'login'],
  smap: ['base', 'config', 'metrics', 'message', 'store', 'access', 'search', 'outbox', 'net', 'login'],
  tools: ['base', 'config', 'message', 'store', 'access', 'auth', 'tls'],
  supervisor: [
    'base',
    'config',
    'metrics',
    'net',
    'tls',
    'login',
    'auth',
    'imap',
    'pop3',
    'smap',
    'access',
    'store',
  ],
};

/** Plain values that processes and protocols hand to each other. */
const everywhere = ['auth/account-record.ts'];

const root = resolve(import.meta.dirname, '../src');
let failures = 0;
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  const from = relative(root, file).split('/')[0]!;
  if (from === 'cli' || file.endsWith('.test.ts')) continue;
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)) {
    const path = relative(root, resolve(dirname(file), target!));
    const to = path.split('/')[0]!;
    if (to === from || allowed[from]?.includes(to) || everywhere.includes(path)) continue;
    console.error(`${relative(root, file)} imports ${target}: ${from} may not use ${to}`);
    failures++;
  }
}
process.exit(failures === 0 ? 0 : 1);
