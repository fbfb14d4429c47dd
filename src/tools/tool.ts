import { hostname } from 'node:os';
import { silentLog } from '../base/log.ts';
import type { StoreSettings } from '../store/settings.ts';

/** Where a tool's words go; the whole text of a line each time, its newline included. */
export interface ToolOutput {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** How tools work with maildirs, whatever the server's settings are. */
export function toolStoreSettings(): StoreSettings {
  return {
    durable: false,
    keywords: 2,
    useLocks: true,
    hostname: hostname(),
    log: silentLog,
    watch: false,
  };
}

/** The words of strerror(3) for the codes that maildirs meet; other codes as they are. */
export function errorText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  return texts[code] ?? code;
}

const texts: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
};
