/**
 * Connections to LDAP servers: one for searches, and some for binds, of which a connection can do one at a time.
 * ldapts would silently reconnect a dropped one without StartTLS and bind, so a connection that is down is replaced.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { type Change, Client, ResultCodeError, type SearchOptions } from 'ldapts';
import { AuthError } from '../auth-error.ts';
import { createOutage } from '../outage.ts';
import { type LdapSettings, ldapTlsOptions } from './ldap-settings.ts';

/** Values by attribute name in lower case. */
export interface LdapEntry {
  readonly dn: string;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

export interface LdapConnections {
  search(
    baseDn: string,
    filter: string,
    attributes: readonly string[],
    sizeLimit: number,
  ): Promise<LdapEntry[]>;
  pages(baseDn: string, filter: string, attributes: readonly string[]): AsyncIterable<LdapEntry>;
  /** Whether the directory takes the password; then runs `work` as that user. */
  bindAs(dn: string, password: string, work?: (as: LdapWriter) => Promise<void>): Promise<boolean>;
  /** As LDAP_BINDDN. */
  modify(dn: string, changes: Change[]): Promise<void>;
  close(): Promise<void>;
}

export interface LdapWriter {
  modify(dn: string, changes: Change[]): Promise<void>;
}

const maxIdleBinds = 8;
const pageSize = 500;
const sizeLimitExceeded = 4;
/** Result codes of a bind that are the user's fault: no such object, bad DN, wrong password, refused. */
const rejections: ReadonlySet<number> = new Set([19, 32, 34, 48, 49, 50, 53]);
/** Busy, unavailable; other result codes are answers to this request only. */
const outages: ReadonlySet<number> = new Set([51, 52]);

function isOutage(error: unknown): boolean {
  return error instanceof ResultCodeError ? outages.has(error.code) : !(error instanceof AuthError);
}

export function createLdapConnections(
  settings: LdapSettings,
  environment: ReadonlyMap<string, string>,
): LdapConnections {
  const outage = createOutage(isOutage);
  const tlsOptions = ldapTlsOptions(environment);
  let searching: Promise<Client> | undefined;
  const idleBinds: Client[] = [];
  /** Clients whose connection has ended: after StartTLS `isConnected` does not notice. */
  const ended = new WeakSet<Client>();
  const isUp = (client: Client) => client.isConnected && !ended.has(client);

  async function connectTo(url: string): Promise<Client> {
    const { timeoutMs } = settings;
    // Given tlsOptions, ldapts takes an ldap: URL for ldaps: as well.
    const secure = url.startsWith('ldaps:') && { tlsOptions: { ...tlsOptions, ...serverName(url) } };
    const watched = (socket: Socket) => socket.once('close', () => ended.add(client));
    const client: Client = new Client({
      url,
      timeout: timeoutMs,
      connectTimeout: timeoutMs,
      ...secure,
      createConnection: ((port: number, host: string) =>
        watched(connectPlain(port, host))) as typeof connectPlain,
    });
    try {
      if (settings.startTls) await client.startTLS({ ...tlsOptions, ...serverName(url) });
      else await open(client);
    } catch (error) {
      await drop(client);
      throw error;
    }
    return client;
  }

  /** ldapts connects with the first request: an anonymous bind. Some servers refuse that, and are there all the same. */
  async function open(client: Client): Promise<void> {
    try {
      await client.bind('', '');
    } catch (error) {
      if (isOutage(error)) throw error;
    }
  }

  async function connect(): Promise<Client> {
    let failure: unknown;
    for (const url of settings.uris) {
      try {
        return await connectTo(url);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** The connection for searches, bound as LDAP_BINDDN. */
  function searcher(): Promise<Client> {
    if (searching) return searching;
    const opening = connect().then(async (client) => {
      try {
        if (settings.bind) await client.bind(settings.bind.dn, settings.bind.password);
      } catch (error) {
        await drop(client);
        throw error;
      }
      return client;
    });
    // The next request tries again, also where the directory has refused LDAP_BINDDN.
    opening.catch(() => {
      if (searching === opening) searching = undefined;
    });
    searching = opening;
    return opening;
  }

  function withSearcher<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    return outage.guard(async () => {
      const used = searcher();
      try {
        const client = await used;
        if (!isUp(client)) throw new Error('the connection to the LDAP server is down');
        return await work(client);
      } catch (error) {
        if (isOutage(error) && searching === used) {
          searching = undefined;
          void used.then(drop, () => {});
        }
        throw error;
      }
    });
  }

  const options = (filter: string, attributes: readonly string[]): SearchOptions => ({
    scope: 'sub',
    filter,
    attributes: [...attributes],
    derefAliases: settings.deref,
    timeLimit: Math.ceil(settings.timeoutMs / 1000),
  });

  return {
    search: (baseDn, filter, attributes, sizeLimit) =>
      withSearcher(async (client) => {
        try {
          const found = await client.search(baseDn, { ...options(filter, attributes), sizeLimit });
          return found.searchEntries.map(readEntry);
        } catch (error) {
          // More than the limit: too many to be one account.
          if (error instanceof ResultCodeError && error.code === sizeLimitExceeded) return tooMany(sizeLimit);
          throw error;
        }
      }),
    async *pages(baseDn, filter, attributes) {
      const client = await withSearcher((connected) => Promise.resolve(connected));
      const pages = client.searchPaginated(baseDn, { ...options(filter, attributes), paged: { pageSize } });
      for await (const { searchEntries } of pages) yield* searchEntries.map(readEntry);
    },
    bindAs: (dn, password, work) =>
      outage.guard(async () => {
        let client = idleBinds.pop();
        while (client && !isUp(client)) client = idleBinds.pop();
        client ??= await connect();
        try {
          await client.bind(dn, password);
          if (work) await work(client);
        } catch (error) {
          if (error instanceof ResultCodeError && rejections.has(error.code)) {
            keep(client);
            return false;
          }
          await drop(client);
          throw error;
        }
        keep(client);
        return true;
      }),
    modify: (dn, changes) => withSearcher((client) => client.modify(dn, changes)),
    async close() {
      const all = [...idleBinds.splice(0)];
      const main = await searching?.catch(() => undefined);
      searching = undefined;
      if (main) all.push(main);
      await Promise.all(all.map(drop));
    },
  };

  function keep(client: Client): void {
    if (idleBinds.length < maxIdleBinds) idleBinds.push(client);
    else void drop(client);
  }
}

/** For TLS: an address has no name to send, but is checked against the certificate all the same. */
function serverName(url: string): { host: string; servername?: string } {
  const { hostname } = new URL(url);
  return isIP(hostname.replace(/^\[|\]$/g, ''))
    ? { host: hostname }
    : { host: hostname, servername: hostname };
}

async function drop(client: Client): Promise<void> {
  try {
    await client.unbind();
  } catch {
    // It was down already.
  }
}

function tooMany(sizeLimit: number): LdapEntry[] {
  return Array.from({ length: sizeLimit }, () => ({ dn: '', values: new Map() }));
}

function readEntry({ dn, ...attributes }: { dn: string; [name: string]: unknown }): LdapEntry {
  const values = new Map<string, string[]>();
  for (const [name, value] of Object.entries(attributes)) {
    const list = Array.isArray(value) ? value : [value];
    values.set(
      name.toLowerCase(),
      list.map((each) => (Buffer.isBuffer(each) ? each.toString('utf8') : String(each))),
    );
  }
  return { dn, values };
}
