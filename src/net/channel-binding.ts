/** What both ends of a TLS connection know of it and nobody in between can have the same of (RFC 5929, RFC 9266). */
import { hash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/**
 * @param name  `tls-exporter` (TLS 1.3) or `tls-server-end-point`
 * @returns undefined: there is no binding of this name here
 */
export function channelBinding(socket: TLSSocket, name: string): Uint8Array | undefined {
  if (name === 'tls-exporter' && socket.getProtocol() === 'TLSv1.3')
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  return name === 'tls-server-end-point' ? endPoint(socket) : undefined;
}

/** The server's certificate, hashed as its signature is, at least with SHA-256 (RFC 5929 §4.1). */
function endPoint(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.getCertificate();
  if (certificate === null || !('raw' in certificate)) return undefined;
  const { signatureAlgorithm } = new X509Certificate(certificate.raw);
  const algorithm = /(?:md5|sha-?(?:1|224|256|384|512))(?=\D|$)/i.exec(signatureAlgorithm ?? '')?.[0];
  if (algorithm === undefined) return undefined;
  const plain = algorithm.toLowerCase().replace('-', '');
  return hash(plain === 'md5' || plain === 'sha1' ? 'sha256' : plain, certificate.raw, 'buffer');
}
