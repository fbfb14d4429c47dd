import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** The client's side of SCRAM-SHA-256 (RFC 5802 §3). */
export function scramFinal(bare: string, serverFirst: string, header: Buffer, password: string) {
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst)!;
  const salted = pbkdf2Sync(password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256');
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const without = `c=${header.toString('base64')},r=${nonce}`;
  const message = `${bare},${serverFirst},${without}`;
  const signature = hmac(storedKey, message);
  const proof = Buffer.from(clientKey.map((octet, i) => octet ^ signature[i]!)).toString('base64');
  const expected = hmac(hmac(salted, 'Server Key'), message).toString('base64');
  return { final: `${without},p=${proof}`, expected: `v=${expected}` };
}
