/** authenumerate: lists all accounts of the daemon (authlib §11). */
import { optionValue, parseOptions } from '../auth/account-record.ts';
import { errorText } from '../auth/auth-error.ts';
import { createAuthClient } from '../auth/client.ts';
import { sayConnectFailure } from './connect-failure.ts';
import type { ToolOutput } from './tool.ts';

/** @returns the exit code: 0 when the list is complete */
export async function authenumerate(
  args: readonly string[],
  socketPath: string,
  out: ToolOutput,
): Promise<number> {
  if (args.some((arg) => arg !== '-s' && arg !== '-o')) {
    out.stderr('Usage: authenumerate [-s] [-o]\n');
    return 1;
  }
  const client = createAuthClient({ socketPath, readTimeoutMs: 60_000 });
  let accounts: Awaited<ReturnType<typeof client.enumerate>>;
  try {
    accounts = await client.enumerate();
  } catch (error) {
    // Nothing is said of a list that was cut off.
    sayConnectFailure(errorText(error), out);
    return 1;
  }
  for (const { address, uid, gid, home, maildir, options } of accounts) {
    const isShared = !(
      Number.parseInt(optionValue(parseOptions(options ?? ''), 'disableshared') ?? '0', 10) > 0
    );
    if (args.includes('-s') && !isShared) continue;
    const fields = [address, uid, gid, home, maildir ?? '', ...(args.includes('-o') ? [options ?? ''] : [])];
    out.stdout(`${Buffer.from(fields.join('\t'), 'latin1').toString()}\n`);
  }
  return 0;
}
