import { type Dir, type Dirent, opendirSync } from 'node:fs';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';
import { Slice } from './slices.ts';

/** What a directory with messages holds; names are latin1 strings. */
export interface DirectoryVisitor {
  file(name: string): void;
  /** A directory, symbolic link, FIFO, …: no message. */
  other?(name: string): void;
}

/**
 * Visits the names of a directory that do not begin with a dot, in slices. In directory order, without a list of
 * them in memory.
 * @throws a system error; then not everything was visited
 */
export async function visitDirectory(path: string, visitor: DirectoryVisitor): Promise<void> {
  const slice = new Slice();
  const directory = open(path);
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      visit(entry, visitor);
      if (slice.isOver()) await slice.next();
    }
  } finally {
    directory.closeSync();
  }
}

/** The same at once, for a caller that cannot wait. */
export function visitDirectorySync(path: string, visitor: DirectoryVisitor): void {
  const directory = open(path);
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) visit(entry, visitor);
  } finally {
    directory.closeSync();
  }
}

function open(path: string): Dir {
  return opendirSync(octetPath(path), { encoding: 'latin1', bufferSize: 512 });
}

function visit(entry: Dirent, visitor: DirectoryVisitor): void {
  if (entry.name.charCodeAt(0) === 46) return;
  if (entry.isFile()) visitor.file(entry.name);
  else visitor.other?.(entry.name);
}

/** Visits a directory that may be missing. */
export async function visitIfPresent(path: string, visitor: DirectoryVisitor): Promise<void> {
  try {
    await visitDirectory(path, visitor);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
