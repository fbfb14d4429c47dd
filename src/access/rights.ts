import { MailError } from '../base/mail-error.ts';
import { flag } from '../store/flags.ts';

/** Letters of RFC 4314, sorted, with Courier's `c` for `k`: `aceilrstwx`. */
export type Rights = string;

export const allRights: Rights = 'aceilrstwx';

/**
 * The right that each action needs (quota-acl-shared §2.7). `Mailboxes` and `OpenMailbox` ask for it, whatever the
 * protocol; names have been decoded then.
 */
export const needed = {
  /** A folder without it is not listed. */
  list: 'l',
  select: 'r',
  /** APPEND; the target of COPY and MOVE. */
  insert: 'i',
  /** CREATE; the new name of RENAME: on the folder above. */
  createBelow: 'c',
  /** DELETE; the old name of RENAME. */
  remove: 'x',
  expunge: 'e',
  /** MOVE takes messages away as if they were marked and expunged. */
  markDeleted: 't',
  markSeen: 's',
  markOther: 'w',
  /** To read and change the list. */
  administer: 'a',
} as const;

/** One of these is enough to be told one's rights. */
export function mayKnowRights(rights: Rights): boolean {
  return /[lricxea]/.test(rights);
}

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
    (rights.includes(needed.markSeen) ? flag.seen : 0) |
    (rights.includes(needed.markDeleted) ? flag.deleted : 0) |
    (rights.includes(needed.markOther) ? flag.draft | flag.flagged | flag.answered : 0)
  );
}
