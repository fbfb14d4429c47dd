import { MailError } from '../base/mail-error.ts';

/** The code of a failed system call, e.g. `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a failed system call means to a client; errors that are no system call's pass unchanged. */
export function asMailError(error: unknown, what: string): unknown {
  if (error instanceof MailError) return error;
  const code = errorCode(error);
  if (code === undefined || code.startsWith('ERR_')) return error;
  const text = `${what}: ${code}`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new MailError('overQuota', text, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new MailError('noPermission', text, { cause: error });
  if (code === 'EFBIG') return new MailError('tooBig', text, { cause: error });
  return new MailError('unavailable', text, { cause: error });
}
