import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { demoPorts, prepareDemo } from './demo-state.ts';
import { serverSettings } from './server-settings.ts';

test('the demo serves IMAP and POP3, plain and with TLS, on this machine only', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'postrider-demo-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const config = loadConfig(await prepareDemo(directory));
  assert.deepEqual(config.errors, []);
  const { services } = serverSettings(config, { authCommand: [] });
  assert.deepEqual(
    services.map(({ name, endpoints, tls }) => [name, endpoints, tls !== undefined]),
    [
      ['imap', [{ address: '127.0.0.1', port: demoPorts.plain }], true],
      ['imaps', [{ address: '127.0.0.1', port: demoPorts.tls }], true],
      ['pop3', [{ address: '127.0.0.1', port: demoPorts.pop3 }], true],
      ['pop3s', [{ address: '127.0.0.1', port: demoPorts.pop3s }], true],
    ],
  );
});
