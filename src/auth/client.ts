/**
 * Asks the authentication daemon, ours or Courier's `authdaemond` (authlib §2.4): one round trip a request. No
 * answer, a cut-off or an oversized one is `temporary`.
 */
import { connect, type Socket } from 'node:net';
import type { AccountRecord, EnumeratedAccount } from './account-record.ts';
import { AuthError, errorText } from './auth-error.ts';
import { decodeBase64 } from './cram.ts';
import { DaemonConnections, exchange, send, type Waiting } from './daemon-connections.ts';
import {
  hasControls,
  keepAlive,
  type Metadata,
  maxPayloadOctets,
  maxTicketOctets,
  ownUidName,
  readAttributes,
  readEnumerated,
  readReply,
  toAccountRecord,
  toOctets,
  type WireRequest,
  wantHome,
  wantTicket,
  writeRequest,
} from './wire.ts';

export interface AuthClientSettings {
  /** `<authdaemonvar>/socket` */
  readonly socketPath: string;
  /** TIMEOUT_SOCK, default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** TIMEOUT_WRITE, default 10,000. */
  readonly writeTimeoutMs?: number | undefined;
  /** TIMEOUT_READ, for the whole reply; default 30,000. */
  readonly readTimeoutMs?: number | undefined;
  /** DEFDOMAIN: appended to ids that have no character of `domainSeparators` (DOMAINSEP; without it: its first). */
  readonly defaultDomain?: string | undefined;
  readonly domainSeparators?: string | undefined;
  /** Ask for login tickets; Courier's daemon has none. */
  readonly tickets?: boolean | undefined;
  /** Accounts of this uid need none. */
  readonly ownUid?: number | undefined;
  /** Who asks starts sessions: home directories that are missing may be made. */
  readonly startsSessions?: boolean | undefined;
}

/** About the connection that logs in. */
export interface LoginPeer {
  /** The mail client's address, for PAM's remote host and for the guessing protection. */
  readonly remoteIp?: string | undefined;
  /** These replace the client's settings for this login: services and access rules may have their own. */
  readonly defaultDomain?: string | undefined;
  readonly domainSeparators?: string | undefined;
}

export type AuthResult =
  | { readonly kind: 'accepted'; readonly account: AccountRecord }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'temporary'; readonly reason: string };

/** Ids and passwords are text, or octets when it is not known to be UTF-8. */
export interface AuthClient {
  /** authtype `login`. */
  login(
    service: string,
    userId: string | Uint8Array,
    password: string | Uint8Array,
    peer?: LoginPeer,
  ): Promise<AuthResult>;
  /** @param authType `cram-md5`, `cram-sha1`, `cram-sha256`; challenge and response in base64 */
  cram(
    service: string,
    authType: string,
    challenge: string,
    response: string,
    peer?: LoginPeer,
  ): Promise<AuthResult>;
  /** authtype `oauthbearer` (ours): the daemon checks the token. */
  bearer(service: string, userId: string, token: string, peer?: LoginPeer): Promise<AuthResult>;
  /** authtype `scram-sha-256` (ours): both steps on one connection. */
  scram(service: string, peer?: LoginPeer): ScramConversation;
  /** PRE: the account without a password (EXTERNAL, deliveries). The id is taken as it is. */
  lookup(service: string, userId: string | Uint8Array, peer?: LoginPeer): Promise<AuthResult>;
  /** PASSWD. The protocol cannot tell a temporary failure from a refusal. */
  changePassword(
    service: string,
    userId: string | Uint8Array,
    oldPassword: string | Uint8Array,
    newPassword: string | Uint8Array,
    peer?: LoginPeer,
  ): Promise<'changed' | 'rejected' | 'temporary'>;
  /** ENUMERATE. @throws {AuthError} when the list is not complete */
  enumerate(): Promise<EnumeratedAccount[]>;
}

/** The daemon's half of a SCRAM exchange. */
export interface ScramConversation {
  /** @param clientFirst  base64 of the GS2 header and client-first-message-bare; @returns base64 of server-first */
  first(clientFirst: string): Promise<string | Exclude<AuthResult, { kind: 'accepted' }>>;
  /** @param clientFinal  base64; @returns the result, with base64 of server-final when accepted */
  final(clientFinal: string): Promise<AuthResult & { readonly serverFinal?: string }>;
  close(): void;
}

