/** Certificates and keys of a Courier installation. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type ServiceConfig, serviceNames } from '../config/load.ts';
import { change, differs, type Finding, type Installation, works } from './takeover-report.ts';

const dayMs = 86_400_000;

export function certificateFindings(installation: Installation): Finding[] {
  const { config } = installation;
  const services = serviceNames.flatMap((name) => config[name] ?? []);
  const serving = services.filter(
    ({ settings, implicitTls }) =>
      settings.start && settings.tlsEnabled && (implicitTls || settings.startTls),
  );
  const found = new Map<string, Finding>();
  for (const service of serving)
    for (const each of [
      ...serverCertificate(installation, service),
      ...clientCertificates(installation, service),
    ])
      found.set(JSON.stringify(each), each);
  return [...found.values()];
}

function serverCertificate({ at }: Installation, { settings }: ServiceConfig): Finding[] {
  const { tlsCertFile, tlsKeyFile } = settings;
  const about = 'certificate';
  let pem: string;
  try {
    pem = readFileSync(at(tlsCertFile), 'latin1');
  } catch (error) {
    return [change(about, `${tlsCertFile}: ${reason(error)}; mkimapdcert or mkpop3dcert makes one`)];
  }
  try {
    const certificate = new X509Certificate(pem);
    const key = tlsKeyFile === undefined ? pem : readFileSync(at(tlsKeyFile), 'latin1');
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return [change(about, `${tlsCertFile}: the key is not the one of the certificate`)];
    createSecureContext({ cert: pem, key });
    const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / dayMs);
    if (days < 0) return [change(about, `${tlsCertFile} has expired on ${certificate.validTo}`)];
    const hosts = (certificate.subjectAltName ?? '')
      .split(', ')
      .filter((name) => /^(DNS|IP Address):/.test(name));
    const shown = hosts.length > 0 ? hosts.join(', ') : (certificate.subject ?? '').replaceAll('\n', ', ');
    const found = [works(about, `${tlsCertFile} is for ${shown} and valid for ${days} days`)];
    if (hosts.length === 0)
      found.push(
        differs(about, `${tlsCertFile} has no host name in subjectAltName: most clients of today want one`),
      );
    return found;
  } catch (error) {
    return [change(about, `${tlsCertFile}: ${reason(error)}`)];
  }
}

function clientCertificates({ at }: Installation, { settings }: ServiceConfig): Finding[] {
  const { tlsVerifyPeer, tlsTrustCerts, tlsExternal } = settings;
  if (tlsVerifyPeer === 'none') return [];
  const about = 'client certificates';
  if (tlsTrustCerts === undefined)
    return [
      change(about, 'TLS_VERIFYPEER asks for them and TLS_TRUSTCERTS is not set: all of them are refused'),
    ];
  try {
    readFileSync(at(tlsTrustCerts));
  } catch (error) {
    // A directory is as good as a file.
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR')
      return [change(about, `${tlsTrustCerts}: ${reason(error)}`)];
  }
  const use = tlsExternal === undefined ? 'are verified' : `log in by ${tlsExternal}`;
  return [works(about, `${use}, from the authorities of ${tlsTrustCerts} and no others`)];
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
