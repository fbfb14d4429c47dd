/** Delivers the demo's messages into a new Maildir++, as a delivery agent would. */
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoMessage, demoFolders } from './messages.ts';

/** Who the files are to belong to, when somebody else makes them. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Makes the maildir with all its folders and messages; it appears under its name when it is complete. */
export function writeMaildir(
  maildir: string,
  messages: readonly DemoMessage[],
  owner: FileOwner | undefined,
): void {
  if (existsSync(maildir)) return;
  const draft = `${maildir}.new`;
  rmSync(draft, { recursive: true, force: true });
  makeDirectories(draft, owner);
  for (const folder of demoFolders) {
    makeDirectories(folderPath(draft, folder), owner);
    write(join(folderPath(draft, folder), 'maildirfolder'), '', owner);
  }
  messages.forEach((message, i) => {
    const seconds = message.date.getTime() / 1000;
    const name = `${seconds}.M${String(i).padStart(6, '0')}P1.demo,S=${message.text.length}`;
    const fresh = message.flags === '' && i % 3 === 0;
    const path = join(
      folderPath(draft, message.folder),
      fresh ? 'new' : 'cur',
      fresh ? name : `${name}:2,${message.flags}`,
    );
    write(path, message.text, owner);
    utimesSync(path, seconds, seconds);
  });
  const subscribed = ['INBOX', ...demoFolders.map((folder) => `INBOX.${folder}`)];
  write(
    join(draft, 'courierimapsubscribed'),
    Buffer.from(`${subscribed.join('\n')}\n`).toString('latin1'),
    owner,
  );
  renameSync(draft, maildir);
}

/** Folder names are UTF-8 on the disk. */
function folderPath(maildir: string, folder: string): string {
  return folder === '' ? maildir : join(maildir, `.${folder}`);
}

function makeDirectories(path: string, owner: FileOwner | undefined): void {
  for (const directory of [path, join(path, 'tmp'), join(path, 'new'), join(path, 'cur')]) {
    mkdirSync(directory, { mode: 0o700, recursive: directory === path });
    if (owner) chownSync(directory, owner.uid, owner.gid);
  }
}

function write(path: string, text: string, owner: FileOwner | undefined): void {
  writeFileSync(path, text, { encoding: 'latin1', mode: 0o600 });
  if (owner) chownSync(path, owner.uid, owner.gid);
}
