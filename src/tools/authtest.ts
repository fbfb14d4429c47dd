/** authtest: asks the daemon for an account, verifies or changes a password (authlib §11). */
import type { AccountRecord } from '../auth/account-record.ts';
import { type AuthResult, createAuthClient } from '../auth/client.ts';
import { hasControls, octetsToText } from '../auth/wire.ts';
import { sayConnectFailure } from './connect-failure.ts';
import type { ToolOutput } from './tool.ts';

const usage = 'Usage: authtest [-s service] userid [ password [ newpassword ] ]\n';

export interface AuthtestSettings {
  readonly socketPath: string;
  /** TCPREMOTEIP of the environment. */
  readonly remoteIp: string | undefined;
}

/** @returns the exit code */
export async function authtest(
  args: readonly string[],
  { socketPath, remoteIp }: AuthtestSettings,
  out: ToolOutput,
): Promise<number> {
  const parsed = parseArguments(args);
  if (!parsed) {
    out.stderr(usage);
    return 1;
  }
  const { service, words } = parsed;
  const [userId, password, newPassword] = words as [string, string?, string?];
  const client = createAuthClient({ socketPath });
  const peer = { remoteIp: remoteIp ?? '::1' };
  // Look-ups take any id.
  if (password !== undefined && [userId, password, newPassword ?? ''].some(hasControls)) {
    out.stderr('Authentication FAILED: Invalid argument\n');
    return 1;
  }
  if (password !== undefined && newPassword !== undefined) {
    const changed = await client.changePassword(service, userId, password, newPassword, peer);
    if (changed === 'rejected') return failed({ kind: changed }, out);
    if (changed === 'temporary') {
      // Asked once more for the reason.
      const { reason = '' } = (await client.lookup(service, userId, peer)) as { reason?: string };
      return failed({ kind: changed, reason }, out);
    }
    out.stderr('Password change succeeded.\n');
    return 0;
  }
  const result =
    password === undefined
      ? await client.lookup(service, userId, peer)
      : await client.login(service, userId, password, peer);
  if (result.kind !== 'accepted') return failed(result, out);
  out.stdout(describe(result.account));
  return 0;
}

function parseArguments(args: readonly string[]): { service: string; words: readonly string[] } | undefined {
  let service = 'login';
  let words = args;
  if (args[0]?.startsWith('-')) {
    if (!args[0].startsWith('-s')) return undefined;
    const joined = args[0].slice(2);
    service = joined || (args[1] ?? '');
    words = args.slice(joined === '' ? 2 : 1);
  }
  return words.length >= 1 && service !== '' ? { service, words } : undefined;
}

function describe(account: AccountRecord): string {
  const { address, username, uid, gid, home, maildir, quota, cryptPassword, clearPassword, options } =
    account;
  let owner = '  (*** UID/GID initialization error***)';
  if (username !== undefined) owner = `  (system username: ${username})`;
  else if (uid !== undefined) owner = `  (uid ${uid}, gid ${gid})`;
  const optionText = [...options]
    .flatMap(([name, values]) => values.map((value) => (value === '' ? name : `${name}=${value}`)))
    .join(',');
  const or = (value: string | undefined) => value || '(none)';
  return (
    `Authentication succeeded.\n\n     Authenticated: ${address}${owner}\n` +
    `    Home Directory: ${octetsToText(home)}\n           Maildir: ${or(maildir && octetsToText(maildir))}\n` +
    `             Quota: ${or(quota)}\nEncrypted Password: ${or(cryptPassword)}\n` +
    `Cleartext Password: ${or(clearPassword)}\n           Options: ${or(optionText)}\n`
  );
}

function failed(result: Exclude<AuthResult, { kind: 'accepted' }>, out: ToolOutput): number {
  let text = 'Operation not permitted';
  if (result.kind === 'temporary') text = sayConnectFailure(result.reason, out) ?? 'Input/output error';
  out.stderr(`Authentication FAILED: ${text}\n`);
  return 1;
}
