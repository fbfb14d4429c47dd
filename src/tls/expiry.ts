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
  return certificateEnds(files, isServerFile).flatMap(([path, ends]) => {
    const days = Math.floor((ends - nowMs) / dayMs);
    if (days < 0) return [`${path}: the certificate has expired`];
    return days < noticeDays ? [`${path}: the certificate expires in ${days} days`] : [];
  });
}

/** When the certificate of each of these files ends, in ms; files without one are left out. */
export function certificateEnds(
  files: CertificateFiles,
  isServerFile: (path: string) => boolean,
): [path: string, endsMs: number][] {
  return [...files].flatMap(([path, pem]): [string, number][] => {
    if (!isServerFile(path) || !pem.includes('-----BEGIN CERTIFICATE-----')) return [];
    const ends = endOf(pem);
    return ends === undefined ? [] : [[path, ends]];
  });
}

/** The first certificate of a file is the server's; undefined: it cannot be read, which its use will tell. */
function endOf(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
