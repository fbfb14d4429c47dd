/** Certificates for servers of tests, made by the openssl program. */
import { execFileSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needProgram } from './private-server.ts';

/**
 * Writes `ca.pem`, `ca.key`, and `server.pem`, `server.key` for `localhost`, and `client.pem`, `client.key` for `cn`.
 * @param owner  of the server's files
 */
export function makeCertificates(folder: string, owner?: { uid: number; gid: number }, cn = 'courier'): void {
  const openssl = needProgram(['/usr/bin/openssl'], 'openssl');
  const run = (...args: string[]) => execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority'];
  run('req', '-x509', ...key, '-days', '2', ...authority);
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost\n');
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  for (const [name, subject] of [
    ['server', 'localhost'],
    ['client', cn],
  ]) {
    run('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
    run('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signer);
  }
  if (!owner) return;
  for (const name of ['ca.pem', 'server.pem', 'server.key'])
    chownSync(join(folder, name), owner.uid, owner.gid);
}
