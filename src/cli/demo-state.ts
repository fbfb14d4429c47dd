/** The folder `postrider demo` keeps: configuration in Courier's format, one account, its mail, a certificate. */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findUser, isRoot } from '../supervisor/privileges.ts';
import { type FileOwner, writeMaildir } from './demo-mail/maildir.ts';
import { demoMessages } from './demo-mail/messages.ts';

export const demoAccount = { address: 'demo@example.com', password: 'postrider' } as const;
export const demoPorts = { plain: 1143, tls: 1993, pop3: 1110, pop3s: 1995 } as const;

/**
 * Where the demo's data lie: in the package, or, for root, where the unprivileged user that serves it can
 * get at them.
 */
export function demoDirectory(packageRoot: string): string {
  const inPackage = join(packageRoot, 'demo-data');
  return !isRoot() || reachableByAll(packageRoot) ? inPackage : '/var/tmp/postrider-demo';
}

/**
 * Makes what is missing; a second start finds everything as the first left it.
 * @returns the configuration directory
 */
export async function prepareDemo(directory: string): Promise<string> {
  const owner = demoOwner();
  const config = join(directory, 'config');
  const home = join(directory, 'mail', demoAccount.address);
  const sockets = socketDirectory(directory);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  mkdirSync(config, { recursive: true, mode: 0o755 });
  makeOwned(join(directory, 'mail'), owner);
  makeOwned(home, owner);
  makeOwned(sockets, owner);
  for (const [name, text] of Object.entries(configFiles(config, home, sockets, owner))) {
    writeNew(join(config, name), text);
  }
  await makeCertificate(join(config, 'imapd.pem'));
  writeMaildir(join(home, 'Maildir'), demoMessages(new Date()), owner);
  return config;
}

/** The user whose mail it is: whoever starts the demo, or, since root never gets a session, nobody. */
function demoOwner(): FileOwner | undefined {
  if (!isRoot()) return undefined;
  const nobody = findUser('nobody');
  if (!nobody)
    throw new Error('the demo started as root serves its mail as the user nobody, and there is none');
  return nobody;
}

function configFiles(
  config: string,
  home: string,
  sockets: string,
  owner: FileOwner | undefined,
): Record<string, string> {
  const { uid, gid } = owner ?? { uid: process.getuid!(), gid: process.getgid!() };
  const hash = createHash('sha256').update(demoAccount.password).digest('base64');
  const fields = `uid=${uid}|gid=${gid}|home=${home}|gecos=Alex Demo|systempw={SHA256}${hash}`;
  return {
    imapd: `${heading}ADDRESS=127.0.0.1\nPORT=${demoPorts.plain}\nMAXDAEMONS=400\nMAXPERIP=200\n${capabilities}IMAPDSTART=YES\n`,
    'imapd-ssl':
      `${heading}SSLADDRESS=127.0.0.1\nSSLPORT=${demoPorts.tls}\nIMAPDSTARTTLS=YES\nIMAPDSSLSTART=YES\n` +
      `TLS_CERTFILE=${quoted(join(config, 'imapd.pem'))}\nTLS_VERIFYPEER=NONE\n`,
    pop3d: `${heading}ADDRESS=127.0.0.1\nPORT=${demoPorts.pop3}\nMAXDAEMONS=400\nMAXPERIP=200\nPOP3DSTART=YES\n`,
    'pop3d-ssl':
      `${heading}SSLADDRESS=127.0.0.1\nSSLPORT=${demoPorts.pop3s}\nPOP3_STARTTLS=YES\nPOP3DSSLSTART=YES\n` +
      `POP3AUTH_TLS="PLAIN LOGIN"\nTLS_CERTFILE=${quoted(join(config, 'imapd.pem'))}\nTLS_VERIFYPEER=NONE\n`,
    authdaemonrc: `${heading}authmodulelist="authuserdb"\nauthdaemonvar=${quoted(sockets)}\n`,
    postrider: `${heading}${owner ? 'WORKER_USER=nobody\n' : ''}WORKERS=2\n`,
    userdb: `${demoAccount.address}\t${fields}\n`,
  };
}

const heading = '# Made by "postrider demo"; change it as you like, it is not written again.\n';
const capabilities =
  'IMAP_CAPABILITY="IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"\n' +
  'IMAP_CAPABILITY_TLS="$IMAP_CAPABILITY AUTH=PLAIN"\n';

function quoted(path: string): string {
  if (/['"$`\\\n]/.test(path)) throw new Error(`${path}: move the package to a folder with a simpler name`);
  return `"${path}"`;
}

/** The path of a UNIX socket has at most 107 octets. */
function socketDirectory(directory: string): string {
  const inside = join(directory, 'auth');
  if (Buffer.byteLength(inside) < 90) return inside;
  const mark = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  return join(tmpdir(), `postrider-demo-${mark}`);
}

function makeOwned(path: string, owner: FileOwner | undefined): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  if (owner) chownSync(path, owner.uid, owner.gid);
}

function writeNew(path: string, text: string): void {
  if (!existsSync(path)) writeFileSync(path, text, { mode: 0o600 });
}

async function makeCertificate(path: string): Promise<void> {
  if (existsSync(path)) return;
  const { makeSelfSigned } = await import('../tls/self-signed.ts');
  const subject = [
    ['O', 'Postrider demo'],
    ['CN', 'localhost'],
  ] as const;
  const names = ['localhost', '127.0.0.1', '::1'];
  writeNew(path, await makeSelfSigned({ subject, names, days: 3650, from: new Date() }));
}

function reachableByAll(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === '/') return true;
  }
}
