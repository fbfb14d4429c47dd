/**
 * A login that did not succeed, told apart: `rejected` is the user's fault, `temporary` is ours (a database is
 * down, a file unreadable), so that mail clients keep the saved password.
 */
export class AuthError extends Error {
  readonly kind: 'rejected' | 'temporary';

  constructor(kind: 'rejected' | 'temporary', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuthError';
    this.kind = kind;
  }
}

/** What a thrown value says, for a log line. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorText(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}