/** A client for one daemon. */
export function createAuthClient(settings: AuthClientSettings): AuthClient {
  const connections = new DaemonConnections(settings);
  const asking = [keepAlive, ...sessionMetadata(settings)];
  const ask = (request: WireRequest, peer: LoginPeer | undefined) => {
    let octets: Buffer;
    try {
      octets = writeRequest(request, new Map([...metadataOf(peer), ...asking]));
    } catch (error) {
      if (error instanceof RangeError) return Promise.resolve<AuthResult>({ kind: 'rejected' });
      throw error;
    }
    return connections.exchange(octets, maxReplyOctets(settings)).then(toResult, toTemporary);
  };
  const extended = (userId: string, peer: LoginPeer | undefined) => extendUserId(userId, settings, peer);

  return {
    async login(service, userId, password, peer) {
      const [id, secret] = [extended(toOctets(userId), peer), toOctets(password)];
      if (id === '' || secret === '' || hasControls(id) || hasControls(secret)) return { kind: 'rejected' };
      return ask({ kind: 'auth', service, authType: 'login', data: `${id}\n${secret}\n` }, peer);
    },
    async cram(service, authType, challenge, response, peer) {
      const answer = extendCramResponse(response, (id) => extended(id, peer));
      if (answer === undefined || hasControls(challenge)) return { kind: 'rejected' };
      return ask({ kind: 'auth', service, authType, data: `${challenge}\n${answer}\n` }, peer);
    },
    async bearer(service, userId, token, peer) {
      const id = extended(toOctets(userId), peer);
      if (id === '' || token === '' || hasControls(id) || hasControls(token)) return { kind: 'rejected' };
      return ask({ kind: 'auth', service, authType: 'oauthbearer', data: `${id}\n${token}\n` }, peer);
    },
    scram: (service, peer) => startScram(settings, service, peer),
    async lookup(service, userId, peer) {
      const id = toOctets(userId);
      if (id === '' || hasControls(id)) return { kind: 'rejected' };
      return ask({ kind: 'pre', module: '.', service, userId: id }, peer);
    },
    async changePassword(service, userId, oldPassword, newPassword, peer) {
      const [id, old, next] = [toOctets(userId), toOctets(oldPassword), toOctets(newPassword)];
      if ([id, old, next].some((text) => text === '' || hasControls(text))) return 'rejected';
      const request: WireRequest = {
        kind: 'passwd',
        service,
        userId: id,
        oldPassword: old,
        newPassword: next,
      };
      try {
        const reply = await exchange(settings, writeRequest(request, metadataOf(peer)), maxPayloadOctets);
        if (reply.toString('latin1') === 'OK\n') return 'changed';
        return reply.length > 0 ? 'rejected' : 'temporary';
      } catch (error) {
        return error instanceof RangeError ? 'rejected' : 'temporary';
      }
    },
    async enumerate() {
      const reply = await exchange(
        settings,
        writeRequest({ kind: 'enumerate' }, new Map()),
        Number.POSITIVE_INFINITY,
      );
      const lines = reply.toString('latin1').split('\n');
      const end = lines.indexOf('.');
      if (end < 0) throw new AuthError('temporary', 'the list of accounts is not complete');
      return lines.slice(0, end).flatMap((line) => readEnumerated(line) ?? []);
    },
  };
}

/** What is asked for beside the account. */
function sessionMetadata({ tickets, ownUid, startsSessions }: AuthClientSettings) {
  const own = ownUid === undefined ? [] : [[ownUidName, String(ownUid)] as const];
  return [...(tickets ? [wantTicket, ...own] : []), ...(startsSessions ? [wantHome] : [])];
}

function maxReplyOctets({ tickets }: AuthClientSettings): number {
  return maxPayloadOctets + (tickets ? maxTicketOctets : 0);
}

/** @throws {RangeError} when the address has control characters (in `writeRequest`) */
function metadataOf(peer: LoginPeer | undefined): Metadata {
  return peer?.remoteIp === undefined ? new Map() : new Map([['TCPREMOTEIP', peer.remoteIp]]);
}

