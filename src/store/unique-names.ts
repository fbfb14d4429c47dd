import type { BigIntStats } from 'node:fs';
import { errorCode } from './errno.ts';
import * as steps from './steps.ts';

let counter = 0;

/** The parts of a name that are fixed when its temporary file is created (maildir-store §3.1). */
export interface UniqueName {
  readonly stamp: string;
  readonly word: string;
  readonly host: string;
}

/**
 * A name no other process or call uses: `<sec>.M<usec>P<pid>_<word>.<host>`.
 * @param word  as in `courierlock`; '' is none; a number of this process if left out
 */
export function uniqueName(hostname: string, word?: string): UniqueName {
  const now = Date.now();
  const microseconds = (now % 1000) * 1000 + (Math.floor(performance.now() * 1000) % 1000);
  return {
    stamp: `${Math.floor(now / 1000)}.M${microseconds}P${process.pid}`,
    word: word ?? String(counter++),
    host: hostname.replaceAll('/', '\\057').replaceAll(':', '\\072'),
  };
}

/** The name in `tmp/`. */
export function temporaryName(name: UniqueName): string {
  return `${name.stamp}${wordPart(name)}.${name.host}`;
}

/** The base name in `new/` or `cur/`: with the file's device and inode, and its size unless that is 0. */
export function deliveredName(name: UniqueName, file: Pick<BigIntStats, 'dev' | 'ino' | 'size'>): string {
  const hex = (value: bigint) => value.toString(16).toUpperCase().padStart(16, '0');
  const size = file.size > 0n ? `,S=${file.size}` : '';
  return `${name.stamp}V${hex(file.dev)}I${hex(file.ino)}${wordPart(name)}.${name.host}${size}`;
}

function wordPart({ word }: UniqueName): string {
  return word === '' ? '' : `_${word}`;
}

export interface TemporaryFile {
  readonly name: UniqueName;
  readonly path: string;
  readonly descriptor: number;
}

/** Creates an empty file of a new name in `<folder>/tmp/`. */
export function createTemporary(folder: string, hostname: string, kind?: string): TemporaryFile {
  for (let attempt = 0; ; attempt++) {
    const name = uniqueName(hostname, kind === undefined ? undefined : `${kind}_${counter++}`);
    const path = `${folder}/tmp/${temporaryName(name)}`;
    try {
      return { name, path, descriptor: steps.create(path) };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || attempt === 100) throw error;
    }
  }
}
