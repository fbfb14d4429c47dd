/** SASL mechanisms, the server's side, as state machines for IMAP, POP3 and SMAP (authlib §6.1). */
import { randomBytes } from 'node:crypto';
import type { AuthClient, AuthResult, LoginPeer } from './client.ts';
import { decodeBase64 } from './cram.ts';
import { readClientFirst } from './scram-server.ts';
import { octetsToText, toOctets } from './wire.ts';

export interface SaslContext {
  readonly client: AuthClient;
  /** `imap`, `pop3`, or what AUTHSERVICE<port> says. */
  readonly service: string;
  readonly peer: LoginPeer;
  /** For CRAM challenges. */
  readonly hostname: string;
  /** The identity of a verified client certificate (TLS_EXTERNAL), for EXTERNAL. */
  readonly externalIdentity?: string | undefined;
  /** For SCRAM-SHA-256-PLUS: the data of a channel binding by its name; undefined: the connection has none at all. */
  readonly channelBinding?: ((name: string) => Uint8Array | undefined) | undefined;
  /** Clients of this connection are told that they may use SCRAM-SHA-256-PLUS. */
  readonly offersBinding?: boolean | undefined;
}

/**
 * What to do next: send a challenge (base64, already encoded: IMAP `+ <base64>`), or stop.
 * `aborted`: the client cancelled with `*` or sent what cannot be decoded.
 */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly base64: string }
  | { readonly kind: 'done'; readonly result: AuthResult }
  | { readonly kind: 'error' }
  | { readonly kind: 'aborted' };

export interface SaslExchange {
  readonly mechanism: string;
  /** The id the client claims, once known: for the log. */
  readonly userId: string | undefined;
  /**
   * First call: the initial response in base64 (`=` is an empty one), or undefined when the command had none.
   * Then each line of the client, without its line end.
   */
  step(line: string | undefined): Promise<SaslStep>;
  /** The connection went away in the middle. */
  close(): void;
}

/** Mechanisms that put the password, or what is as good, on the wire in clear. */
export const clearTextMechanisms: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2']);

/** What one mechanism does with each decoded answer; undefined only for a missing initial response. */
interface Mechanism {
  userId?: string;
  next(answer: Buffer | undefined): Promise<SaslStep> | SaslStep;
  close?(): void;
}

type Start = (context: SaslContext) => Mechanism;

const challenge = (text: string): SaslStep => ({
  kind: 'challenge',
  base64: Buffer.from(text, 'latin1').toString('base64'),
});
const aborted: SaslStep = { kind: 'aborted' };
const failed: SaslStep = { kind: 'error' };

async function done(result: Promise<AuthResult>): Promise<SaslStep> {
  return { kind: 'done', result: await result };
}

/** RFC 4616. An authorization id other than the authentication id is refused. */
function startPlain({ client, service, peer }: SaslContext): Mechanism {
  const mechanism: Mechanism = {
    next(answer) {
      if (!answer) return challenge('');
      const [authzid, authcid, password, ...more] = answer.toString('latin1').split('\0');
      if (authzid === undefined || authcid === undefined || password === undefined) return aborted;
      mechanism.userId = octetsToText(authcid);
      if (more.length > 0 || (authzid !== '' && authzid !== authcid)) return failed;
      return done(
        client.login(service, Buffer.from(authcid, 'latin1'), Buffer.from(password, 'latin1'), peer),
      );
    },
  };
  return mechanism;
}

function startLogin({ client, service, peer }: SaslContext): Mechanism {
  let asked = false;
  let user: Buffer | undefined;
  const mechanism: Mechanism = {
    next(answer) {
      if (!answer) {
        asked = true;
        return challenge('Username:');
      }
      // An empty initial response is none.
      if (!user && !asked && answer.length === 0) {
        asked = true;
        return challenge('Username:');
      }
      if (user) return done(client.login(service, user, answer, peer));
      user = answer;
      mechanism.userId = octetsToText(answer.toString('latin1'));
      return challenge('Password:');
    },
  };
  return mechanism;
}

function startCram(authType: string): Start {
  return ({ client, service, peer, hostname }) => {
    let sent: string | undefined;
    const mechanism: Mechanism = {
      next(answer) {
        if (sent === undefined) {
          if (answer && answer.length > 0) return failed;
          sent = `<${randomBytes(16).toString('hex').toUpperCase()}@${hostname}>`;
          return challenge(sent);
        }
        if (!answer) return aborted;
        const response = answer.toString('latin1');
        mechanism.userId = octetsToText(response.slice(0, Math.max(0, response.lastIndexOf(' '))));
        const base64 = Buffer.from(sent, 'latin1').toString('base64');
        return done(client.cram(service, authType, base64, answer.toString('base64'), peer));
      },
    };
    return mechanism;
  };
}

/** RFC 4422 appendix A: the identity is that of the client certificate, taken as it is. */
function startExternal({ client, service, peer, externalIdentity }: SaslContext): Mechanism {
  const identity = toOctets(externalIdentity ?? '');
  const mechanism: Mechanism = {
    next(answer) {
      if (identity === '') return failed;
      if (!answer) return challenge('');
      const named = answer.toString('latin1');
      mechanism.userId = externalIdentity!;
      if (named !== '' && named !== identity) return failed;
      return done(client.lookup(service, externalIdentity!, peer));
    },
  };
  return mechanism;
}

