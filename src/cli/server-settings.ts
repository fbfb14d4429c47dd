/** From the configuration directory to what the processes of the server are given. */
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { type Config, type ServiceConfig, type ServiceName, serviceNames } from '../config/load.ts';
import { resolveSettings } from '../config/resolve.ts';
import type { AuthSettings, ImapSettings, ListenerSettings, Pop3Settings } from '../config/settings.ts';
import { type AccessRule, parseAccessRules } from '../login/access-rules.ts';
import type { LoginSettings } from '../login/login-services.ts';
import { firstUser } from '../supervisor/privileges.ts';
import {
  type AccessSettings,
  type ServerSettings,
  type ServiceSettings,
  variantKey,
} from '../supervisor/settings.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { accessFileOf, readAccessFile } from './access-file.ts';
import { accessVariables, resolveVariant } from './access-variants.ts';
import { proxySettings } from './proxy-settings.ts';
import {
  imapSessionSettings,
  mailSettings,
  pop3MailSettings,
  pop3SessionSettings,
} from './session-settings.ts';

/** As long as a greeting may wait for lists that do not answer. */
const dnsListTimeoutMs = 5_000;

type ImapServiceConfig = ServiceConfig<'imap'> | ServiceConfig<'imaps'>;
type Pop3ServiceConfig = ServiceConfig<'pop3'> | ServiceConfig<'pop3s'>;

/** What the command line adds to the files. */
export interface ServeOptions {
  /** The command that runs the authentication daemon. */
  readonly authCommand: readonly string[];
  /** The one service to serve, started or not by its setting; undefined: all that START says. */
  readonly only?: ServiceName | undefined;
  /** Where the log goes if LOG does not say; default: standard error. */
  readonly usualLog?: 'syslog' | undefined;
}

/** The server that a configuration describes. Services whose START says NO are left out. */
export function serverSettings(config: Config, options: ServeOptions): ServerSettings {
  const { server, auth } = config;
  const { only } = options;
  const wanted = (service: ServiceConfig) =>
    only === undefined ? service.settings.start : service.scope === only;
  const services: ServiceSettings[] = [];
  for (const service of [config.imap, config.imaps]) {
    if (service && wanted(service)) services.push(withVariants(service, config, imapService));
  }
  for (const service of [config.pop3, config.pop3s]) {
    if (service && wanted(service))
      services.push(withVariants(service, config, (own) => pop3Service(own, config)));
  }
  const leading = only === undefined ? undefined : config[only];
  const ownDaemon = server.settings.authDaemon === 'own' && only === undefined;
  const first = (leading ?? config.imap ?? config.imaps ?? config.pop3 ?? config.pop3s)?.settings;
  return {
    services,
    auth: {
      socketPath: join(auth.settings.socketDirectory, 'socket'),
      defaultDomain: first?.defaultDomain || undefined,
      domainSeparators: first?.domainSeparators || undefined,
      startsSessions: true,
      connectTimeoutMs: first && first.authConnectSeconds * 1000,
      writeTimeoutMs: first && first.authWriteSeconds * 1000,
      readTimeoutMs: first && first.authReadSeconds * 1000,
    },
    log: server.settings.log ?? options.usualLog ?? 'stderr',
    logFormat: server.settings.logFormat,
    metricsAddress: server.settings.metricsAddress,
    workers: server.settings.workers ?? availableParallelism(),
    workerUser: server.settings.workerUser ?? firstUser(['courier', 'daemon', 'nobody'])?.name ?? 'nobody',
    pidFiles: pidFilesOf(config, wanted),
    authCommand: ownDaemon ? options.authCommand : undefined,
    authLog: authLog(auth.settings),
    stopTimeoutMs: server.settings.shutdownSeconds * 1000,
    restartLimitMs: server.settings.restartLimitSeconds * 1000,
  };
}

function pidFilesOf(config: Config, wanted: (service: ServiceConfig) => boolean): string[] {
  const served = serviceNames.flatMap((name) => config[name] ?? []).filter(wanted);
  return [...new Set(served.flatMap(({ settings }) => settings.pidFile ?? []))];
}

/** A service, and what becomes of it with the variables of each access record. */
function withVariants<C extends ServiceConfig>(
  service: C,
  config: Config,
  make: (service: C) => ServiceSettings,
): ServiceSettings {
  const made = make(service);
  const variants: Record<string, ServiceSettings> = {};
  for (const variables of accessVariables(made.access.rules, made.access.local, service.scope)) {
    const { settings } = resolveVariant(service, variables, config.directory);
    const environment = { ...service.environment, ...variables };
    variants[variantKey(variables)] = make({ ...service, settings, environment });
  }
  return { ...made, access: { ...made.access, variants } };
}

/** The authentication daemon's name and facility in the system's log. */
export function authLog({
  daemonLoggerOptions: { name, facility },
}: AuthSettings): ServerSettings['authLog'] {
  return { name: name ?? 'authdaemond', facility: facility ?? 'mail' };
}

function imapService(service: ImapServiceConfig): ServiceSettings {
  const { settings } = service;
  const any = anyService(service);
  return {
    ...any,
    protocol: 'imap',
    login: loginSettings('imap', settings, any.tls !== undefined && !any.implicitTls),
    mail: mailSettings(settings, service.environment),
    imap: imapSessionSettings(settings, service.environment),
  };
}

