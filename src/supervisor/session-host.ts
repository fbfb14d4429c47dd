/**
 * Entry point of a session host: a process that becomes one uid before it sees anything, and runs sessions of
 * that uid. When it has been idle for a while it offers to go; the supervisor agrees unless it has just sent one.
 */
import { startAuthenticatedImap } from '../imap/session.ts';
import { adoptHandle, type ConnectionHandle } from '../net/hand-over.ts';
import { StreamConnection } from '../net/stream-connection.ts';
import { startAuthenticatedPop3 } from '../pop3/session.ts';
import { SmapSession } from '../smap/session.ts';
import { limitDescriptions } from '../store/describe.ts';
import { saveFolders } from '../store/registry.ts';
import { imapServices, pop3Services, smapServices } from './mail-services.ts';
import type { MovedSession, ToHost, ToSupervisor } from './messages.ts';
import { becomeUser } from './privileges.ts';
import { processLog } from './process-log.ts';
import type { ServiceSettings } from './settings.ts';

const idleMs = 60_000;

const log = processLog(2, process.argv[2] === 'marked');
const sessions = new Map<StreamConnection, { stop(): void }>();
let services: readonly ServiceSettings[] = [];
let stopping = false;
let idle: NodeJS.Timeout | undefined;

function start(id: number, moved: MovedSession, handle: ConnectionHandle): void {
  clearTimeout(idle);
  const any = services.find(({ name }) => name === moved.service)!;
  const service = (moved.variant === undefined ? undefined : any.access.variants[moved.variant]) ?? any;
  const socket = adoptHandle(handle);
  const connection = new StreamConnection(socket, socket, undefined, moved.carried);
  tell({ type: 'taken', id });
  socket.once('close', () => ended(id, connection));
  const ownLog = log.named(service.logName).session(moved.id);
  const leftover = Buffer.from(moved.leftover);
  const session =
    service.protocol === 'imap' && moved.protocol === 'smap'
      ? new SmapSession(connection, smapServices(service, ownLog), leftover, moved.account)
      : service.protocol === 'imap'
        ? startAuthenticatedImap(connection, moved.account, imapServices(service, ownLog), {
            leftover,
            tag: moved.tag,
          })
        : startAuthenticatedPop3(connection, moved.account, pop3Services(service, ownLog), {
            leftover,
            utf8: moved.tag === 'UTF8',
          });
  sessions.set(connection, session);
}

function ended(id: number, connection: StreamConnection): void {
  sessions.delete(connection);
  const { octetsRead: receivedOctets, octetsWritten: sentOctets } = connection;
  tell({ type: 'ended', id, receivedOctets, sentOctets });
  if (sessions.size > 0) return;
  if (stopping) void leave();
  else idle = setTimeout(() => tell({ type: 'stopped' }), idleMs);
}

async function leave(): Promise<void> {
  await saveFolders();
  process.exit(0);
}

function tell(message: ToSupervisor): void {
  process.send!(message);
}

process.on('message', (message: ToHost, handle: unknown) => {
  if (message.type === 'start') {
    const { uid, gid, username } = message.owner;
    becomeUser(uid, gid, username);
    process.umask(message.services[0]?.mail.umask ?? 0o022);
    services = message.services;
    if (services[0] !== undefined) limitDescriptions(services[0].mail.messageCacheOctets);
  } else if (message.type === 'session') {
    if (handle === undefined) return; // the client went away on the way
    start(message.id, message.session, handle as ConnectionHandle);
  } else {
    stopping = true;
    for (const session of sessions.values()) session.stop();
    if (sessions.size === 0) void leave();
  }
});
process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
