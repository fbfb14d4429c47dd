/** The server's side of TLS for one listener: which certificate, which versions, whose client certificate. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import {
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import type { Log } from '../base/log.ts';
import { plainAddress } from '../net/address.ts';
import type { TlsSide } from '../net/stream-connection.ts';
import type { CertificateFiles } from './certificate-files.ts';
import { externalIdentity } from './client-certificate.ts';
import type { TlsSettings } from './settings.ts';

/** What the workers share, beside the settings. */
export interface TlsMaterial {
  readonly files: CertificateFiles;
  /** 48 octets: a session begun at one worker is resumed at another. */
  readonly ticketKeys: Uint8Array;
}

/**
 * Makes the TLS side of a listener. Contexts are made on first use and kept; new material means a new side.
 * @param material  asked at each handshake, so that a replaced certificate is live at once
 */
export function createTlsSide(settings: TlsSettings, material: () => TlsMaterial, log: Log): TlsSide {
  let used: TlsMaterial | undefined;
  let contexts = new Map<string, SecureContext | undefined>();
  const contextOf = (suffix: string): SecureContext | undefined => {
    const current = material();
    if (current !== used) {
      used = current;
      contexts = new Map();
    }
    if (contexts.has(suffix)) return contexts.get(suffix);
    if (!current.files.has(settings.certFile + suffix)) return undefined;
    const context = makeContext(settings, current, suffix, log);
    contexts.set(suffix, context);
    return context;
  };
  const choose = (suffixes: string[]) => {
    for (const suffix of suffixes) {
      const context = contextOf(suffix);
      if (context) return context;
    }
    return undefined;
  };
  return {
    handshakeTimeoutMs: settings.handshakeTimeoutMs,
    options(connection) {
      const secureContext = choose([`.${plainAddress(connection.localAddress)}`, '']);
      if (!secureContext) throw new Error(`${settings.certFile}: no usable certificate`);
      return {
        secureContext,
        SNICallback: (name, callback) => callback(null, choose(nameSuffixes(name))),
        ...(settings.alpn.length > 0 && { ALPNProtocols: [...settings.alpn] }),
        requestCert: settings.verifyPeer !== 'none',
        rejectUnauthorized: false,
      };
    },
    verify: (socket) => verifyClient(settings, socket),
  };
}

/** `mail.a.org` -> `.mail.a.org`, `.a.org`, `.org`: the exact name first. A name is never a path. */
export function nameSuffixes(name: string): string[] {
  const lower = name.toLowerCase().replaceAll('/', '.').replace(/\.$/, '');
  if (lower === '' || isIP(lower) !== 0) return [];
  const labels = lower.split('.');
  return labels.map((_, i) => `.${labels.slice(i).join('.')}`);
}

function makeContext(
  settings: TlsSettings,
  { files, ticketKeys }: TlsMaterial,
  suffix: string,
  log: Log,
): SecureContext | undefined {
  const cert = files.get(settings.certFile + suffix)!;
  const ownKey =
    settings.privateKeyFile === undefined ? undefined : files.get(settings.privateKeyFile + suffix);
  const asks = settings.verifyPeer !== 'none';
  const authorities = asks ? trusted(settings, files, 'CERTIFICATE') : [];
  const revoked = asks ? trusted(settings, files, 'X509 CRL') : [];
  const options: SecureContextOptions = {
    cert,
    key: ownKey ?? cert,
    minVersion: settings.minVersion,
    honorCipherOrder: settings.strict,
    ciphers: cipherList(settings),
    dhparam: 'auto',
    secureOptions: noRenegotiation,
    ticketKeys: Buffer.from(ticketKeys),
    sessionIdContext: sessionContext([settings.certFile, settings.verifyPeer, ...authorities, ...revoked]),
    ...(asks && { ca: authorities }),
    // With one list, every authority needs one: OpenSSL refuses what it cannot check.
    ...(revoked.length > 0 && { crl: revoked }),
  };
  try {
    return createSecureContext(options);
  } catch (error) {
    log.error(`${settings.certFile}${suffix}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** SSL_OP_NO_RENEGOTIATION, which Node has no name for. A client could have the server compute for it without end. */
const noRenegotiation = 0x4000_0000;

/**
 * What a resumed session must have in common with this context. The certificate of a client is looked at only when
 * its session begins, so that an authority that is not trusted any more, or a new list of revoked certificates, must
 * end the sessions from before.
 */
function sessionContext(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** What scanners have nothing to say about: keys of each session's own, and no separate authentication code. */
const strong12 = 'ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20';
/** What clients have that know nothing newer than TLS 1.1. */
const weak11 = 'ECDHE+AES:DHE+AES:AES:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0';

/** The administrator's list is for TLS 1.2 and older; without the suites of TLS 1.3 Node would switch that off. */
function cipherList({ cipherList: list, minVersion }: TlsSettings): string {
  const isOld = minVersion === 'TLSv1' || minVersion === 'TLSv1.1';
  const modern = DEFAULT_CIPHERS.split(':').filter((name) => name.startsWith('TLS_'));
  if (list !== '') return [...modern, list, ...(isOld ? ['@SECLEVEL=0'] : [])].join(':');
  return [...modern, strong12, ...(isOld ? [weak11] : [])].join(':');
}

/** Only what TLS_TRUSTCERTS names: no authority of the system can vouch for a login. */
function trusted(
  settings: TlsSettings,
  files: CertificateFiles,
  label: 'CERTIFICATE' | 'X509 CRL',
): string[] {
  const root = settings.trustCerts;
  if (root === undefined) return [];
  const inside = [...files].filter(([path]) => path === root || path.startsWith(`${root}/`));
  const block = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g');
  return inside.flatMap(([, pem]) => pem.match(block) ?? []);
}

function verifyClient(settings: TlsSettings, socket: TLSSocket): string | undefined {
  if (settings.verifyPeer === 'none') return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) {
    if (settings.verifyPeer === 'require') throw new Error('Certificate is required.');
    return undefined;
  }
  const handle = (socket as unknown as { _handle: { verifyError(): Error | null } })._handle;
  const error = handle.verifyError();
  if (error) throw error;
  return settings.external === '' ? undefined : externalIdentity(certificate, settings.external);
}
