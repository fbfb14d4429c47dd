import { X509Certificate } from 'node:crypto';
import type { CertificateFiles } from './certificate-files.ts';

const dayMs = 86_400_000;
/** Long enough before the end to renew by hand. */
const noticeDays = 14;

/**
 * What to say about certificates that have ended or soon will.
 * @param isServerFile  which files hold the server's own certificates
 */
export function expiryWarnings(
  files: CertificateFiles,
  isServerFile: (path: string) => boolean,
  nowMs: number,
): string[] {
  const warnings: string[] = [];
  for (const [path, pem] of files) {
    if (!isServerFile(path) || !pem.includes('-----BEGIN CERTIFICATE-----')) continue;
    const ends = endOf(pem);
    if (ends === undefined) continue;
    const days = Math.floor((ends - nowMs) / dayMs);
    if (days < 0) warnings.push(`${path}: the certificate has expired`);
    else if (days < noticeDays) warnings.push(`${path}: the certificate expires in ${days} days`);
  }
  return warnings;
}

/** The first certificate of a file is the server's; undefined: it cannot be read, which its use will tell. */
function endOf(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
