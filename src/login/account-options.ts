import { type AccountRecord, optionIsSet } from '../auth/account-record.ts';

/** Why an account may not log in by a protocol although its password is right. */
export interface Forbidden {
  /** In Courier's words, for the client. */
  readonly reason: string;
  /** It may, over TLS. */
  readonly needsTls: boolean;
}

const names = {
  imap: { protocol: 'IMAP', never: 'disableimap', clear: 'disableinsecureimap' },
  pop3: { protocol: 'POP3', never: 'disablepop3', clear: 'disableinsecurepop3' },
} as const;

/**
 * Asks the options that forbid a protocol, before anything of the mailbox is touched (pop3-proxy-options §7).
 * @param service  `imap` stands for SMAP1 too
 */
export function forbiddenByOptions(
  { options }: AccountRecord,
  service: 'imap' | 'pop3',
  secure: boolean,
): Forbidden | undefined {
  const { protocol, never, clear } = names[service];
  if (optionIsSet(options, never))
    return { reason: `${protocol} access disabled for this account.`, needsTls: false };
  if (!secure && optionIsSet(options, clear))
    return { reason: `${protocol} access disabled via insecure connection.`, needsTls: true };
  return undefined;
}
