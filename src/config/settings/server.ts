import { choice, integer, metricsAddress, optional, text } from '../kinds.ts';
import type { Row } from './row.ts';

const own = ['postrider'] as const;
const server = ['server'] as const;

/** The server as a whole: our own file, for what Courier has no name for. */
export const serverRows = [
  {
    name: 'WORKERS',
    field: 'workers',
    files: own,
    scopes: server,
    kind: optional(integer(1, 256)),
    default: '',
    unset: 'one a processor core',
    unit: 'processes',
    means: 'How many processes serve connections.',
  },
  {
    name: 'WORKER_USER',
    field: 'workerUser',
    files: own,
    scopes: server,
    kind: optional(text),
    default: '',
    unset: 'courier, or daemon, or nobody, whichever exists',
    means: 'The user the workers run as, if the server is started by root.',
  },
  {
    name: 'AUTHENTICATION_DAEMON',
    field: 'authDaemon',
    files: own,
    scopes: server,
    kind: choice('own', 'external'),
    default: 'own',
    means: "Whether the server starts its authentication daemon, or Courier's authdaemond is at the socket.",
  },
  {
    name: 'SHUTDOWN_TIMEOUT',
    field: 'shutdownSeconds',
    files: own,
    scopes: server,
    kind: integer(0, 3600),
    default: '10',
    unit: 'seconds',
    means: 'How long sessions may take to end when the server stops.',
  },
  {
    name: 'RESTART_DELAY_LIMIT',
    field: 'restartLimitSeconds',
    files: own,
    scopes: server,
    kind: integer(0, 3600),
    default: '30',
    unit: 'seconds',
    means: 'The longest wait before a process that keeps dying is started again.',
  },
  {
    name: 'LOG',
    field: 'log',
    files: own,
    scopes: server,
    kind: optional(choice('stderr', 'syslog')),
    default: '',
    unset: 'stderr in the foreground, else syslog',
    means: 'Where log lines go.',
  },
  {
    name: 'LOG_FORMAT',
    field: 'logFormat',
    files: own,
    scopes: server,
    kind: choice('text', 'json'),
    default: 'text',
    means:
      "With text, Courier's lines; with json, an object a line, with the fields of Courier's lines and a session that all " +
      'lines of one connection have in common.',
  },
  {
    name: 'METRICS_ADDRESS',
    field: 'metricsAddress',
    files: own,
    scopes: server,
    kind: metricsAddress,
    default: '',
    unset: 'no metrics are served',
    means:
      'Where numbers about the server can be fetched, for Prometheus, without a password: address.port, or a port ' +
      'of the loopback address.',
  },
] as const satisfies readonly Row[];
