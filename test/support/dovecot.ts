/** Debian's Dovecot, with a configuration and mail of its own in a folder of the test. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  accepts,
  freePort,
  needProgram,
  privateFolder,
  removeFolder,
  serverProcess,
  unprivilegedUser,
} from './private-server.ts';

export interface Dovecot {
  readonly imapPort: number;
  readonly pop3Port: number;
  /** Has any account that is asked for, with the password `pass`; its mail is in `ACCOUNT/Maildir` below this. */
  readonly mail: string;
  readonly owner: { readonly uid: number; readonly gid: number };
}

/** Dovecot can be started by root only. @throws {Error} it is not installed */
export async function startDovecot(t: TestContext): Promise<Dovecot> {
  const program = needProgram(['/usr/sbin/dovecot'], 'dovecot-imapd');
  const owner = unprivilegedUser()!;
  const folder = privateFolder('dovecot');
  chmodSync(folder, 0o755);
  const mail = join(folder, 'mail');
  mkdirSync(mail);
  chownSync(mail, owner.uid, owner.gid);
  const [imapPort, pop3Port] = [await freePort(), await freePort()];
  const file = join(folder, 'dovecot.conf');
  const isOld = execFileSync(program, ['--version'], { encoding: 'utf8' }).startsWith('2.3');
  const lines = [
    ...(isOld ? [] : ['dovecot_config_version = 2.4.0', 'dovecot_storage_version = 2.4.0']),
    ...common(folder, imapPort, pop3Port),
    ...(isOld ? version23(mail, owner) : version24(mail, owner)),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const server = serverProcess([program, '-F', '-c', file], folder, async () => {
    await accepts({ port: imapPort });
    await accepts({ port: pop3Port });
  });
  t.after(async () => {
    await server.stop();
    removeFolder(folder);
  });
  await server.start();
  return { imapPort, pop3Port, mail, owner };
}

function common(folder: string, imapPort: number, pop3Port: number): string[] {
  const login = (protocol: string, port: number) =>
    `service ${protocol}-login {\n inet_listener ${protocol} {\n  port = ${port}\n }\n inet_listener ${protocol}s {\n  port = 0\n }\n}`;
  return [
    'protocols = imap pop3',
    'listen = 127.0.0.1',
    `base_dir = ${folder}/run`,
    `log_path = ${folder}/dovecot.log`,
    'ssl = no',
    'auth_mechanisms = plain',
    'first_valid_uid = 1',
    login('imap', imapPort),
    login('pop3', pop3Port),
  ];
}

function version23(mail: string, { uid, gid }: Dovecot['owner']): string[] {
  return [
    'disable_plaintext_auth = no',
    'mail_location = maildir:~/Maildir',
    'passdb {\n driver = static\n args = password=pass\n}',
    `userdb {\n driver = static\n args = uid=${uid} gid=${gid} home=${mail}/%u\n}`,
  ];
}

function version24(mail: string, { uid, gid }: Dovecot['owner']): string[] {
  return [
    'auth_allow_cleartext = yes',
    'mail_driver = maildir',
    `mail_home = ${mail}/%{user}`,
    'mail_path = ~/Maildir',
    `mail_uid = ${uid}`,
    `mail_gid = ${gid}`,
    'passdb static {\n password = pass\n}',
    'userdb static {\n}',
  ];
}
