/** Where the files lie that Postrider keeps of a folder for its own speed: they can be deleted at any time. */
import { createHash } from 'node:crypto';
import type { StoreSettings } from './settings.ts';
import { temporaryName, uniqueName } from './unique-names.ts';

export type KeptFile = 'index' | 'cache' | 'text';

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
