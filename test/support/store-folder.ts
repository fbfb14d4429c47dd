/** Temporary folders for the tests of `store/`, and what another program does to them. */
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import type { Folder, StoreSettings } from '../../src/store/folder.ts';
import { forgetFolder, openFolder } from '../../src/store/registry.ts';

export const testSettings: StoreSettings = {
  durable: false,
  keywords: 1,
  useLocks: true,
  hostname: 'test.host',
  log: silentLog,
};

export interface TemporaryFolder {
  readonly directory: string;
  readonly remove: () => void;
}

/** An empty folder: `cur`, `new`, `tmp`. */
export function temporaryFolder(): TemporaryFolder {
  const parent = mkdtempSync(join(tmpdir(), 'postrider-folder-'));
  const directory = join(parent, 'Maildir');
  for (const name of ['', '/cur', '/new', '/tmp']) mkdirSync(directory + name);
  return { directory, remove: () => rmSync(parent, { recursive: true, force: true }) };
}

/** A folder with so many messages that have their UIDs. @returns how to copy it, by links to the messages */
export async function folderToCopy(
  messages: number,
): Promise<{ copy: () => TemporaryFolder; remove: () => void }> {
  const { directory: source, remove } = temporaryFolder();
  for (let i = 0; i < messages; i++) put(source, `cur/${1000 + i}.a:2,`, 'x');
  await openFolder(source, testSettings);
  forgetFolder(source);
  const copy = () => {
    const folder = temporaryFolder();
    for (const name of readdirSync(`${source}/cur`))
      linkSync(`${source}/cur/${name}`, `${folder.directory}/cur/${name}`);
    cpSync(`${source}/courierimapuiddb`, `${folder.directory}/courierimapuiddb`);
    return folder;
  };
  return { copy, remove };
}

/** Puts a message where `place` says: `cur/1.a:2,S`. The text is the body unless given. */
export function put(directory: string, place: string, text: string = place): void {
  writeFileSync(join(directory, place), `Subject: ${text}\n\n${text}\n`);
}

/** The folder's messages as a client sees them: `1 base:2,S [keywords]`. */
export function rowsOf(folder: Folder): string[] {
  return Array.from({ length: folder.count }, (_, row) => {
    const keywords = folder.keywordSets[folder.keywordSet[row]!]!;
    const words = keywords.length > 0 ? ` ${keywords.join(' ')}` : '';
    return `${folder.uids[row]} ${folder.fileName(row)}${words}`;
  });
}

/** UID and text of every message. */
export function textsOf(folder: Folder): Map<number, string> {
  const texts = new Map<number, string>();
  for (let row = 0; row < folder.count; row++) {
    const message = folder.open(row);
    texts.set(folder.uids[row]!, message.readAll().toString('latin1'));
    message.close();
  }
  return texts;
}

export function databaseOf(directory: string): string[] {
  return readFileSync(join(directory, 'courierimapuiddb'), 'latin1').split('\n').slice(0, -1);
}

export function listOf(directory: string, name: string): string[] {
  return readdirSync(join(directory, name)).sort((a, b) => (a < b ? -1 : 1));
}
