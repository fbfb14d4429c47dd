/**
 * From an accepted socket to a connection that is served: the PROXY header, access records, limits, DNS lists. Nothing
 * here waits for a slow peer but the connection it is about, and who is refused reads why.
 */
import { Resolver } from 'node:dns/promises';
import type { Socket } from 'node:net';
import type { Log } from '../base/log.ts';
import { askDnsLists } from '../login/dns-lists.ts';
import { readPreface } from '../login/proxy-preface.ts';
import { mappedAddress, plainAddress } from '../net/address.ts';
import { adoptSocket } from '../net/hand-over.ts';
import { type Addresses, StreamConnection } from '../net/stream-connection.ts';
import { Admission, type Admitted, type Refused, type Seldom } from './admission.ts';
import { Refusals, refusalLine } from './refusal.ts';
import type { ConnectionLimits, ServiceSettings } from './settings.ts';
import type { SharedCounts } from './shared-counts.ts';
import type { RefusalReason } from './worker-counts.ts';
import type { Service } from './worker-service.ts';

const dnsQuery = { timeout: 2_000, tries: 2 } as const;

/** What becomes of connections that are let in. */
export interface Inside<Guest extends { readonly log: Log }> {
  /** It counts from now on; DNS lists may still have it refused. */
  enter(service: Service, connection: StreamConnection, admitted: Admitted): Guest;
  /** It is served from now on. */
  begin(guest: Guest, connection: StreamConnection): void;
}

type Variables = Readonly<Record<string, string>>;

export class FrontDoor<Guest extends { readonly log: Log }> {
  readonly #admission: Admission;
  readonly #refusals = new Refusals();
  readonly #resolver = new Resolver(dnsQuery);
  readonly #inside: Inside<Guest>;

  constructor(counts: SharedCounts, seldom: Seldom, inside: Inside<Guest>) {
    this.#admission = new Admission(counts, seldom);
    this.#inside = inside;
  }

  /** Takes a socket that has just been accepted for a service. */
  receive(service: Service, socket: Socket): void {
    service.counts.accepted++;
    const header = headerExpected(service.settings, socket);
    if (header === undefined) {
      this.#admit(service, service.settings.implicitTls ? socket : adoptSocket(socket));
      return;
    }
    if (service.balancers.find(socket.remoteAddress ?? '') === undefined) {
      service.counts.refused.proxy++;
      service.log.warn(`haproxy: ${socket.remoteAddress} may not say whom it speaks for`);
      socket.destroy();
      return;
    }
    readPreface(socket, header.timeoutSeconds * 1000).then(
      (addresses) => this.#admit(service, socket, addresses),
      (error: Error) => {
        service.counts.refused.proxy++;
        service.log.error(error.message);
        socket.destroy();
      },
    );
  }

  /** @param addresses  what a load balancer says; the local address that access records may name is the real one */
  #admit(any: Service, socket: Socket, addresses?: Addresses): void {
    const remote = addresses?.remoteAddress ?? socket.remoteAddress ?? '';
    const rule = any.access.find(remote);
    const localRule = any.settings.access.local
      ? any.access.find(socket.localAddress ?? '', socket.localPort ?? 0)
      : undefined;
    const variables = { ...localRule?.variables, ...rule?.variables };
    const service = any.with(variables);
    const connection = new StreamConnection(socket, socket, service.tls, addresses);
    if (rule?.deny || localRule?.deny) {
      this.#refuse(service, connection, 'access');
      return;
    }
    const enter = (admission: Admitted | Refused) => this.#enter(service, connection, admission, variables);
    const limits = limitsFor(service.settings.limits, variables);
    const admission = this.#admission.admit(service.settings.name, remote, limits, service.log);
    if (admission instanceof Promise) void admission.then(enter);
    else enter(admission);
  }

  #enter(
    service: Service,
    connection: StreamConnection,
    admission: Admitted | Refused,
    variables: Variables,
  ): void {
    if (typeof admission === 'string') this.#refuse(service, connection, admission);
    else if (connection.closed) admission.release();
    else {
      const guest = this.#inside.enter(service, connection, admission);
      if (service.settings.access.dnsLists.drop.length > 0)
        void this.#askLists(service, connection, guest, variables);
      else this.#inside.begin(guest, connection);
    }
  }

  async #askLists(
    service: Service,
    connection: StreamConnection,
    guest: Guest,
    variables: Variables,
  ): Promise<void> {
    const { remoteAddress } = connection;
    const { dnsLists } = service.settings.access;
    const { refusal, failures } = await askDnsLists(dnsLists, remoteAddress, variables, this.#resolver);
    for (const failure of failures) guest.log.warn(`DNS list ${failure}`);
    if (connection.closed) return;
    if (refusal === undefined) {
      this.#inside.begin(guest, connection);
      return;
    }
    guest.log.warn(`dropped blocked connection from ${mappedAddress(remoteAddress)}`);
    this.#refuse(service, connection, 'dns', refusal);
  }

  /** Says why, as -denymsg wants it where the administrator refuses, and closes the connection. */
  #refuse(
    service: Service,
    connection: StreamConnection,
    reason: Exclude<RefusalReason, 'proxy' | 'tls'>,
    why?: string,
  ): void {
    service.counts.refused[reason]++;
    const { access, protocol, implicitTls } = service.settings;
    const own = (reason === 'access' || reason === 'dns') && access.denyMessage;
    const line = own ? `${own}\n` : refusalLine(protocol, reason, why);
    this.#refusals.refuse(connection, implicitTls, line);
  }
}

/** What is said about a PROXY header on the endpoint a connection has come to. */
function headerExpected({ proxyHeaders }: ServiceSettings, socket: Socket) {
  if (proxyHeaders.endpoints.length === 0) return undefined;
  const local = plainAddress(socket.localAddress ?? '');
  return proxyHeaders.endpoints.find(
    ({ address, port }) =>
      (port === undefined || port === socket.localPort) && (address === undefined || address === local),
  );
}

/** MAXCPERIP of access records takes the place of MAXPERIP. */
function limitsFor(limits: ConnectionLimits, variables: Variables): ConnectionLimits {
  const own = Number(variables['MAXCPERIP'] ?? 0);
  return own > 0 ? { ...limits, perAddress: own } : limits;
}
