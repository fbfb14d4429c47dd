/** What can go wrong with mail, in words of no protocol; each protocol maps every kind in its `errors.ts`. */
export type MailErrorKind =
  | 'notFound'
  | 'exists'
  | 'noPermission'
  | 'readOnly'
  | 'overQuota'
  | 'inUse'
  | 'expunged'
  | 'tooBig'
  | 'invalidName'
  | 'cannot'
  | 'unavailable';

/**
 * A request about mail that cannot be fulfilled and that the client is told of.
 * Anything else that is thrown is a bug or a broken disk, and is logged with its stack.
 */
export class MailError extends Error {
  readonly kind: MailErrorKind;

  constructor(kind: MailErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MailError';
    this.kind = kind;
  }
}
