/** An OpenLDAP server of the test's own, with StartTLS and ldaps. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from './certificates.ts';
import {
  accepts,
  freePort,
  needProgram,
  privateFolder,
  removeFolder,
  type ServerProcess,
  serverProcess,
  unprivilegedUser,
} from './private-server.ts';

export interface LdapServer extends ServerProcess {
  /** `ldap://localhost:port` */
  readonly uri: string;
  readonly tlsUri: string;
  /** The certificate authority's file. */
  readonly ca: string;
  readonly adminDn: string;
  readonly adminPassword: string;
  add(ldif: string): void;
  modify(ldif: string): void;
  cleanUp(): Promise<void>;
}

export const ldapBase = 'dc=example,dc=com';

/** Attributes that Courier's sites have in schemas of their own. */
const schema = `
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'mailbox' SUP name )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'clearPassword' SUP name )
attributetype ( 1.3.6.1.4.1.99999.3 NAME 'quota' SUP name )
attributetype ( 1.3.6.1.4.1.99999.4 NAME 'noImap' SUP name )
attributetype ( 1.3.6.1.4.1.99999.5 NAME 'handle' SUP name )
objectclass ( 1.3.6.1.4.1.99999.6 NAME 'mailAccount' SUP top AUXILIARY
  MAY ( mail $ mailbox $ clearPassword $ quota $ noImap $ handle $ uidNumber $ gidNumber $ homeDirectory ) )
`;

/** @param more  lines of slapd.conf */
export async function startSlapd(more = ''): Promise<LdapServer> {
  const daemon = needProgram(['/usr/sbin/slapd'], 'slapd');
  const ldapadd = needProgram(['/usr/bin/ldapadd'], 'ldap-utils');
  const user = unprivilegedUser();
  const folder = privateFolder('slapd', user);
  makeCertificates(folder, user);
  const data = join(folder, 'data');
  mkdirSync(data);
  if (user) chownSync(data, user.uid, user.gid);
  writeFileSync(join(folder, 'mail.schema'), schema);
  const [adminDn, adminPassword] = [`cn=admin,${ldapBase}`, 'admin pass'];
  writeFileSync(
    join(folder, 'slapd.conf'),
    `${['core', 'cosine', 'nis'].map((name) => `include /etc/ldap/schema/${name}.schema\n`).join('')}` +
      `include ${folder}/mail.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n` +
      `${more}TLSCACertificateFile ${folder}/ca.pem\nTLSCertificateFile ${folder}/server.pem\n` +
      `TLSCertificateKeyFile ${folder}/server.key\ndatabase mdb\nsuffix ${ldapBase}\nrootdn ${adminDn}\n` +
      `rootpw "${adminPassword}"\ndirectory ${data}\ndbnosync\nmaxsize 10485760\n` +
      'access to attrs=userPassword,clearPassword by self write by anonymous auth by * none\n' +
      'access to * by self write by users read by * none\n',
  );
  const [port, tlsPort] = [await freePort(), await freePort()];
  const listeners = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`;
  const command = [daemon, '-f', join(folder, 'slapd.conf'), '-h', listeners, '-d', '0'];
  const server = serverProcess(command, folder, () => accepts({ port }), user);
  await server.start();
  const uri = `ldap://localhost:${port}`;
  return {
    ...server,
    uri,
    tlsUri: `ldaps://localhost:${tlsPort}`,
    ca: join(folder, 'ca.pem'),
    adminDn,
    adminPassword,
    add: (ldif) =>
      void execFileSync(ldapadd, ['-x', '-H', uri, '-D', adminDn, '-w', adminPassword], {
        input: ldif,
        stdio: ['pipe', 'ignore', 'pipe'],
      }),
    modify: (ldif) =>
      void execFileSync(
        ldapadd.replace(/add$/, 'modify'),
        ['-x', '-H', uri, '-D', adminDn, '-w', adminPassword],
        {
          input: ldif,
          stdio: ['pipe', 'ignore', 'pipe'],
        },
      ),
    async cleanUp() {
      await server.stop();
      removeFolder(folder);
    },
  };
}
