/**
 * `mkdhparams`: Diffie-Hellman parameters in `$TLS_DHPARAMS` (frontend-tls-ops §5). The server does not need them;
 * other programs may. They are the well-known groups of RFC 3526, which nobody has to take hours to compute.
 */
import { getDiffieHellman } from 'node:crypto';
import { chownSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findConfigDirectory, loadConfig } from '../config/load.ts';
import { isRoot } from '../supervisor/privileges.ts';
import { type CommandContext, usageExit } from './command.ts';
import { mailUser } from './mkcert.ts';

const freshMs = 25 * 86_400_000;

const groups: Readonly<Record<string, string>> = { 2048: 'modp14', 3072: 'modp15', 4096: 'modp16' };

export function run({ environment, stderr }: CommandContext): number {
  const config = loadConfig(findConfigDirectory(undefined, environment));
  const configured = (config.imaps ?? config.imap ?? config.pop3s ?? config.pop3)?.settings.tlsDhParams;
  const path = environment['TLS_DHPARAMS'] || configured || join(config.directory, 'dhparams.pem');
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age < freshMs) return 0;
  const group = groups[environment['DH_BITS'] || '2048'];
  if (group === undefined) {
    stderr(`DH_BITS may be ${Object.keys(groups).join(', ')}\n`);
    return usageExit;
  }
  writeFileSync(`${path}.tmp`, parameters(group), { mode: 0o600 });
  const owner = mailUser(config);
  if (isRoot() && owner) chownSync(`${path}.tmp`, owner.uid, owner.gid);
  renameSync(`${path}.tmp`, path);
  return 0;
}

/** PKCS #3: a sequence of the prime and the generator. */
function parameters(group: string): string {
  const pair = getDiffieHellman(group);
  const body = Buffer.concat([integer(pair.getPrime()), integer(pair.getGenerator())]);
  const der = Buffer.concat([Buffer.from([0x30]), length(body.length), body]);
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN DH PARAMETERS-----\n${lines.join('\n')}\n-----END DH PARAMETERS-----\n`;
}

/** Positive: a leading one bit needs an octet in front. */
function integer(value: Buffer): Buffer {
  const octets = value[0]! > 127 ? Buffer.concat([Buffer.alloc(1), value]) : value;
  return Buffer.concat([Buffer.from([2]), length(octets.length), octets]);
}

function length(octets: number): Buffer {
  return octets < 128 ? Buffer.from([octets]) : Buffer.from([0x82, octets >> 8, octets & 255]);
}
