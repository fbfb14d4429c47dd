/** Certificates of authorities, for TLS to back ends. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';

/** The certificates in a directory, as `c_rehash` leaves them. @throws {Error} there is none */
export function readAuthorities(directory: string): string[] {
  const files = readdirSync(directory).filter((name) => /\.(?:pem|crt|\d+)$/.test(name));
  const authorities = new Set(files.map((name) => readFileSync(join(directory, name), 'latin1')));
  if (authorities.size === 0) throw new Error(`no certificates in ${directory}`);
  return [...authorities];
}

/** Those of the runtime and those that the system's administrator has installed, which libraries in C would take. */
export function usualAuthorities(): string[] {
  return [...new Set([...getCACertificates('bundled'), ...getCACertificates('system')])];
}
