import { MailError } from '../../base/mail-error.ts';
import { flag } from '../../store/flags.ts';
import { decodeFolderWord } from '../../store/names.ts';
import { Slice } from '../../store/slices.ts';
import { quoteWord } from '../framing.ts';
import { octetsOf } from '../output.ts';
import { folderName, pathWords, publicRoot, requireOn } from '../path.ts';
import type { SmapSession } from '../session.ts';

/** LIST: the top, or what is directly below a folder (smap §5.1). */
export async function list(session: SmapSession, words: readonly string[]): Promise<string> {
  const { output } = session;
  if (pathWords(words).length === 0) {
    output.line('* LIST "INBOX" "New Mail" FOLDER');
    output.line('* LIST "INBOX" "Folders" DIRECTORY');
    output.line('* LIST "public" "Public Folders" DIRECTORY');
    return 'LIST completed';
  }
  for (const { word, isFolder, isDirectory } of await children(session, words)) {
    const quoted = octetsOf(quoteWord(word));
    output.line(`* LIST ${quoted} ${quoted}${isFolder ? ' FOLDER' : ''}${isDirectory ? ' DIRECTORY' : ''}`);
  }
  return 'LIST completed';
}

interface Child {
  readonly word: string;
  readonly isFolder: boolean;
  readonly isDirectory: boolean;
}

/** What is below a folder that may not exist. */
async function children({ mailboxes }: SmapSession, words: readonly string[]): Promise<Child[]> {
  const [top] = words;
  if (top !== 'INBOX' && top !== 'public') return [];
  const parent = mailboxes.sharedSpelling(folderName(words));
  // A name may hold what is a wildcard in patterns: more is asked for, and the rest left out.
  const pattern = `${parent.replace(/[*%]/g, '%')}.%`;
  const found = await mailboxes.list('', [pattern]).catch((error: unknown) => {
    if (error instanceof MailError) return [];
    throw error;
  });
  return (
    found
      .filter(({ name }) => name.startsWith(`${parent}.`))
      .map(({ name, selectable, hasChildren }) => ({
        word: decodeFolderWord(name.slice(parent.length + 1)),
        isFolder: selectable,
        isDirectory: hasChildren === true,
      }))
      // Such a name cannot be written, and would be read as lines of ours.
      .filter(({ word }) => !/\p{Cc}/u.test(word))
  );
}

/** STATUS: of the open folder what the session knows, else what is on the disk (smap §5.1). */
export async function status(session: SmapSession, words: readonly string[]): Promise<string> {
  const { mailboxes, open, output } = session;
  const name = folderName(words.slice(1));
  if (name === publicRoot) throw new MailError('invalidName', 'no folder');
  requireOn(mailboxes, name, 'l');
  const isOpen = open?.mailbox.name === mailboxes.resolve(name).name;
  const { messages, unseen } = isOpen ? await statusOfOpen(open) : await mailboxes.status(name, 'l');
  output.line(`* STATUS EXISTS=${messages} UNSEEN=${unseen}`);
  return 'Folder status retrieved';
}

async function statusOfOpen({
  view,
}: NonNullable<SmapSession['open']>): Promise<{ messages: number; unseen: number }> {
  const { folder, count } = view;
  const slice = new Slice();
  let unseen = 0;
  for (let index = 0; index < count; index++) {
    const row = view.rowAt(index);
    const flags = row < 0 ? view.removed(index).flags : folder.flags[row]!;
    if ((flags & flag.seen) === 0) unseen++;
    if (slice.isOver()) await slice.next();
  }
  return { messages: count, unseen };
}
