import { flag, logDeletions, text, words } from '../kinds.ts';
import type { Row } from './row.ts';

const pop3 = ['pop3', 'pop3s'] as const;

/** POP3 (pop3-proxy-options §5). */
export const pop3Rows = [
  {
    name: 'POP3AUTH',
    field: 'saslMechanisms',
    files: ['pop3d'],
    scopes: pop3,
    kind: words,
    default: '',
    unset: 'none',
    means: 'The login methods announced by CAPA.',
  },
  {
    name: 'POP3AUTH_TLS',
    field: 'saslMechanismsTls',
    files: ['pop3d'],
    scopes: pop3,
    kind: words,
    default: '',
    unset: 'none',
    means: 'The same under TLS.',
  },
  {
    name: 'POP3AUTH_ORIG',
    field: 'saslMechanismsOrig',
    files: ['pop3d'],
    scopes: pop3,
    kind: text,
    default: '',
    template: 'PLAIN LOGIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256',
    means: 'All login methods.',
    unused: { why: 'only the web administration of Courier reads it', warn: false },
  },
  {
    name: 'POP3AUTH_TLS_ORIG',
    field: 'saslMechanismsTlsOrig',
    files: ['pop3d'],
    scopes: pop3,
    kind: text,
    default: '',
    template: 'LOGIN PLAIN',
    means: 'All login methods under TLS.',
    unused: { why: 'only the web administration of Courier reads it', warn: false },
  },
  {
    name: 'POP3_PROXY',
    field: 'proxy',
    files: ['pop3d'],
    scopes: pop3,
    kind: flag,
    default: '0',
    means: 'Connect accounts with a mailhost option to that server after login.',
  },
  {
    name: 'POP3_LOG_DELETIONS',
    field: 'logDeletions',
    files: ['pop3d'],
    scopes: pop3,
    kind: logDeletions,
    default: '',
    unset: 'off',
    means: 'Log every message that is removed.',
  },
  {
    name: 'MIME_UNICODE_MESSAGE_TYPE',
    field: 'unicodeMessageType',
    files: ['pop3d'],
    scopes: pop3,
    kind: text,
    default: 'message/global',
    means: 'The type of the part in which clients without UTF8 get messages with UTF-8 headers.',
  },
] as const satisfies readonly Row[];