/** RFC 5802, RFC 7677; the daemon checks the proof, we check the channel binding. */
function startScram(plus: boolean): Start {
  return (context) => {
    const conversation = context.client.scram(context.service, context.peer);
    let expectedBinding: Buffer | undefined;
    let result: AuthResult | undefined;
    const mechanism: Mechanism = {
      async next(answer) {
        // The client's empty answer to server-final.
        if (result) return answer?.length === 0 ? { kind: 'done', result } : aborted;
        if (!answer) return expectedBinding ? aborted : challenge('');
        if (expectedBinding) return last(answer, expectedBinding);
        const first = readClientFirst(answer.toString('latin1'));
        if (!first) return aborted;
        mechanism.userId = octetsToText(first.userId);
        const binding = first.binding === undefined ? undefined : context.channelBinding?.(first.binding);
        // `y`: the client believes that we cannot bind, though we offered -PLUS: somebody changed the offer.
        if (plus ? binding === undefined : first.binding !== undefined) return failed;
        if (context.offersBinding && first.header.startsWith('y')) return failed;
        if (first.authzid !== undefined && first.authzid !== first.userId) return failed;
        expectedBinding = Buffer.concat([Buffer.from(first.header, 'latin1'), binding ?? Buffer.alloc(0)]);
        const reply = await conversation.first(answer.toString('base64'));
        return typeof reply === 'string'
          ? { kind: 'challenge', base64: reply }
          : { kind: 'done', result: reply };
      },
      close: () => conversation.close(),
    };

    async function last(answer: Buffer, expected: Buffer): Promise<SaslStep> {
      const bound = /^c=([A-Za-z0-9+/=]*),/.exec(answer.toString('latin1'))?.[1];
      const given = bound === undefined ? undefined : decodeBase64(bound);
      if (!given?.equals(expected)) return failed;
      const { serverFinal, ...accepted } = await conversation.final(answer.toString('base64'));
      if (accepted.kind !== 'accepted' || serverFinal === undefined)
        return { kind: 'done', result: accepted };
      result = accepted;
      return { kind: 'challenge', base64: serverFinal };
    }
    return mechanism;
  };
}

/** RFC 7628 and its forerunner XOAUTH2; both carry `user` and `auth=Bearer <token>`. */
function startBearer(pattern: RegExp): Start {
  return ({ client, service, peer }) => {
    let refused: AuthResult | undefined;
    const mechanism: Mechanism = {
      async next(answer) {
        if (refused) return { kind: 'done', result: refused };
        if (!answer) return challenge('');
        const text = answer.toString('latin1');
        const userId = pattern.exec(text)?.[1];
        const token = /\x01auth=bearer +([!-~]+)\x01/i.exec(text)?.[1];
        if (!userId || !token) return aborted;
        const name = octetsToText(userId.replace(/=2C/g, ',').replace(/=3D/g, '='));
        mechanism.userId = name;
        const result = await client.bearer(service, name, token, peer);
        if (result.kind !== 'rejected') return { kind: 'done', result };
        // RFC 7628 §3.2.2: the reason goes out as a challenge, the client answers with a dummy, then we fail.
        refused = result;
        return challenge('{"status":"invalid_token"}');
      },
    };
    return mechanism;
  };
}

const mechanisms: Readonly<Record<string, Start>> = {
  PLAIN: startPlain,
  LOGIN: startLogin,
  'CRAM-MD5': startCram('cram-md5'),
  'CRAM-SHA1': startCram('cram-sha1'),
  'CRAM-SHA256': startCram('cram-sha256'),
  EXTERNAL: startExternal,
  'SCRAM-SHA-256': startScram(false),
  'SCRAM-SHA-256-PLUS': startScram(true),
  OAUTHBEARER: startBearer(/^n,a=([^,]+),\x01/),
  XOAUTH2: startBearer(/^user=([^\x01]+)\x01/i),
};

/** Every mechanism there is, in upper case. */
export const saslMechanisms: readonly string[] = Object.keys(mechanisms);

/** Longest line a client may send in an exchange, in octets of base64. */
export const maxSaslLineOctets = 16_384;

/** Starts an exchange; undefined when the mechanism is unknown or cannot work on this connection. */
export function startSasl(mechanism: string, context: SaslContext): SaslExchange | undefined {
  const name = mechanism.toUpperCase();
  const start = Object.hasOwn(mechanisms, name) ? mechanisms[name] : undefined;
  if (!start) return undefined;
  if (name === 'SCRAM-SHA-256-PLUS' && !context.channelBinding) return undefined;
  const running = start(context);
  let initial = true;

  function take(line: string | undefined): SaslStep | Promise<SaslStep> {
    const first = initial;
    initial = false;
    if (line === undefined) return first ? running.next(undefined) : aborted;
    if (line.startsWith('*') || line.length > maxSaslLineOctets) return aborted;
    const answer = first && line === '=' ? Buffer.alloc(0) : decodeBase64(line);
    return answer ? running.next(answer) : aborted;
  }

  return {
    mechanism: name,
    get userId() {
      return running.userId;
    },
    async step(line) {
      const next = await take(line);
      if (next.kind !== 'challenge') running.close?.();
      return next;
    },
    close: () => running.close?.(),
  };
}
