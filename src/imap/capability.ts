import type { ImapSessionSettings } from './settings.ts';

/** What of the connection the capabilities depend on. */
export interface CapabilitySituation {
  readonly secure: boolean;
  readonly canStartTls: boolean;
  readonly needsTls: boolean;
  /** A client certificate names the user (TLS_EXTERNAL). */
  readonly external: boolean;
  readonly loggedIn: boolean;
  /** COMPRESS has been given already. */
  readonly compressed: boolean;
}

/** Beyond Courier's: what every client may use whatever the administrator's text says. */
const extensions = [
  'LITERAL+',
  'SASL-IR',
  'UNSELECT',
  'MOVE',
  'MULTIAPPEND',
  'BINARY',
  'ESEARCH',
  'SEARCHRES',
  'WITHIN',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'STATUS=SIZE',
  'PREVIEW',
];

/** No login is offered where TLS has to come first, and no channel binding where there is no channel. */
function isOffered(word: string, { secure, needsTls }: CapabilitySituation): boolean {
  if (!/^AUTH=/i.test(word)) return word !== '';
  return !needsTls && (secure || !/-PLUS$/i.test(word));
}

/** What there is with QUOTA (RFC 9208 §3). */
const quotaExtensions = ['QUOTA=RES-STORAGE', 'QUOTA=RES-MESSAGE', 'QUOTA=RES-MAILBOX', 'QUOTASET'];

/** What has been composed for settings, by situation: every greeting has it. */
const composed = new WeakMap<ImapSessionSettings, Map<number, string>>();

/** The capabilities, composed in Courier's order (imap-server §2), ours behind them. */
export function capabilities(settings: ImapSessionSettings, situation: CapabilitySituation): string {
  const { secure, canStartTls, needsTls, external, loggedIn, compressed } = situation;
  let key = 0;
  for (const isSo of [secure, canStartTls, needsTls, external, loggedIn, compressed])
    key = key * 2 + Number(isSo);
  const known = composed.get(settings) ?? new Map<number, string>();
  composed.set(settings, known);
  const text = known.get(key) ?? compose(settings, situation);
  known.set(key, text);
  return text;
}

function compose(settings: ImapSessionSettings, situation: CapabilitySituation): string {
  const tlsText = situation.secure ? settings.capabilityTls : '';
  const text = tlsText || settings.capability || 'IMAP4rev1';
  const said = text.split(/\s+/).filter((word) => isOffered(word, situation));
  const words = [said.join(' ')];
  if (settings.smapCapability !== '')
    words.push(settings.smapCapability, ...(settings.keywords ? ['KEYWORDS'] : []));
  if (settings.acl) words.push('ACL ACL2=UNION');
  if (settings.idFields !== undefined) words.push('ID');
  if (situation.canStartTls) words.push('STARTTLS');
  if (situation.needsTls) words.push('LOGINDISABLED');
  if (situation.external) words.push('AUTH=EXTERNAL');
  if (settings.outbox !== '') words.push(`XCOURIEROUTBOX=INBOX${settings.outbox}`);
  if (settings.moveExpungeToTrash) words.push('XMAGICTRASH');
  words.push('ENABLE UTF8=ACCEPT');
  const rights = settings.acl ? ['RIGHTS=kxte', 'LIST-MYRIGHTS'] : [];
  const own = [...extensions, ...rights, ...(said.includes('QUOTA') ? quotaExtensions : [])];
  if (said.includes('SORT') && !settings.disableThreadSort) own.push('ESORT');
  if (settings.compress && situation.loggedIn && !situation.compressed) own.push('COMPRESS=DEFLATE');
  const known = new Set(words.join(' ').toUpperCase().split(/\s+/));
  return [...words, ...own.filter((word) => !known.has(word))].join(' ');
}
