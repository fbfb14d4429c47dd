import { setTimeout } from 'node:timers/promises';
import type { Folder } from '../store/folder.ts';
import { openFolder } from '../store/registry.ts';
import { updateTextIndex } from './text-index-update.ts';

/** Work and rest, in ms: a fifth of a core at most, one folder at a time in a process. */
const workMs = 4;
const restMs = 16;
/** Written to the disk at a time: the process may end before all is done. */
const messages = 5000;
/** After a failure: a full disk, no right to write. */
const retryMs = 600_000;

/** When a folder may be tried again; `Infinity` while it is worked on. */
const notBefore = new WeakMap<Folder, number>();
let line: Promise<void> = Promise.resolve();

/**
 * Has a folder's text index made or brought up to date, when it is its turn.
 * @param isFresh  the one that is there is damaged
 * @returns when that is done, or has failed, for tests; nobody else waits
 */
export function updateInBackground(folder: Folder, isFresh: boolean): Promise<void> {
  if ((notBefore.get(folder) ?? 0) > performance.now()) return line;
  notBefore.set(folder, Number.POSITIVE_INFINITY);
  line = line.then(() => update(folder, isFresh));
  return line;
}

async function update(folder: Folder, isFresh: boolean): Promise<void> {
  const { directory, settings } = folder;
  let again = 0;
  try {
    const own = await openFolder(directory, settings);
    try {
      const pause = pausing();
      let hasMore = await updateTextIndex(own, { isFresh, messages, pause });
      while (hasMore) hasMore = await updateTextIndex(own, { messages, pause });
    } finally {
      own.close();
    }
  } catch (error) {
    again = performance.now() + retryMs;
    settings.log.debug(`${directory}: no text index: ${String(error)}`);
  }
  notBefore.set(folder, again);
}

function pausing(): () => Promise<void> | undefined {
  let started = performance.now();
  return () => {
    if (performance.now() - started < workMs) return undefined;
    return setTimeout(restMs, undefined, { ref: false }).then(() => {
      started = performance.now();
    });
  };
}
