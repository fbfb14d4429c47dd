/** vchkpw2userdb: prints vpopmail's accounts as userdb records, or writes a file for each source (authlib §4.3). */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findSystemAccount } from '../auth/system-accounts.ts';
import { octetsToText } from '../auth/wire.ts';
import { passwdRecord } from './pw2userdb.ts';
import { errorText, type ToolOutput } from './tool.ts';

/** One `vpasswd` file; without domain: `users/vpasswd`. */
interface Source {
  readonly domain: string;
  readonly path: string;
}

function sources(home: string): Source[] {
  const domains = join(home, 'domains');
  const found = existsSync(domains)
    ? readdirSync(domains)
        .sort()
        .map((domain) => ({ domain, path: join(domains, domain, 'vpasswd') }))
    : [];
  return [{ domain: '', path: join(home, 'users/vpasswd') }, ...found].filter(({ path }) => existsSync(path));
}

/** @returns the exit code */
export async function vchkpw2userdb(args: readonly string[], out: ToolOutput): Promise<number> {
  let options: { vpopmailhome?: string; todir?: string };
  try {
    const text = { type: 'string' } as const;
    options = parseArgs({ args: [...args], options: { vpopmailhome: text, todir: text } }).values;
  } catch {
    out.stderr('Invalid options.\n');
    return 1;
  }
  try {
    const account = await findSystemAccount('vpopmail');
    const home = options.vpopmailhome ?? account?.home;
    if (home === undefined) throw new Error('There is no user vpopmail; give --vpopmailhome=DIR.');
    for (const { domain, path } of sources(home)) {
      const records = readFileSync(path, 'latin1')
        .split('\n')
        .flatMap((line) => passwdRecord(line, { domain, ids: account })?.record ?? [])
        .map((record) => `${record}\n`)
        .join('');
      if (options.todir === undefined) out.stdout(octetsToText(records));
      else {
        mkdirSync(options.todir, { recursive: true, mode: 0o700 });
        writeFileSync(join(options.todir, domain || 'users'), records, { encoding: 'latin1', mode: 0o600 });
      }
    }
    return 0;
  } catch (error) {
    out.stderr(`vchkpw2userdb: ${errorText(error)}\n`);
    return 1;
  }
}
