import { integer, path, programOptions, text, words } from '../kinds.ts';
import type { Row } from './row.ts';

const auth = ['auth'] as const;

/** The authentication daemon (authlib §3.2). */
export const authRows = [
  {
    name: 'authmodulelist',
    field: 'modules',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: words,
    default: 'authpam',
    means: 'The modules that are asked, in this order.',
  },
  {
    name: 'daemons',
    field: 'workers',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: integer(1),
    default: '5',
    means: 'How many passwords are verified at the same time.',
  },
  {
    name: 'authdaemonvar',
    field: 'socketDirectory',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: path,
    default: '/run/courier/authdaemon',
    means: 'The directory of the socket; who can enter it can read every password hash.',
  },
  {
    name: 'DEBUG_LOGIN',
    field: 'debugLogin',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: integer(0, 2),
    default: '0',
    means: 'Log what the modules do: 0 nothing, 1 the steps, 2 passwords as well.',
  },
  {
    name: 'DEFAULTOPTIONS',
    field: 'defaultOptions',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: text,
    default: '',
    means: 'The options of accounts that do not set them, e.g. disablepop3=1,wbnodsn=1.',
  },
  {
    name: 'LOGGEROPTS',
    field: 'loggerOptions',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: programOptions,
    default: '',
    means: "Options of Courier's logger: -name=NAME and -facility=FACILITY are used.",
  },
  {
    name: 'LDAP',
    field: 'ldapEnvironment',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: text,
    default: '',
    family: true,
    means: 'LDAPTLS_CACERT, LDAPTLS_REQCERT and so on: settings of the LDAP library.',
  },
  {
    name: 'authmodulelistorig',
    field: 'modulesOrig',
    files: ['authdaemonrc'],
    scopes: auth,
    kind: text,
    default: '',
    template: 'authuserdb authpam authpgsql authldap authmysql authsqlite authcustom authpipe',
    means: 'All modules there are.',
    unused: { why: 'only the web administration of Courier reads it', warn: false },
  },
] as const satisfies readonly Row[];
