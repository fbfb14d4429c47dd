import type { OpenMailbox } from '../../access/open-mailbox.ts';
import { MailError } from '../../base/mail-error.ts';
import { parseDate } from '../../message/date.ts';
import type { Append } from '../../store/append.ts';
import { quoteWord, readUpload, type Upload } from '../framing.ts';
import { folderName, pathWords, requireOn } from '../path.ts';
import { readFlags, readKeywords } from '../properties.ts';
import { Refused } from '../refused.ts';
import { type Sent, send } from '../sending.ts';
import type { SmapSession } from '../session.ts';
import { receive } from '../upload.ts';

/** What ADD commands have said of the message to come. */
export interface Draft {
  folder: string | undefined;
  flags: number;
  keywords: readonly string[];
  dateSeconds: number | undefined;
  sender: string | undefined;
  recipients: string[];
  notify: string | undefined;
}

/** Recipients of one message. */
const mostRecipients = 1000;

/** ADD (smap §5.8): says where a message goes and what it is; the last one brings it. */
export async function add(session: SmapSession, words: readonly string[]): Promise<string> {
  session.draft ??= emptyDraft();
  const { draft } = session;
  let said = 'So far, so good...';
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const upload = readUpload(word);
    if (upload) {
      said = await take(session, draft, upload);
      session.draft = undefined;
      return said;
    }
    if (word.toUpperCase() === 'FOLDER') {
      const path = pathWords(words.slice(at + 1));
      draft.folder = targetName(session, path);
      at += path.length + 1;
      said = 'Will add to this folder';
    } else said = readWord(session, draft, word) ?? said;
  }
  return said;
}

/** RSET: whatever ADD has collected is dropped, as any other command does. */
export function reset(): string {
  return 'Reset';
}

function emptyDraft(): Draft {
  return {
    folder: undefined,
    flags: 0,
    keywords: [],
    dateSeconds: undefined,
    sender: undefined,
    recipients: [],
    notify: undefined,
  };
}

function targetName({ mailboxes }: SmapSession, path: readonly string[]): string {
  try {
    const name = folderName(path);
    requireOn(mailboxes, name, 'i');
    return name;
  } catch (error) {
    if (error instanceof MailError && error.kind === 'invalidName')
      throw new Refused('Invalid folder: Invalid argument');
    throw error;
  }
}

/** @returns undefined: nobody knows the word */
function readWord(session: SmapSession, draft: Draft, word: string): string | undefined {
  const [, name = '', value = ''] = /^([A-Z]+)=(.*)$/is.exec(word) ?? [];
  switch (name.toUpperCase()) {
    case 'MAILFROM':
      draft.sender = value === '' ? '' : checkAddress(value);
      return 'MAIL FROM set';
    case 'RCPTTO':
      if (draft.recipients.length >= mostRecipients) throw new Refused('Too many recipients.');
      draft.recipients.push(checkAddress(value));
      return 'RCPT TO set';
    case 'NOTIFY':
      if (!/^(?:never|(?:success|delay|fail|failure)(?:,(?:success|delay|fail|failure))*)$/i.test(value))
        throw new Refused('Invalid argument');
      draft.notify = value.toLowerCase();
      return 'NOTIFY set';
    case 'FLAGS':
      draft.flags = readFlags(value);
      return 'FLAGS set';
    case 'KEYWORDS':
      draft.keywords = session.settings.keywords ? readKeywords(value) : [];
      return 'KEYWORDS set';
    case 'INTERNALDATE':
      draft.dateSeconds = parseDate(value)?.epochSeconds;
      return 'INTERNALDATE set';
    default:
      return undefined;
  }
}

/** An address becomes an argument of the mailer: it must not look like an option, or like several. */
function checkAddress(address: string): string {
  if (/^-|[\s\p{Cc}<>]/u.test(address) || address === '' || address.length > 320)
    throw new Refused('Invalid address.');
  return address;
}

/** Takes the message; then there must be room for it, it is sent, and stored, in this order. */
async function take(session: SmapSession, draft: Draft, upload: Upload): Promise<string> {
  const { mailboxes } = session;
  if (draft.folder === undefined && draft.recipients.length === 0)
    throw new Refused('Neither a folder nor a recipient for the message.');
  const mailbox = draft.folder === undefined ? undefined : await mailboxes.open(draft.folder, 'i');
  const folder = mailbox?.folder ?? (await mailboxes.account.openFolder('INBOX'));
  const append = await folder.startAppend();
  try {
    await fill(session, draft, upload, append);
    await mailbox?.requireRoom([append]);
    const sent = draft.recipients.length > 0 ? await send(session, append, draft) : undefined;
    if (mailbox) await keep(session, mailbox, append, sent);
    if (!session.ended) sent?.entry.forget();
    const refused = sent && sent.refused.length > 0 ? `, but not sent to ${sent.refused.join('; ')}` : '';
    return `Message saved${refused}`;
  } finally {
    append.abort();
    folder.close();
  }
}

async function fill(session: SmapSession, draft: Draft, upload: Upload, append: Append): Promise<void> {
  append.flags = draft.flags;
  append.keywords = draft.keywords;
  append.dateSeconds = draft.dateSeconds;
  session.output.line('> Go ahead');
  await receive(session, upload, (octets) => append.write(octets));
  if (append.sizeOctets === 0) await append.write(Buffer.from('\n'));
}

async function keep(
  session: SmapSession,
  mailbox: OpenMailbox,
  append: Append,
  sent: Sent | undefined,
): Promise<void> {
  const { folder } = mailbox;
  try {
    const { uids } = await mailbox.commitAppends([append]);
    session.output.line(`* ADD ${quoteWord(`UID=${folder.baseName(folder.rowOf(uids[0]!))}`)}`);
  } catch (error) {
    if (sent === undefined) throw error;
    session.services.log.error(`smap ADD: sent, and not stored: ${String(error)}`);
    throw new Refused(
      'The message has been sent, but it could not be stored. Add it again: it is not sent twice.',
    );
  }
}
