import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { makeSelfSigned } from '../tls/self-signed.ts';
import { checkProxyFiles, proxySettings } from './proxy-settings.ts';

test('PROXY_TLS_TRUSTCERTS must be certificates where the proxy is on', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'postrider-proxy-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const pem = join(directory, 'authority.pem');
  const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
  write('authdaemonrc', '');
  write('postrider', `PROXY_TIMEOUT=7\nPROXY_TLS=implicit\nPROXY_TLS_TRUSTCERTS=${pem}\n`);
  for (const [proxy, content, errors] of [
    ['0', undefined, 0],
    ['1', undefined, 1],
    ['1', 'no certificate', 1],
    ['1', await makeSelfSigned({ subject: [['CN', 'x']], names: ['x'], days: 2, from: new Date() }), 0],
  ] as const) {
    write('imapd', `IMAP_PROXY=${proxy}\nIMAP_PROXY_FOREIGN=1\nPROXY_HOSTNAME=mx.example\n`);
    if (content !== undefined) write('authority.pem', content);
    const config = loadConfig(directory);
    assert.deepEqual(config.errors, []);
    const found = checkProxyFiles(config);
    assert.equal(found.length, errors);
    if (errors > 0) assert.deepEqual([found[0]!.file, found[0]!.line], [join(directory, 'postrider'), 3]);
  }
  const { ownNames, foreign, backend } = proxySettings(loadConfig(directory).imap!.settings);
  assert.equal(ownNames[0], 'mx.example');
  assert.equal(foreign, true);
  assert.match(backend.trusted!, /BEGIN CERTIFICATE/);
  assert.deepEqual(
    { ...backend, trusted: '' },
    {
      tls: 'implicit',
      trusted: '',
      sendProxyHeader: false,
      timeoutMs: 7000,
    },
  );
});
