/** courierauthconfig, once authinfo: tells build scripts and setup scripts where things are (authlib §11). */
import type { ToolOutput } from './tool.ts';

/** The version of Courier's authentication library whose files, protocol and tools these are. */
const libraryVersion = '0.72.4';

export interface AuthinfoFacts {
  readonly userdb: string;
  readonly configDirectory: string;
  readonly mailUser: {
    readonly name: string;
    readonly group: string;
    readonly uid: number;
    readonly gid: number;
  };
  /** Where the programs are. */
  readonly sbinDirectory: string;
}

/** Prints the answer to each argument; unknown ones, and those about linking a library, say nothing. @returns 0 */
export function authinfo(args: readonly string[], facts: AuthinfoFacts, out: ToolOutput): number {
  for (const arg of args) {
    if (arg === '--version') out.stdout(`${libraryVersion}\n`);
    else if (arg.startsWith('--version='))
      out.stdout(isAtLeast(arg.slice('--version='.length)) ? 'yes\n' : 'no\n');
    else if (arg === '--configfiles') out.stdout(configFiles(facts));
  }
  return 0;
}

/** Compares number by number as far as both go; what is no number is 0. */
function isAtLeast(wanted: string): boolean {
  const [ours, theirs] = [libraryVersion, wanted].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10) || 0),
  ) as [number[], number[]];
  const at = ours.findIndex((number, i) => number !== (theirs[i] ?? number));
  return at < 0 || ours[at]! > theirs[at]!;
}

function configFiles({ userdb, configDirectory, mailUser, sbinDirectory }: AuthinfoFacts): string {
  const file = (name: string) => `${name}=${configDirectory}/${name}\n`;
  return (
    `userdb=${userdb}\n${['authdaemonrc', 'authldaprc', 'authmysqlrc', 'authpgsqlrc'].map(file).join('')}` +
    `mailuser=${mailUser.name}\nmailgroup=${mailUser.group}\nmailuid=${mailUser.uid}\nmailgid=${mailUser.gid}\n` +
    `sbindir=${sbinDirectory}\n`
  );
}
