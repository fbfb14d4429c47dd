/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), the daemon's half: the stored keys never leave it. The login stage passes the
 * client's messages on and checks the channel binding, which only it can know.
 */
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Account } from './account-record.ts';
import type { Chain } from './chain.ts';
import { decodeBase64 } from './cram.ts';
import { defaultScramIterations, deriveScramKeys, parseScramKeys, type ScramKeys } from './schemes/scram.ts';
import { hasControls } from './wire.ts';

export interface ScramServer {
  /** base64 */
  readonly serverFirst: string;
  /** @param clientFinal base64; @returns undefined: rejected */
  finish(
    clientFinal: string,
    chain: Chain,
  ): Promise<{ readonly account: Account; readonly serverFinal: string } | undefined>;
}

/** Salts of ids without stored keys: the same at each attempt, so that nothing tells whether an id exists. */
const saltSecret = randomBytes(32);

/** `=2C` and `=3D` in a saslname (RFC 5802 §5.1); undefined for another use of `=`. */
function decodeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined;
  return name.replace(/=2C/g, ',').replace(/=3D/g, '=');
}

/** The GS2 header and what follows it, as in `n,,n=user,r=nonce`. */
export function readClientFirst(message: string) {
  const match =
    /^((?:n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(
      message,
    );
  if (!match) return undefined;
  const userId = decodeName(match[5]!);
  if (userId === undefined) return undefined;
  return {
    header: match[1]!,
    binding: match[2],
    authzid: match[3],
    bare: match[4]!,
    userId,
    nonce: match[6]!,
  };
}

/** @param data  authdata: base64 of client-first; @returns undefined: rejected */
export async function startScramServer(
  chain: Chain,
  service: string,
  data: string,
  remoteIp: string | undefined,
): Promise<ScramServer | undefined> {
  const first = readClientFirst(decodeBase64(data.split('\n', 1)[0]!)?.toString('latin1') ?? '');
  if (!first || hasControls(first.userId)) return undefined;
  const admitted = await chain.admit(remoteIp, first.userId);
  if (!admitted) return undefined;
  const secret = await chain.scramSecret(service, first.userId);
  const stored = secret?.keys === undefined ? undefined : parseScramKeys(secret.keys);
  const salt = createHmac('sha256', saltSecret).update(first.userId).digest().subarray(0, 16);
  // Also where they are stored: else the time would tell stored keys, clear passwords and unknown ids apart.
  const derived = await deriveScramKeys(secret?.clear ?? '', salt, defaultScramIterations);
  const keys = stored ?? derived;
  const nonce = first.nonce + randomBytes(18).toString('base64');
  const serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`;
  return {
    serverFirst: Buffer.from(serverFirst, 'latin1').toString('base64'),
    async finish(clientFinal, current) {
      const message = decodeBase64(clientFinal)?.toString('latin1') ?? '';
      const signature = secret && verifyFinal(message, nonce, first.bare, serverFirst, keys);
      const account = signature ? current.accept(secret.account) : undefined;
      current.settle(remoteIp, first.userId, account !== undefined);
      return account && signature
        ? { account, serverFinal: Buffer.from(`v=${signature}`).toString('base64') }
        : undefined;
    },
  };
}

/** The server's signature in base64 when the client's proof is right. */
function verifyFinal(
  message: string,
  nonce: string,
  clientFirstBare: string,
  serverFirst: string,
  keys: ScramKeys,
): string | undefined {
  const match = /^(c=[A-Za-z0-9+/=]+,r=([^,]+)(?:,[^p].*)?),p=([A-Za-z0-9+/]{43}=)$/s.exec(message);
  if (!match || match[2] !== nonce) return undefined;
  const text = Buffer.from(`${clientFirstBare},${serverFirst},${match[1]}`, 'latin1');
  const proof = Buffer.from(match[3]!, 'base64');
  const signature = createHmac('sha256', keys.storedKey).update(text).digest();
  const clientKey = proof.map((octet, i) => octet ^ signature[i]!);
  if (!timingSafeEqual(hash('sha256', clientKey, 'buffer'), keys.storedKey)) return undefined;
  return createHmac('sha256', keys.serverKey).update(text).digest('base64');
}
