/**
 * Everything that the system's crypt(3) knows: DES, `$1$`, `$2a$ $2b$ $2y$`, `$5$`, `$6$`, `$y$`, `$gy$`, `$7$`,
 * `$sha1$`, … The library is loaded on first use.
 */
import { equalOctets } from './compare.ts';
import type { Scheme } from './scheme.ts';

/** New hashes where there is nothing to follow, or only DES. */
const preferred = '$6$';

/** A setting of the same scheme and costs as a stored hash, with a new salt. */
async function freshSetting(like: string): Promise<string> {
  const { newSetting } = await import('./crypt-library.ts');
  let match = /^(\$2[aby]\$)(\d\d)\$/.exec(like);
  if (match) return newSetting(match[1]!, Number(match[2]));
  match = /^(\$[56]\$)(rounds=\d+\$)/.exec(like);
  if (match) return match[1]! + match[2]! + newSetting(match[1]!, 0).slice(3);
  match = /^(\$(?:y|gy)\$)([^$]+)\$/.exec(like);
  if (match) return `${match[1]}${match[2]}$${newSetting(match[1]!, 0).split('$')[3]}`;
  match = /^(\$7\$)(.{11})/.exec(like);
  if (match) return match[1]! + match[2]! + newSetting('$7$', 0).slice(3 + 11);
  match = /^\$sha1\$(\d+)\$/.exec(like);
  if (match) return newSetting('$sha1', Number(match[1]));
  match = /^\$[156]\$/.exec(like);
  return newSetting(match ? match[0] : preferred, 0);
}

export const crypt: Scheme = {
  name: 'CRYPT',
  matches: (stored) => stored !== '',
  verify(stored, password, work) {
    // What crypt(3) cannot have made costs no call; `*0`, `!…` and `{SCHEME}…` are among it.
    if (!/^[$_./0-9A-Za-z]/.test(stored) || stored.length < 13) return false;
    return work.run(async () => {
      const library = await import('./crypt-library.ts');
      const result = await library.crypt(password, stored);
      return result !== undefined && equalOctets(result, stored);
    });
  },
  hash: (password, like, work) =>
    work.run(async () => {
      const library = await import('./crypt-library.ts');
      const result = await library.crypt(password, await freshSetting(like));
      if (result === undefined) throw new Error('crypt(3) failed');
      return result;
    }),
};
