import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

export interface SelfSignedRequest {
  /** The subject as `[['C', 'US'], ['CN', 'mail.example.com']]`, in order. */
  readonly subject: readonly (readonly [field: string, value: string])[];
  /** Names and addresses for subjectAltName. */
  readonly names: readonly string[];
  readonly days: number;
  /** The moment it begins to be valid. */
  readonly from: Date;
}

/** A new P-256 key and a certificate for a server signed by it, as PEM: the key first, as Courier's tools write it. */
export async function makeSelfSigned(request: SelfSignedRequest): Promise<string> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: new x509.Name(request.subject.map(([field, value]) => ({ [field]: [value] }))),
    notBefore: request.from,
    notAfter: new Date(request.from.getTime() + request.days * 86_400_000),
    signingAlgorithm: algorithm,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        request.names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return `${pem('PRIVATE KEY', pkcs8)}${pem('CERTIFICATE', Buffer.from(certificate.rawData))}`;
}

/** Positive, as RFC 5280 §4.1.2.2 wants it. */
function serialNumber(): string {
  const octets = webcrypto.getRandomValues(new Uint8Array(16));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return Buffer.from(octets).toString('hex');
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
