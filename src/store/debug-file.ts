/** The file of IMAPDEBUGFILE: what client and server say, for whoever has made the file (imap-server §5). */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Log } from '../base/log.ts';
import { octetPath } from '../base/paths.ts';
import { errorCode } from './errno.ts';

/** Notes of one conversation; never throws. */
export interface DebugFile {
  note(direction: 'READ' | 'WRITE', octets: Uint8Array | string): void;
  close(): void;
}

/**
 * Opens the file to append to it; it is not made.
 * @param name   relative to the maildir, or absolute
 * @param label  tells the lines of this conversation from those of others
 * @returns undefined if there is no such file, or it is no file
 */
export function openDebugFile(maildir: string, name: string, label: string, log: Log): DebugFile | undefined {
  const path = isAbsolute(name) ? octetPath(name) : octetPath(maildir, name);
  const { O_WRONLY, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: number | undefined;
  const close = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  try {
    file = openSync(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
    if (!fstatSync(file).isFile()) close();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') log.warn(`${String(path)}: ${String(error)}`);
  }
  if (file === undefined) return undefined;
  return {
    note(direction, octets) {
      if (file === undefined) return;
      const time = new Date().toISOString();
      const lines = printable(octets).map((line) => `${time} ${label} ${direction}: ${line}\n`);
      try {
        writeSync(file, lines.join(''));
      } catch (error) {
        log.warn(`${String(path)}: ${String(error)}`);
        close();
      }
    },
    close,
  };
}

/** Lines without their ends; octets that are no printable ASCII as `\xHH`. */
function printable(octets: Uint8Array | string): string[] {
  const text = typeof octets === 'string' ? octets : Buffer.from(octets).toString('latin1');
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) =>
    line.replace(/[^\x20-\x7e]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`),
  );
}
