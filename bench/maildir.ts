import {
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CorpusMessage } from './corpus.ts';

/** Owner of the mail: whom the servers' virtual accounts run as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Makes an empty maildir; one that is there is emptied, databases included. */
export function makeMaildir(path: string, owner: Owner): void {
  rmSync(path, { recursive: true, force: true });
  for (const directory of ['', 'cur', 'new', 'tmp']) {
    mkdirSync(join(path, directory), { recursive: true, mode: 0o700 });
    chownSync(join(path, directory), owner.uid, owner.gid);
  }
}

/** Writes messages as delivered and seen files of `cur`. */
export function fillMaildir(path: string, corpus: readonly CorpusMessage[], owner: Owner): void {
  corpus.forEach((message, number) => {
    const octets = Buffer.from(message.text);
    const name = `${message.dateSeconds}.M${100_000 + (number % 900_000)}P1_${number}.bench,S=${octets.length}:2,${message.flags}`;
    const file = join(path, 'cur', name);
    writeFileSync(file, octets);
    chownSync(file, owner.uid, owner.gid);
    utimesSync(file, message.dateSeconds, message.dateSeconds);
  });
}

/** Makes a maildir with the same files as another: links where possible, so that the page cache holds them once. */
export function cloneMaildir(from: string, to: string, owner: Owner): void {
  makeMaildir(to, owner);
  for (const name of readdirSync(join(from, 'cur'))) {
    const [source, target] = [join(from, 'cur', name), join(to, 'cur', name)];
    try {
      linkSync(source, target);
    } catch {
      copyFileSync(source, target);
      chownSync(target, owner.uid, owner.gid);
    }
  }
}
