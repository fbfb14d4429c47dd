/** `postrider demo`, which is what `npm start` runs: a server with an account to look at. */
import { resolve } from 'node:path';
import type { CommandContext } from './command.ts';
import { usageExit } from './command.ts';
import { demoAccount, demoDirectory, demoPorts, prepareDemo } from './demo-state.ts';
import { checkedConfig, serveUntilStopped } from './serve.ts';

export async function run({ args, stdout, stderr }: CommandContext): Promise<number> {
  if (args.length > 1 || args[0]?.startsWith('-')) {
    stderr('usage: postrider demo [STATE-DIRECTORY]\n');
    return usageExit;
  }
  const directory = args[0] ? resolve(args[0]) : demoDirectory(resolve(import.meta.dirname, '../..'));
  const config = checkedConfig(await prepareDemo(directory), stderr);
  if (!config) return 1;
  return serveUntilStopped(config, stderr, { ready: () => stdout(instructions(directory)) });
}

function instructions(directory: string): string {
  const { address, password } = demoAccount;
  const { plain, tls, pop3, pop3s } = demoPorts;
  const url = `${address.replace('@', '%40')}@localhost`;
  return `
Postrider serves the account ${address}, password ${password}, on this machine only.
  curl         curl -k --user ${address}:${password} imaps://localhost:${tls}/INBOX?UNSEEN
  mutt         mutt -f imaps://${url}:${tls}/INBOX
  Thunderbird  IMAP server localhost, port ${tls} with SSL/TLS or ${plain} with STARTTLS, normal password,
               user name ${address}; accept the certificate, which was made here
  POP3         port ${pop3s} with SSL/TLS or ${pop3} with STARTTLS; curl -k --user ${address}:${password} pop3s://localhost:${pop3s}/
Data: ${directory} (delete it to begin anew). Stop with Ctrl-C.

`;
}
