/** What sessions of mail are given, whichever program starts them. */
import { hostname } from 'node:os';
import type { MailboxesSettings } from '../access/mailboxes.ts';
import { pathOctets } from '../base/paths.ts';
import type { ImapSettings, Pop3Settings } from '../config/settings.ts';
import type { ImapSessionSettings } from '../imap/settings.ts';
import type { Pop3SessionSettings } from '../pop3/settings.ts';
import type { QuotaRules } from '../store/settings.ts';
import type { MailSettings } from '../supervisor/settings.ts';

/** What programs get that run for a session on standard streams: all that we got, but nobody's home. */
export function hookEnvironment(environment: Environment): Record<string, string> {
  const { HOME: _home, USER: _user, ...rest } = environment;
  const set = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What all sessions of mail need. */
export function mailSettings(
  settings: ImapSettings,
  environment: Readonly<Record<string, string>> = {},
): MailSettings {
  return {
    environment,
    durable: settings.durable,
    keywords: settings.keywords,
    useLocks: settings.useLocks,
    hostname: settings.hostname || hostname(),
    loginExecTimeoutMs: settings.loginExec ? settings.loginExecSeconds * 1000 : undefined,
    umask: settings.umask,
    quotaRules: quotaRules(settings),
    watch: settings.watchDirectories,
    messageCacheOctets: settings.messageCacheOctets,
    index: indexSettings(settings),
    maildirPath: settings.maildirPath,
    checks: { owner: settings.sanityCheck, clock: true },
    mailboxes: mailboxesSettings(settings),
  };
}

/** What counts in the quota. */
export function quotaRules({ trashQuota, quotaLinks }: ImapSettings): QuotaRules {
  return { countTrash: trashQuota, quotaLinks };
}

/** What is kept of folders between processes. */
function indexSettings(settings: ImapSettings): MailSettings['index'] {
  const { folderIndex, indexDirectory, cacheFileOctets, textIndexFrom, lazyUids } = settings;
  return {
    keepsIndex: folderIndex,
    indexDirectory: indexDirectory === undefined ? undefined : pathOctets(indexDirectory),
    cacheFileOctets,
    textIndexFrom: folderIndex && textIndexFrom > 0 ? textIndexFrom : undefined,
    lazyUids,
  };
}

function mailboxesSettings(settings: ImapSettings): MailboxesSettings {
  return {
    prefix: settings.namespacePrefix,
    trashFolder: settings.trashFolder,
    moveExpungeToTrash: settings.moveExpungeToTrash,
    checkAllFolders: settings.checkAllFolders,
    astralNames: false,
    shared: {
      indexFile: settings.sharedIndexFile ?? '',
      sharableFile: settings.sharableFile,
      mungeNames: settings.mungeSharedNames,
    },
    maildirQuota: settings.maildirQuota,
    mailboxLimit: settings.mailboxLimit,
    ...(settings.quotaWarnPercent !== undefined && {
      quotaWarning: { percent: settings.quotaWarnPercent, messageFile: settings.quotaWarningFile },
    }),
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
export function imapSessionSettings(
  settings: ImapSettings,
  environment: Readonly<Record<string, string>>,
): ImapSessionSettings {
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
    debugFile: settings.debugFile,
    outbox: settings.outbox ?? '',
    submission: {
      sendmail: settings.sendmail,
      smartHost: settings.outboxSmtp,
      headerFrom: settings.headerFrom,
      environment,
      multipleSend: settings.outboxMultipleSend,
      timeoutMs: settings.outboxSeconds * 1000,
    },
    moveExpungeToTrash: settings.moveExpungeToTrash,
    trashFolder: settings.trashFolder,
    emptyTrash: emptyTrash.length === 0 ? undefined : emptyTrash.join(','),
    logDeletions: settings.logDeletions,
    checkAllFolders: settings.checkAllFolders,
    obsoleteClient: settings.obsoleteClient,
    disableThreadSort: settings.disableThreadSort,
    compress: settings.compress,
    idlePollMs: settings.idlePollSeconds * 1000,
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

/** What POP3 sessions need beside what all sessions do. */
export function pop3SessionSettings(settings: Pop3Settings): Pop3SessionSettings {
  return {
    saslMechanisms: settings.saslMechanisms,
    saslMechanismsTls: settings.saslMechanismsTls,
    logDeletions: settings.logDeletions,
    unicodeMessageType: settings.unicodeMessageType,
    loginDelaySeconds: settings.loginDelaySeconds,
    inactivityMs: settings.inactivitySeconds * 1000,
  };
}

/** POP3 removes messages for good, whatever IMAP does, and leaves the owner of a maildir to the file system. */
export function pop3MailSettings(
  imap: ImapSettings,
  maildirPath: string,
  environment: Readonly<Record<string, string>>,
): MailSettings {
  const settings = mailSettings(imap, environment);
  const mailboxes = { ...settings.mailboxes, moveExpungeToTrash: false };
  return { ...settings, maildirPath, mailboxes, checks: { owner: false, clock: false } };
}
