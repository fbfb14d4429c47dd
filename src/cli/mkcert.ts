/** `mkimapdcert`, `mkpop3dcert [FILE without .pem]`: a certificate signed by itself (frontend-tls-ops §5). */
import { X509Certificate } from 'node:crypto';
import { chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Config, findConfigDirectory, loadConfig } from '../config/load.ts';
import { findUser, firstUser, isRoot } from '../supervisor/privileges.ts';
import { type CertificateRequest, parseRequestFile } from '../tls/request-file.ts';
import { type CommandContext, usageExit } from './command.ts';

export async function run({ name, args, environment, stdout, stderr }: CommandContext): Promise<number> {
  if (args.length > 1 || args[0]?.startsWith('-')) {
    stderr(`usage: ${name} [FILE without .pem]\n`);
    return usageExit;
  }
  const config = loadConfig(findConfigDirectory(undefined, environment));
  const protocol = name === 'mkpop3dcert' ? 'pop3d' : 'imapd';
  const path = args[0] === undefined ? certificateFile(config, protocol) : `${args[0]}.pem`;
  if (existsSync(path)) {
    stderr(`${path} already exists.\n`);
    return 1;
  }
  const pem = await makeCertificate(join(config.directory, `${protocol}.cnf`));
  // Created for its owner alone; `wx`, so that nobody's file is ever written over.
  writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
  const owner = mailUser(config);
  if (isRoot() && owner) chownSync(path, owner.uid, owner.gid);
  const { subject, validFrom, validTo, fingerprint256 } = new X509Certificate(pem);
  stdout(`subject=${subject.replaceAll('\n', ', ')}\n`);
  stdout(`notBefore=${validFrom}\nnotAfter=${validTo}\nSHA256 Fingerprint=${fingerprint256}\n`);
  return 0;
}

/** What the server will look for. */
function certificateFile(config: Config, protocol: 'imapd' | 'pop3d'): string {
  const service = protocol === 'imapd' ? (config.imaps ?? config.imap) : (config.pop3s ?? config.pop3);
  return service?.settings.tlsCertFile ?? join(config.directory, `${protocol}.pem`);
}

/** The key is read by the supervisor, but tools that run as the mail user may want it as well. */
export function mailUser(config: Config) {
  const { workerUser } = config.server.settings;
  return workerUser === undefined ? firstUser(['courier', 'daemon', 'adm', 'bin']) : findUser(workerUser);
}

async function makeCertificate(requestFile: string): Promise<string> {
  const host = hostname();
  const usual: CertificateRequest = { subject: [['CN', host]], days: 365 };
  const { subject, days } = existsSync(requestFile)
    ? parseRequestFile(readFileSync(requestFile, 'utf8'))
    : usual;
  const names = subject.filter(([field]) => field === 'CN').map(([, value]) => value);
  const { makeSelfSigned } = await import('../tls/self-signed.ts');
  return makeSelfSigned({ subject, names: names.length > 0 ? names : [host], days, from: new Date() });
}
