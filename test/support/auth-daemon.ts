/** The authentication daemon in the test's own process, over a userdb of the test's. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ChainSettings, createChain, type TokenChecker } from '../../src/auth/chain.ts';
import { type AuthClient, createAuthClient } from '../../src/auth/client.ts';
import { type AuthDaemon, type AuthDaemonSettings, startAuthDaemon } from '../../src/auth/daemon.ts';
import { createGuessGuard, defaultGuessSettings, type GuessSettings } from '../../src/auth/guess-guard.ts';
import type { AuthModule } from '../../src/auth/modules/module.ts';
import { createUserdbModule } from '../../src/auth/modules/userdb.ts';
import type { Log } from '../../src/base/log.ts';
import { moduleContext } from './auth-contract.ts';
import { privateFolder, removeFolder } from './private-server.ts';

export interface DaemonParts {
  readonly userdb?: string;
  /** Instead of userdb. */
  readonly modules?: readonly AuthModule[];
  readonly settings?: Partial<ChainSettings>;
  readonly daemon?: Partial<AuthDaemonSettings>;
  readonly guess?: Partial<GuessSettings>;
  readonly tokens?: TokenChecker;
}

export interface TestDaemon {
  readonly daemon: AuthDaemon;
  readonly client: AuthClient;
  readonly folder: string;
  /** Every line of log and trace. */
  readonly lines: string[];
}

/** `fred` with the password `secret`, for login and CRAM, and others. */
export const testUserdb = [
  'fred\tuid=1000|gid=1001|home=/home/fred|mail=Maildir|gecos=Fred F, room 7|quota=1000S|options=disableimap=0,wbnodsn=0|' +
    'systempw={SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=|pop3pw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==|' +
    'hmac-md5pw=cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56|' +
    'hmac-sha1pw=091e0f4c6cb5277ee2beb639a60d0831b5c8adcdaee172433df3e96ba4f00fb1b6a490c3929d2034|' +
    'hmac-sha256pw=5a84072aab37d22275b139adf7a92564c7f674be98e77d991f6f689d29e05245' +
    '72804f31b042016804d3dea2f4e991a21b1c8906be161594b202fb74afc8ceb3',
  'cryptonly@ex.com\tuid=1002|gid=1002|home=/home/c|systempw=$1$saltsalt$9xy1btjgzLYfb7hivXtC//',
  'root\tuid=0|gid=0|home=/root|systempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==',
  'homeless\tuid=1003|gid=1003|home=|systempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==',
  'b\xf6rk\tuid=1004|gid=1004|home=/home/b\xf6rk|systempw={MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==',
  'scram\tuid=1005|gid=1005|home=/home/s|systempw={SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,' +
    'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  '',
].join('\n');

export async function startTestDaemon(
  t: Pick<TestContext, 'after'>,
  parts: DaemonParts = {},
): Promise<TestDaemon> {
  const folder = privateFolder('authdaemon');
  const path = join(folder, 'userdb');
  writeFileSync(path, parts.userdb ?? testUserdb, { mode: 0o600, encoding: 'latin1' });
  const lines: string[] = [];
  const push = (line: string) => void lines.push(line);
  const log: Log = { error: push, warn: push, info: push, debug: push };
  const context = { ...moduleContext(push), log };
  const modules = parts.modules ?? [createUserdbModule({ path }, context)];
  const chain = createChain({
    modules,
    settings: { defaultOptions: 'wbnodsn=1,disableshared=0', minimumUid: 1, ...parts.settings },
    guard: createGuessGuard({ ...defaultGuessSettings, ...parts.guess }, log),
    tokens: parts.tokens,
    log,
    trace: push,
    detail: push,
  });
  const daemon = await startAuthDaemon({ directory: join(folder, 'run'), ...parts.daemon }, chain, log);
  t.after(async () => {
    await daemon.close();
    await Promise.all(modules.map((module) => module.close()));
    removeFolder(folder);
  });
  return { daemon, client: createAuthClient({ socketPath: daemon.socketPath }), folder, lines };
}
