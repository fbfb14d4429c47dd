import type { ToolOutput } from './tool.ts';

const texts: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ECONNREFUSED: 'Connection refused',
  EACCES: 'Permission denied',
};

/**
 * Says, in the words of Courier's library, that the authentication daemon cannot be reached, if that is the reason.
 * @returns strerror(3) of it; undefined: another reason
 */
export function sayConnectFailure(reason: string, { stderr }: ToolOutput): string | undefined {
  const code = /\b(?:ENOENT|ECONNREFUSED|EACCES)\b/.exec(reason)?.[0];
  if (code === undefined) return undefined;
  stderr(`ERR: authdaemon: s_connect() failed: ${texts[code]}\n`);
  return texts[code];
}
