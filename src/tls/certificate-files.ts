/**
 * The files of certificates and keys, read by the process that may read them and handed to those that use them.
 *
 * Beside TLS_CERTFILE lie `TLS_CERTFILE.<name or address>`; all of them are read, so that the choice by SNI
 * needs no disk. A change is noticed by comparing stamps (size, times, inode of what links point to).
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TlsSettings } from './settings.ts';

/** Path -> content, for every readable file that the settings name. */
export type CertificateFiles = ReadonlyMap<string, string>;

const maxFileOctets = 4 << 20;

/** Every path the settings name that exists now: with suffixes, and the files of a trust directory. */
export function certificatePaths(settings: readonly TlsSettings[]): string[] {
  const paths = new Set<string>();
  for (const { certFile, privateKeyFile, trustCerts } of settings) {
    for (const path of withSuffixes(certFile)) paths.add(path);
    if (privateKeyFile !== undefined) for (const path of withSuffixes(privateKeyFile)) paths.add(path);
    if (trustCerts !== undefined) for (const path of trustPaths(trustCerts)) paths.add(path);
  }
  return [...paths];
}

/** Files of a directory, or the file itself. */
export function trustPaths(trustCerts: string): string[] {
  if (!statSync(trustCerts, { throwIfNoEntry: false })?.isDirectory()) return [trustCerts];
  return entries(trustCerts).map((name) => join(trustCerts, name));
}

/** Reads what can be read; a missing or unreadable file is left out and is missed where it is needed. */
export function readCertificateFiles(settings: readonly TlsSettings[]): CertificateFiles {
  const files = new Map<string, string>();
  for (const path of certificatePaths(settings)) {
    try {
      const { size } = statSync(path);
      if (size <= maxFileOctets) files.set(path, readFileSync(path, 'latin1'));
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }
  return files;
}

/** Changes when any of the files does, appears or goes. */
export function certificateStamp(settings: readonly TlsSettings[]): string {
  return certificatePaths(settings)
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
      return stat ? `${path}:${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : path;
    })
    .join('\n');
}

function withSuffixes(file: string): string[] {
  const prefix = `${basename(file)}.`;
  const beside = entries(dirname(file)).filter((name) => name.startsWith(prefix));
  return [file, ...beside.map((name) => join(dirname(file), name))];
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isFileError(error)) return [];
    throw error;
  }
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
