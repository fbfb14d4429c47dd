/** pw2userdb: prints the system's accounts as userdb records (authlib §4.3). */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findSystemAccount } from '../auth/system-accounts.ts';
import { octetsToText } from '../auth/wire.ts';
import { errorText, type ToolOutput } from './tool.ts';

/** A line of passwd(5) as a record; undefined: not one. Octet strings. */
export function passwdRecord(
  line: string,
  {
    hash,
    domain = '',
    ids,
  }: { hash?: string | undefined; domain?: string; ids?: { uid: number; gid: number } | undefined },
): { name: string; uid: number; record: string } | undefined {
  const [name, password, uidText, gidText, gecos, home, shell] = line.split(':');
  if (
    !name ||
    name.startsWith('#') ||
    home === undefined ||
    !/^\d+$/.test(uidText!) ||
    !/^\d+$/.test(gidText!)
  ) {
    return undefined;
  }
  const uid = ids?.uid ?? Number(uidText);
  const gid = ids?.gid ?? Number(gidText);
  const secret = hash ?? (password === 'x' ? '' : password);
  const fields = [
    `uid=${uid}`,
    `gid=${gid}`,
    `home=${home}`,
    shell ? `shell=${shell}` : '',
    secret ? `systempw=${secret}` : '',
    gecos ? `gecos=${gecos.replaceAll('|', '.')}` : '',
  ];
  const address = domain === '' ? name : `${name}@${domain}`;
  return { name, uid, record: `${address}\t${fields.filter(Boolean).join('|')}` };
}

/** Hashes by name, from shadow(5) text. */
function shadowHashes(text: string): Map<string, string> {
  return new Map(text.split('\n').map((line) => line.split(':', 2) as [string, string]));
}

/** @returns the exit code */
export async function pw2userdb(args: readonly string[], out: ToolOutput): Promise<number> {
  let options: {
    passwd?: string;
    shadow?: string;
    noshadow?: boolean;
    nouid?: boolean;
    domain?: string;
    vpopuid?: boolean;
  };
  try {
    const text = { type: 'string' } as const;
    const flag = { type: 'boolean' } as const;
    options = parseArgs({
      args: [...args],
      options: { passwd: text, shadow: text, noshadow: flag, nouid: flag, domain: text, vpopuid: flag },
    }).values;
  } catch (error) {
    const unknown = /'--?([^']*)'/.exec((error as Error).message)?.[1] ?? '';
    out.stderr(`Unknown option: ${unknown}\nInvalid options.\n`);
    return 1;
  }
  try {
    const ids = options.vpopuid ? await findSystemAccount('vpopmail') : undefined;
    if (options.vpopuid && !ids) throw new Error('There is no user vpopmail.');
    const hashes = options.noshadow
      ? new Map<string, string>()
      : shadowHashes(readFileSync(options.shadow ?? '/etc/shadow', 'latin1'));
    for (const line of readFileSync(options.passwd ?? '/etc/passwd', 'latin1').split('\n')) {
      const found = passwdRecord(line, {
        hash: hashes.get(line.split(':', 1)[0]!),
        domain: options.domain ?? '',
        ids,
      });
      if (!found) continue;
      out.stdout(`${octetsToText(found.record)}\n`);
      if (!options.nouid) out.stdout(`${found.uid}=\t${octetsToText(found.name)}\n`);
    }
    return 0;
  } catch (error) {
    out.stderr(`pw2userdb: ${errorText(error)}\n`);
    return 1;
  }
}
