import type { Mailboxes } from '../access/mailboxes.ts';
import type { OpenMailbox } from '../access/open-mailbox.ts';
import type { AccountRecord } from '../auth/account-record.ts';
import type { View } from './view.ts';

export interface NotAuthenticated {
  readonly kind: 'notAuthenticated';
}

export interface Authenticated {
  readonly kind: 'authenticated';
  readonly account: AccountRecord;
  readonly mailboxes: Mailboxes;
}

export interface Selected {
  readonly kind: 'selected';
  readonly account: AccountRecord;
  readonly mailboxes: Mailboxes;
  readonly mailbox: OpenMailbox;
  readonly view: View;
  /** UIDs of the last SEARCH RETURN (SAVE), RFC 5182. */
  savedResult: Uint32Array;
}

export interface LoggedOut {
  readonly kind: 'logout';
}

/** RFC 9051 §3; no command can touch a view before SELECT. */
export type SessionState = NotAuthenticated | Authenticated | Selected | LoggedOut;
