import { MailError } from '../base/mail-error.ts';
import { flag } from '../store/flags.ts';

/** Letters of RFC 4314, sorted, with Courier's `c` for `k`: `aceilrstwx`. */
export type Rights = string;

export const allRights: Rights = 'aceilrstwx';

/** What Courier answers as `Access denied for <command> on <mailbox> (ACL "<right>" required)`. */
export class AccessDenied extends MailError {
  /** Canonical name of the mailbox whose ACL was asked. */
  readonly mailbox: string;
  readonly right: string;

  constructor(mailbox: string, right: string) {
    super('noPermission', `right ${right} on ${mailbox} is required`);
    this.name = 'AccessDenied';
    this.mailbox = mailbox;
    this.right = right;
  }
}

/** @throws {AccessDenied} */
export function requireRight(rights: Rights, right: string, mailbox: string): void {
  if (!rights.includes(right)) throw new AccessDenied(mailbox, right);
}

/** Whether any right to change messages is there; without one a mailbox opens read-only. */
export function mayChange(rights: Rights): boolean {
  return /[eistw]/.test(rights);
}

/** The flag bits that may be set and cleared: s \Seen, t \Deleted, w the others. */
export function changeableFlags(rights: Rights): number {
  return (
    (rights.includes('s') ? flag.seen : 0) |
    (rights.includes('t') ? flag.deleted : 0) |
    (rights.includes('w') ? flag.draft | flag.flagged | flag.answered : 0)
  );
}
