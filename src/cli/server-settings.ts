/** From the configuration directory to what the processes of the server are given. */
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import type { MailboxesSettings } from '../access/mailboxes.ts';
import type { Config, ServiceConfig } from '../config/load.ts';
import type { ImapSettings } from '../config/settings.ts';
import type { ImapSessionSettings } from '../imap/settings.ts';
import type { LoginSettings } from '../login/login-services.ts';
import { firstUser } from '../supervisor/privileges.ts';
import type {
  AccessSettings,
  MailSettings,
  ServerSettings,
  ServiceSettings,
} from '../supervisor/settings.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { accessFileOf, readAccessFile } from './access-file.ts';

type ImapServiceConfig = ServiceConfig<'imap'> | ServiceConfig<'imaps'>;

/** What the command line adds to the files. */
export interface ServeOptions {
  /** The command that runs the authentication daemon. */
  readonly authCommand: readonly string[];
}

/** The server that a configuration describes. Services whose START says NO are left out. */
export function serverSettings(config: Config, options: ServeOptions): ServerSettings {
  const { server, auth } = config;
  const services: ServiceSettings[] = [];
  for (const service of [config.imap, config.imaps]) {
    if (service?.settings.start) services.push(imapService(service));
  }
  const first = config.imap?.settings ?? config.imaps?.settings;
  return {
    services,
    auth: {
      socketPath: join(auth.settings.socketDirectory, 'socket'),
      defaultDomain: first?.defaultDomain || undefined,
      domainSeparators: first?.domainSeparators || undefined,
    },
    workers: server.settings.workers ?? availableParallelism(),
    workerUser: server.settings.workerUser ?? firstUser(['courier', 'daemon', 'nobody'])?.name ?? 'nobody',
    pidFile: first?.pidFile,
    authCommand: server.settings.authDaemon === 'own' ? options.authCommand : undefined,
    stopTimeoutMs: server.settings.shutdownSeconds * 1000,
  };
}

function imapService(service: ImapServiceConfig): ServiceSettings {
  const { settings, implicitTls } = service;
  const canTls = settings.tlsEnabled && (implicitTls || settings.startTls);
  return {
    name: service.scope,
    endpoints: settings.ports.map(({ address, port }) => ({ address: address ?? settings.address, port })),
    limits: {
      connections: settings.listenerOptions.maxConnections ?? settings.maxConnections,
      perAddress: settings.listenerOptions.maxPerAddress ?? settings.maxPerAddress,
    },
    access: accessSettings(settings),
    login: loginSettings(settings, canTls && !implicitTls),
    tls: canTls ? tlsSettings(settings) : undefined,
    implicitTls,
    mail: mailSettings(settings),
    imap: imapSessionSettings(settings),
  };
}

function accessSettings(settings: ImapSettings): AccessSettings {
  const file = accessFileOf(settings);
  const rules = file === undefined ? [] : readAccessFile(file).rules;
  return { rules, denyMessage: settings.listenerOptions.denyMessage };
}

function loginSettings(settings: ImapSettings, startTls: boolean): LoginSettings {
  return {
    service: 'imap',
    serviceByPort: Object.fromEntries(settings.authServices),
    startTls,
    tlsRequired: settings.tlsRequired,
    loginTimeoutMs: settings.loginSeconds * 1000,
    failureDelayMs: settings.loginFailureSeconds * 1000,
    hostname: settings.hostname || hostname(),
  };
}

function tlsSettings(settings: ImapSettings): TlsSettings {
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

/** What all sessions of mail need. */
export function mailSettings(settings: ImapSettings): MailSettings {
  return {
    durable: settings.durable,
    keywords: settings.keywords,
    useLocks: settings.useLocks,
    hostname: settings.hostname || hostname(),
    umask: settings.umask,
    maildirPath: settings.maildirPath,
    mailboxes: mailboxesSettings(settings),
  };
}

function mailboxesSettings(settings: ImapSettings): MailboxesSettings {
  return {
    prefix: settings.namespacePrefix,
    trashFolder: settings.trashFolder,
    moveExpungeToTrash: settings.moveExpungeToTrash,
    checkAllFolders: settings.checkAllFolders,
    astralNames: false,
    specialUse: [
      ['\\Sent', settings.specialUseSent],
      ['\\Drafts', settings.specialUseDrafts],
      ['\\Trash', [settings.trashFolder]],
      ['\\Junk', settings.specialUseJunk],
      ['\\Archive', settings.specialUseArchive],
    ],
  };
}

/** What IMAP sessions need beside that. */
export function imapSessionSettings(settings: ImapSettings): ImapSessionSettings {
  const emptyTrash = settings.emptyTrash.map(({ folder, days }) =>
    folder === undefined ? String(days) : `${folder}:${days}`,
  );
  const extra = settings.extraCapabilities.map((name) => ` ${name}`).join('');
  return {
    capability: settings.capability + extra,
    capabilityTls: settings.capabilityTls === '' ? '' : settings.capabilityTls + extra,
    smapCapability: settings.smapCapability,
    keywords: settings.keywords !== 0,
    acl: settings.acl,
    idFields: settings.idFields,
    outbox: settings.outbox ?? '',
    moveExpungeToTrash: settings.moveExpungeToTrash,
    trashFolder: settings.trashFolder,
    emptyTrash: emptyTrash.length === 0 ? undefined : emptyTrash.join(','),
    logDeletions: settings.logDeletions,
    checkAllFolders: settings.checkAllFolders,
    obsoleteClient: settings.obsoleteClient,
    disableThreadSort: settings.disableThreadSort,
    limits: {
      lineOctets: settings.lineLengthOctets,
      literalOctets: settings.commandLiteralOctets,
      appendOctets: settings.literalSizeOctets || Number.MAX_SAFE_INTEGER,
      depth: settings.listDepth,
      searchKeys: 1000,
      commandsPerSecond: settings.commandsPerSecond || Infinity,
      refusals: 10,
      inactivityMs: settings.inactivitySeconds * 1000,
      literalMs: 60_000,
    },
  };
}
