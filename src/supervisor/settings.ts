/** Everything the processes need to know, as plain values that can be sent from one to another. */
import type { MailboxesSettings } from '../access/mailboxes.ts';
import type { AuthClientSettings } from '../auth/client.ts';
import type { ImapSessionSettings } from '../imap/settings.ts';
import type { AccessRule } from '../login/access-rules.ts';
import type { DnsListSettings } from '../login/dns-lists.ts';
import type { LoginSettings } from '../login/login-services.ts';
import type { ProxySettings } from '../login/proxy/proxy.ts';
import type { Endpoint } from '../net/listen-handle.ts';
import type { Pop3SessionSettings } from '../pop3/settings.ts';
import type { QuotaRules, StoreSettings } from '../store/settings.ts';
import type { TlsSettings } from '../tls/settings.ts';
import type { MetricsAddress } from './metrics-endpoint.ts';

export type ServiceName = 'imap' | 'imaps' | 'pop3' | 'pop3s';

/** What sessions of mail need, whatever the protocol. */
export interface MailSettings {
  readonly durable: boolean;
  readonly keywords: 0 | 1 | 2;
  readonly useLocks: boolean;
  readonly hostname: string;
  readonly umask: number;
  readonly quotaRules: QuotaRules;
  /** Let the system tell of changes in folders. */
  readonly watch: boolean;
  /** What a process may remember of the structure of messages. */
  readonly messageCacheOctets: number;
  /** What is kept of folders between processes. */
  readonly index: Pick<
    StoreSettings,
    'keepsIndex' | 'indexDirectory' | 'cacheFileOctets' | 'textIndexFrom' | 'lazyUids'
  >;
  /** MAILDIRPATH: where mail lies below the home directory of an account that does not say. */
  readonly maildirPath: string;
  /** How long `loginexec` may run; undefined: it is not run. */
  readonly loginExecTimeoutMs: number | undefined;
  /** The variables of the setting files, for programs that run on behalf of a session. */
  readonly environment: Readonly<Record<string, string>>;
  /** What is looked at before an account is served: whose the maildir is, and the file server's clock. */
  readonly checks: { readonly owner: boolean; readonly clock: boolean };
  readonly mailboxes: MailboxesSettings;
}

/** One of Courier's four daemons. */
export type ServiceSettings = ImapServiceSettings | Pop3ServiceSettings;

export interface ImapServiceSettings extends AnyServiceSettings {
  readonly protocol: 'imap';
  readonly imap: ImapSessionSettings;
}

export interface Pop3ServiceSettings extends AnyServiceSettings {
  readonly protocol: 'pop3';
  readonly pop3: Pop3SessionSettings;
}

export interface AnyServiceSettings {
  readonly name: ServiceName;
  /** What its log lines are marked with in the system's log, and their facility. */
  readonly logName: string;
  readonly logFacility: string;
  readonly endpoints: readonly Endpoint[];
  readonly limits: ConnectionLimits;
  readonly access: AccessSettings;
  /** Where a PROXY header comes first, and from whom. */
  readonly proxyHeaders: ProxyHeaderSettings;
  readonly login: LoginSettings;
  /** Undefined: every account is served here. */
  readonly proxy: ProxySettings | undefined;
  /** For STARTTLS, or from the first octet on where `implicitTls` says so. */
  readonly tls: TlsSettings | undefined;
  readonly implicitTls: boolean;
  readonly mail: MailSettings;
}

export interface ConnectionLimits {
  /** MAXDAEMONS. */
  readonly connections: number;
  /** MAXPERIP. */
  readonly perAddress: number;
  /** -maxperc: of an IPv4 /24 or IPv6 /120. Undefined: no limit. */
  readonly perBlock: number | undefined;
  /** Sessions of one account from one address, all services together. Undefined: no limit. */
  readonly perAccount: number | undefined;
  /** -warn: from so many connections on the log says so. */
  readonly warnAt: number;
}

/** Whom a service serves (IMAPACCESSFILE). */
export interface AccessSettings {
  readonly rules: readonly AccessRule[];
  /** -accesslocal: the local address and port are looked up as well. */
  readonly local: boolean;
  /** What those who are refused are told; '': that they are. */
  readonly denyMessage: string;
  readonly dnsLists: DnsListSettings;
  /** The service as variables of access records have it, by `variantKey`. */
  readonly variants: Readonly<Record<string, ServiceSettings>>;
}

/** Names a set of variables; those that no setting has are for the front end alone. */
export function variantKey(variables: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The PROXY protocol in front of a service (-haproxy in TCPDOPTS, PROXY_PROTOCOL_FROM). */
export interface ProxyHeaderSettings {
  /** Neither address nor port: every endpoint. None: no header is read. */
  readonly endpoints: readonly {
    readonly timeoutSeconds: number;
    readonly address: string | undefined;
    readonly port: number | undefined;
  }[];
  /** Networks whose word is believed; others may not connect there. */
  readonly trusted: readonly AccessRule[];
}

/** What the workers are told, again after each SIGHUP. */
export interface WorkerSettings {
  readonly services: readonly ServiceSettings[];
  readonly auth: AuthClientSettings;
}

export interface ServerSettings extends WorkerSettings {
  readonly workers: number;
  readonly log: 'stderr' | 'syslog';
  readonly logFormat: 'text' | 'json';
  /** Where the metrics are; undefined: nowhere. */
  readonly metricsAddress: MetricsAddress | undefined;
  /** The user that workers run as when the server is started as root. */
  readonly workerUser: string;
  /** Of the services; each holds this one process's number. */
  readonly pidFiles: readonly string[];
  /**
   * The command that runs our own authentication daemon, to be ended by `logMode`; undefined: somebody else's is at the
   * socket.
   */
  readonly authCommand: readonly string[] | undefined;
  /** What its lines are marked with in the system's log (LOGGEROPTS in authdaemonrc). */
  readonly authLog: { readonly name: string; readonly facility: string };
  /** How long sessions may take to finish at SIGTERM. */
  readonly stopTimeoutMs: number;
  /** The longest wait before a process that keeps dying is started again. */
  readonly restartLimitMs: number;
}
