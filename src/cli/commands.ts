import type { Command } from './command.ts';

interface Entry {
  /** One line for the list of commands. */
  readonly does: string;
  readonly load: () => Promise<Command>;
}

/** Every subcommand; a module is loaded only when its command runs. */
export const commands: Readonly<Record<string, Entry>> = {
  serve: {
    does: 'the whole server',
    load: () => import('./serve.ts'),
  },
  demo: {
    does: 'serve an account full of made-up mail, to look at',
    load: () => import('./demo.ts'),
  },
  imapd: {
    does: 'IMAP on standard input and output, for a user who is known already',
    load: () => import('./imapd.ts'),
  },
  pop3d: {
    does: 'the same for POP3',
    load: () => import('./pop3d.ts'),
  },
  config: {
    does: 'check, show or upgrade the configuration',
    load: () => import('./config.ts'),
  },
  index: {
    does: 'build or remove the text indexes of accounts',
    load: () => import('./index.ts'),
  },
  install: {
    does: 'lay out directories, links, settings, manual pages and units',
    load: () => import('./install.ts'),
  },
  takeover: {
    does: 'say what will become of a Courier installation',
    load: () => import('./takeover.ts'),
  },
  authdaemond: {
    does: 'the authentication daemon',
    load: () => import('./authdaemond.ts'),
  },
  maildirmake: {
    does: 'make maildirs, folders, quotas and links to sharable maildirs',
    load: () => import('./maildirmake.ts'),
  },
  deliverquota: {
    does: 'deliver a message into a maildir if its quota has room',
    load: () => import('./deliverquota.ts'),
  },
  maildiracl: {
    does: 'show and change access control lists',
    load: () => import('./maildiracl.ts'),
  },
  sharedindexsplit: {
    does: 'make index files of shared accounts out of a list of accounts',
    load: () => import('./sharedindexsplit.ts'),
  },
  sharedindexinstall: {
    does: 'put new index files of shared accounts in place',
    load: () => import('./sharedindexinstall.ts'),
  },
  maildirkw: {
    does: 'show and change the keywords of messages',
    load: () => import('./maildirkw.ts'),
  },
  'imapd.rc': {
    does: 'start, stop or restart IMAP on port 143',
    load: () => import('./rc.ts'),
  },
  'imapd-ssl.rc': {
    does: 'the same for port 993',
    load: () => import('./rc.ts'),
  },
  'pop3d.rc': {
    does: 'the same for POP3 on port 110',
    load: () => import('./rc.ts'),
  },
  'pop3d-ssl.rc': {
    does: 'the same for port 995',
    load: () => import('./rc.ts'),
  },
  mkimapdcert: {
    does: 'make a certificate for IMAP, signed by itself',
    load: () => import('./mkcert.ts'),
  },
  mkpop3dcert: {
    does: 'make a certificate for POP3, signed by itself',
    load: () => import('./mkcert.ts'),
  },
  makeimapaccess: {
    does: 'check the access files and have them read',
    load: () => import('./makeimapaccess.ts'),
  },
  mkdhparams: {
    does: 'write Diffie-Hellman parameters',
    load: () => import('./mkdhparams.ts'),
  },
  authtest: {
    does: 'look an account up, verify or change its password',
    load: () => import('./authtest.ts'),
  },
  authpasswd: {
    does: 'print the hash of a password',
    load: () => import('./authpasswd.ts'),
  },
  authenumerate: {
    does: 'list all accounts of the authentication daemon',
    load: () => import('./authenumerate.ts'),
  },
  authinfo: {
    does: 'print where files of the authentication library are',
    load: () => import('./authinfo.ts'),
  },
  courierauthconfig: {
    does: 'the same',
    load: () => import('./authinfo.ts'),
  },
  userdb: {
    does: 'change and show accounts of the userdb',
    load: () => import('./userdb.ts'),
  },
  userdbpw: {
    does: 'print a password hash for the userdb',
    load: () => import('./userdbpw.ts'),
  },
  makeuserdb: {
    does: 'make the index of the userdb',
    load: () => import('./makeuserdb.ts'),
  },
  pw2userdb: {
    does: "print the system's accounts as userdb records",
    load: () => import('./pw2userdb.ts'),
  },
  vchkpw2userdb: {
    does: "print vpopmail's accounts as userdb records",
    load: () => import('./vchkpw2userdb.ts'),
  },
};
