/** Where the files lie that Postrider keeps of a folder for its own speed: they can be deleted at any time. */
import { createHash } from 'node:crypto';
import { errorCode } from './errno.ts';
import type { StoreSettings } from './settings.ts';
import * as steps from './steps.ts';
import { temporaryName, uniqueName } from './unique-names.ts';

const files = ['index', 'cache', 'text'] as const;
export type KeptFile = (typeof files)[number];

/** @param directory  of the folder, a latin1 string */
export function keptPath(directory: string, settings: StoreSettings, file: KeptFile): string {
  if (settings.indexDirectory === undefined) return `${directory}/postrider-${file}`;
  const hash = createHash('sha256').update(directory, 'latin1').digest('hex').slice(0, 40);
  return `${settings.indexDirectory}/${hash}.${file}`;
}

/** A new name on the same file system, whose leftovers somebody removes. */
export function keptTemporary(directory: string, settings: StoreSettings, file: KeptFile): string {
  const name = temporaryName(uniqueName(settings.hostname, file));
  return `${settings.indexDirectory ?? `${directory}/tmp`}/${name}`;
}

/** A folder has another path: what lies elsewhere of it follows. */
export function moveKept(from: string, to: string, settings: StoreSettings): void {
  forEachElsewhere(settings, (file) =>
    steps.rename(keptPath(from, settings, file), keptPath(to, settings, file)),
  );
}

/** A folder is gone: so is what lies elsewhere of it. */
export function removeKept(directory: string, settings: StoreSettings): void {
  forEachElsewhere(settings, (file) => steps.unlink(keptPath(directory, settings, file)));
}

/** What cannot be done does no harm: a file that does not fit the folder is not believed. */
function forEachElsewhere({ indexDirectory }: StoreSettings, change: (file: KeptFile) => void): void {
  if (indexDirectory === undefined) return;
  for (const file of files) {
    try {
      change(file);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }
}
