/**
 * Bearer tokens (RFC 6750) for OAUTHBEARER and XOAUTH2: asked of an introspection endpoint (RFC 7662), or, for signed
 * ones (RFC 9068, RFC 7519), checked with the keys of a JWKS endpoint (RFC 7517).
 */
import { createPublicKey, type KeyObject, verify, type webcrypto } from 'node:crypto';
import { AuthError, errorText } from './auth-error.ts';
import type { TokenChecker } from './chain.ts';
import { createOutage } from './outage.ts';
import { toOctets } from './wire.ts';

export interface TokenSettings {
  /** https, or http on the loopback address. */
  readonly introspectionUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly jwksUrl: string;
  /** Required of signed tokens where set. */
  readonly issuer: string;
  readonly audience: string;
  /** The claim that is the login id. */
  readonly userClaim: string;
}

type Claims = Readonly<Record<string, unknown>>;
type Jwk = webcrypto.JsonWebKey & { readonly kid?: string };

const timeoutMs = 10_000;
const maxAnswerOctets = 1 << 20;
/** Keys are fetched again when a token names an unknown one, but not more often. */
const refetchMs = 30_000;
const clockSkewSeconds = 60;

/** @throws {Error} a URL that would send tokens in clear; undefined: nothing is configured */
export function createTokenChecker(settings: TokenSettings): TokenChecker | undefined {
  const { introspectionUrl, jwksUrl } = settings;
  for (const url of [introspectionUrl, jwksUrl]) if (url !== '') requireSafe(url);
  if (introspectionUrl !== '') return checker((token) => introspect(token, settings), settings);
  if (jwksUrl === '') return undefined;
  if (settings.issuer === '') throw new Error('OAUTH_JWKS_URL needs OAUTH_ISSUER');
  const keys = keyCache(jwksUrl);
  return checker((token) => verifySigned(token, keys, settings), settings);
}

function requireSafe(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname)))
    return;
  throw new Error(`${url}: only https is possible`);
}

function checker(
  claimsOf: (token: string) => Promise<Claims | undefined>,
  settings: TokenSettings,
): TokenChecker {
  const outage = createOutage((error) => !(error instanceof AuthError));
  return {
    check: (token) =>
      outage.guard(async () => {
        const claims = await claimsOf(token);
        const owner = claims?.[settings.userClaim];
        const isFor = claims && hasAudience(claims, settings.audience) && isCurrent(claims);
        return isFor && typeof owner === 'string' && owner !== '' ? toOctets(owner) : undefined;
      }),
  };
}

function hasAudience(claims: Claims, audience: string): boolean {
  const { aud } = claims;
  return audience === '' || aud === audience || (Array.isArray(aud) && aud.includes(audience));
}

function isCurrent({ exp, nbf }: Claims): boolean {
  const now = Date.now() / 1000;
  if (exp !== undefined && !(typeof exp === 'number' && exp + clockSkewSeconds > now)) return false;
  return nbf === undefined || (typeof nbf === 'number' && nbf - clockSkewSeconds <= now);
}

async function fetchJson(url: string, init: RequestInit): Promise<Claims> {
  let answer: unknown;
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    const text = await response.text();
    if (text.length > maxAnswerOctets) throw new Error(`${url} answers too much`);
    answer = JSON.parse(text);
  } catch (cause) {
    throw new Error(errorText((cause as Error).cause ?? cause), { cause });
  }
  if (typeof answer !== 'object' || answer === null) throw new Error(`${url} answers no JSON object`);
  return answer as Claims;
}

async function introspect(
  token: string,
  { introspectionUrl, clientId, clientSecret }: TokenSettings,
): Promise<Claims | undefined> {
  const encode = (text: string) => encodeURIComponent(text);
  const credentials = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64');
  const claims = await fetchJson(introspectionUrl, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(clientId !== '' && { authorization: `Basic ${credentials}` }),
    },
    body: `token=${encode(token)}&token_type_hint=access_token`,
  });
  return claims['active'] === true ? claims : undefined;
}

interface KeyCache {
  find(keyId: string | undefined): Promise<{ key: KeyObject; algorithm: string | undefined } | undefined>;
}

function keyCache(url: string): KeyCache {
  let keys: { id: string | undefined; key: KeyObject; algorithm: string | undefined }[] | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<void> {
    fetchedAt = performance.now();
    const { keys: list } = await fetchJson(url, { headers: { accept: 'application/json' } });
    keys = (Array.isArray(list) ? (list as Jwk[]) : [])
      .filter(({ kty, use }) => kty !== 'oct' && (use === undefined || use === 'sig'))
      .map((jwk) => ({
        id: jwk.kid,
        key: createPublicKey({ key: jwk, format: 'jwk' }),
        algorithm: jwk.alg,
      }));
  }

  return {
    async find(keyId) {
      const search = () => keys?.find(({ id }) => keyId === undefined || id === keyId);
      if (!search() && performance.now() - fetchedAt > refetchMs) await load();
      return search();
    },
  };
}

/** Algorithms by the name in the token's header: hash, and the type of key they need. Nothing symmetric, no `none`. */
const algorithms: Readonly<
  Record<string, { hash: string | null; type: string; pss?: true; curve?: string }>
> = {
  RS256: { hash: 'sha256', type: 'rsa' },
  RS384: { hash: 'sha384', type: 'rsa' },
  RS512: { hash: 'sha512', type: 'rsa' },
  PS256: { hash: 'sha256', type: 'rsa', pss: true },
  ES256: { hash: 'sha256', type: 'ec', curve: 'prime256v1' },
  ES384: { hash: 'sha384', type: 'ec', curve: 'secp384r1' },
  EdDSA: { hash: null, type: 'ed25519' },
};

async function verifySigned(
  token: string,
  keys: KeyCache,
  { issuer }: TokenSettings,
): Promise<Claims | undefined> {
  const [head, body, signature, more] = token.split('.');
  const header = decodePart(head);
  const claims = decodePart(body);
  if (!header || !claims || !signature || more !== undefined) return undefined;
  const name = String(header['alg']);
  const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined;
  const keyId = typeof header['kid'] === 'string' ? header['kid'] : undefined;
  const found = algorithm && (await keys.find(keyId));
  if (!algorithm || !found || (found.algorithm !== undefined && found.algorithm !== name)) return undefined;
  const { asymmetricKeyType, asymmetricKeyDetails } = found.key;
  if (asymmetricKeyType !== algorithm.type) return undefined;
  if (algorithm.curve !== undefined && asymmetricKeyDetails?.namedCurve !== algorithm.curve) return undefined;
  const key = {
    key: found.key,
    ...(algorithm.pss && { padding: 6, saltLength: 32 }),
    ...(algorithm.type === 'ec' && { dsaEncoding: 'ieee-p1363' as const }),
  };
  const isGood = verify(
    algorithm.hash,
    Buffer.from(`${head}.${body}`),
    key,
    Buffer.from(signature, 'base64url'),
  );
  // A token without an end would be good for ever.
  return isGood && claims['iss'] === issuer && claims['exp'] !== undefined ? claims : undefined;
}

function decodePart(part: string | undefined): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined;
  } catch {
    // Not a signed token.
    return undefined;
  }
}
