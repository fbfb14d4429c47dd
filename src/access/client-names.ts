/**
 * The names a client writes and the canonical ones. With the prefix `INBOX.` they are the same but for the case of
 * INBOX. With the prefix '' folders are written `Sent` for INBOX.Sent, and clients that still say `INBOX.Sent` get the
 * same folder.
 */
import { MailError } from '../base/mail-error.ts';
import { canonicalInbox, isFolderName } from '../store/names.ts';

export type Prefix = 'INBOX.' | '';

/** @throws {MailError} invalidName */
export function toCanonical(name: string, prefix: Prefix): string {
  const spelt = canonicalInbox(name);
  const canonical = prefix === '' && !/^INBOX(?:\.|$)/.test(spelt) ? `INBOX.${spelt}` : spelt;
  if (!isFolderName(canonical)) throw new MailError('invalidName', 'Invalid mailbox name.');
  return canonical;
}

export function toClient(canonical: string, prefix: Prefix): string {
  if (prefix === 'INBOX.' || !canonical.startsWith('INBOX.')) return canonical;
  // A folder that is itself called INBOX, or as a namespace is, keeps the long spelling.
  return /^INBOX\.(?:inbox|#?shared)(?:\.|$)/i.test(canonical) ? canonical : canonical.slice(6);
}
