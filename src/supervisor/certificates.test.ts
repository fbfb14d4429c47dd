import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { makeSelfSigned } from '../tls/self-signed.ts';
import type { TlsSettings } from '../tls/settings.ts';
import type { TlsMaterial } from '../tls/tls-side.ts';
import { Certificates } from './certificates.ts';

const scratch = mkdtempSync(join(tmpdir(), 'certificates-'));
after(() => rmSync(scratch, { recursive: true }));

const dayMs = 86_400_000;

test('what changes is given out: files within a second, ticket keys twice a day, a warning each day', async (t) => {
  t.after(() => mock.timers.reset());
  const certFile = join(scratch, 'a.pem');
  const settings = [{ certFile } as TlsSettings];
  const pem = await makeSelfSigned({ subject: [['CN', 'a']], names: ['a'], days: 10, from: new Date(0) });
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: dayMs });
  const given: TlsMaterial[] = [];
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (line: string) => void warnings.push(line) };
  const certificates = new Certificates(
    () => settings,
    (material) => given.push(material),
    log,
  );
  certificates.start();
  assert.equal(given.length, 1);
  writeFileSync(certFile, pem);
  writeFileSync(`${certFile}.mail.example`, pem);
  mock.timers.tick(1_000);
  assert.deepEqual([...given[1]!.files.keys()], [certFile, `${certFile}.mail.example`]);
  assert.equal(given[1]!.ticketKeys, given[0]!.ticketKeys);
  assert.deepEqual(warnings[0], `${certFile}: the certificate expires in 8 days`);
  mock.timers.tick(dayMs / 2);
  assert.equal(given.length, 3);
  assert.notDeepEqual(given[2]!.ticketKeys, given[1]!.ticketKeys);
  assert.equal(given[2]!.files, given[1]!.files);
  mock.timers.tick(dayMs / 2);
  assert.ok(warnings.includes(`${certFile}: the certificate expires in 7 days`));
  assert.ok(certificates.isServerFile(`${certFile}.mail.example`));
  assert.ok(!certificates.isServerFile(join(scratch, 'b.pem')));
  certificates.stop();
  mock.timers.tick(dayMs);
  assert.equal(given.length, 4);
});