/** Courier's names in the system's log. */
const defaultLogNames: Readonly<Record<ServiceName, string>> = {
  imap: 'imapd',
  imaps: 'imapd-ssl',
  pop3: 'pop3d',
  pop3s: 'pop3d-ssl',
};

/** Courier's own threshold: 35 of 40. */
function usualWarning(connections: number): number {
  return Math.max(1, connections - Math.floor(connections / 10) - 1);
}

/** What both protocols have. */
function anyService({ scope, settings, implicitTls }: ServiceConfig) {
  const canTls = settings.tlsEnabled && (implicitTls || settings.startTls);
  const { listenerOptions } = settings;
  return {
    name: scope,
    logName: settings.loggerOptions.name ?? defaultLogNames[scope],
    logFacility: settings.loggerOptions.facility ?? 'mail',
    endpoints: settings.ports.map(({ address, port }) => ({ address: address ?? settings.address, port })),
    limits: {
      connections: listenerOptions.maxConnections ?? settings.maxConnections,
      perAddress: listenerOptions.maxPerAddress ?? settings.maxPerAddress,
      perBlock: listenerOptions.maxPerBlock,
      perAccount: settings.maxPerAccount || undefined,
      warnAt:
        listenerOptions.warnAt ?? usualWarning(listenerOptions.maxConnections ?? settings.maxConnections),
    },
    access: accessSettings(settings),
    proxy: settings.proxy ? proxySettings(settings) : undefined,
    proxyHeaders: {
      endpoints: listenerOptions.proxyHeaders,
      trusted: trustedNetworks(settings.proxyProtocolFrom),
    },
    tls: canTls ? tlsSettings(settings) : undefined,
    implicitTls,
  };
}

function pop3Service(service: Pop3ServiceConfig, config: Config): ServiceSettings {
  const { settings } = service;
  const any = anyService(service);
  return {
    ...any,
    protocol: 'pop3',
    login: loginSettings('pop3', settings, any.tls !== undefined && !any.implicitTls),
    mail: pop3MailSettings(sharedSettings(config), settings.maildirPath, service.environment),
    pop3: pop3SessionSettings(settings),
  };
}

/** How maildirs are treated is written into `imapd`; POP3 sessions of the process do as IMAP sessions do. */
function sharedSettings(config: Config): ImapSettings {
  const { imap, imaps, server } = config;
  return (imap ?? imaps)?.settings ?? resolveSettings('imap', server.variables, config.directory).settings;
}

function accessSettings(settings: ListenerSettings): AccessSettings {
  const file = accessFileOf(settings);
  const rules = file === undefined ? [] : readAccessFile(file).rules;
  const { denyMessage, accessLocal, dnsLists, drop } = settings.listenerOptions;
  return {
    rules,
    local: accessLocal,
    denyMessage,
    dnsLists: { rules: dnsLists, drop, timeoutMs: dnsListTimeoutMs },
    variants: {},
  };
}

/** @throws {Error} an entry that is no network */
function trustedNetworks(networks: readonly string[]): AccessRule[] {
  const { rules, errors } = parseAccessRules(networks.join('\n'));
  if (errors[0]) throw new Error(`PROXY_PROTOCOL_FROM: ${errors[0].message}`);
  return rules;
}

function loginSettings(
  service: 'imap' | 'pop3',
  settings: ImapSettings | Pop3Settings,
  startTls: boolean,
): LoginSettings {
  return {
    service,
    defaultDomain: settings.defaultDomain,
    domainSeparators: settings.domainSeparators,
    serviceByPort: Object.fromEntries(settings.authServices),
    startTls,
    tlsRequired: settings.tlsRequired,
    loginTimeoutMs: settings.loginSeconds * 1000,
    failureDelayMs: settings.loginFailureSeconds * 1000,
    hostname: settings.hostname || hostname(),
    offersBinding: offersBinding(settings),
  };
}

/** Whether what is said under TLS has the mechanism that needs it. */
function offersBinding(settings: ImapSettings | Pop3Settings): boolean {
  const mechanism = 'SCRAM-SHA-256-PLUS';
  if ('capability' in settings) {
    const words = (settings.capabilityTls || settings.capability).toUpperCase().split(/\s+/);
    return words.includes(`AUTH=${mechanism}`);
  }
  const { saslMechanisms, saslMechanismsTls } = settings;
  return (saslMechanismsTls.length > 0 ? saslMechanismsTls : saslMechanisms).includes(mechanism);
}

function tlsSettings(settings: ImapSettings | Pop3Settings): TlsSettings {
  return {
    certFile: settings.tlsCertFile,
    privateKeyFile: settings.tlsKeyFile,
    minVersion: settings.tlsProtocol.minVersion,
    strict: settings.tlsProtocol.strict,
    cipherList: settings.tlsCiphers ?? '',
    alpn: settings.tlsAlpn,
    verifyPeer: settings.tlsVerifyPeer,
    trustCerts: settings.tlsTrustCerts,
    external: settings.tlsExternal?.toLowerCase() ?? '',
    handshakeTimeoutMs: settings.loginSeconds * 1000,
  };
}