/** Appends DEFDOMAIN to an id without a domain (authlib §2.4). Octet strings. */
function extendUserId(userId: string, settings: AuthClientSettings, peer: LoginPeer | undefined): string {
  const domain = toOctets(peer?.defaultDomain ?? settings.defaultDomain ?? '');
  if (domain === '' || userId === '') return userId;
  const separators = (peer?.domainSeparators ?? settings.domainSeparators) || domain[0]!;
  return [...separators].some((separator) => userId.includes(separator)) ? userId : userId + domain;
}

/** The same inside a CRAM response, where the id stands before the first space; undefined: not base64. */
function extendCramResponse(response: string, extend: (userId: string) => string): string | undefined {
  const decoded = decodeBase64(response)?.toString('latin1');
  if (decoded === undefined) return undefined;
  const space = decoded.indexOf(' ');
  if (space < 0) return response;
  return Buffer.from(extend(decoded.slice(0, space)) + decoded.slice(space), 'latin1').toString('base64');
}

function toResult(octets: Buffer): AuthResult {
  const reply = readReply(octets);
  if (reply === 'fail') return { kind: 'rejected' };
  if (reply === 'none') return { kind: 'temporary', reason: 'the authentication daemon gave no answer' };
  if (reply.address === '') return { kind: 'rejected' };
  return { kind: 'accepted', account: toAccountRecord(reply) };
}

function toTemporary(error: unknown): AuthResult {
  return { kind: 'temporary', reason: errorText(error) };
}

function startScram(
  settings: AuthClientSettings,
  service: string,
  peer: LoginPeer | undefined,
): ScramConversation {
  let socket: Socket | undefined;
  let received = '';
  let wake = Promise.withResolvers<void>();
  let failure: Error | undefined;
  let ended = false;
  let waiting: Waiting | undefined;

  function say(octets: Buffer): void {
    waiting = send(socket!, octets, settings);
  }

  /** Waits until `enough` says so, or the daemon closes. */
  async function receive(enough: () => boolean): Promise<void> {
    while (!enough() && !ended) {
      await wake.promise;
      if (failure) throw failure;
    }
    waiting?.end();
  }

  function open(): void {
    socket = connect({ path: settings.socketPath });
    const stir = () => {
      wake.resolve();
      wake = Promise.withResolvers();
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (received.length > maxReplyOctets(settings)) socket!.destroy(new Error('the reply is too long'));
      stir();
    });
    socket.on('error', (error) => {
      failure = error;
      stir();
    });
    socket.on('close', () => {
      ended = true;
      stir();
    });
  }

  return {
    async first(clientFirst) {
      try {
        open();
        const request = {
          kind: 'auth',
          service,
          authType: 'scram-sha-256',
          data: `${clientFirst}\n`,
        } as const;
        say(writeRequest(request, new Map([...metadataOf(peer), ...sessionMetadata(settings)])));
        await receive(() => received.includes('\n'));
      } catch (error) {
        return error instanceof RangeError
          ? { kind: 'rejected' }
          : { kind: 'temporary', reason: errorText(error) };
      }
      const challenge = /^CHALLENGE=(.*)\n/.exec(received)?.[1];
      if (challenge !== undefined) {
        received = '';
        return challenge;
      }
      socket?.destroy();
      return received.startsWith('FAIL\n')
        ? { kind: 'rejected' }
        : { kind: 'temporary', reason: 'the authentication daemon gave no answer' };
    },
    async final(clientFinal) {
      try {
        if (hasControls(clientFinal)) return { kind: 'rejected' };
        say(Buffer.from(`${clientFinal}\n`, 'latin1'));
        await receive(() => false);
      } catch (error) {
        return toTemporary(error);
      } finally {
        socket?.destroy();
      }
      const octets = Buffer.from(received, 'latin1');
      const result = toResult(octets);
      const attributes = readAttributes(octets);
      const serverFinal = typeof attributes === 'string' ? undefined : attributes.get('SERVERFINAL');
      return serverFinal === undefined ? result : { ...result, serverFinal };
    },
    close: () => socket?.destroy(),
  };
}
