/** Who is at the other end of a UNIX socket: SO_PEERCRED and SO_PEERGROUPS (unix(7), socket(7)), through koffi. */
import type { Socket } from 'node:net';
import koffi from '../base/native.ts';

export interface PeerCredentials {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

const solSocket = 1;
const soPeerCred = 17;
const soPeerGroups = 59;
const maxGroups = 256;

const libc = koffi.load('libc.so.6');
const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, uint8_t *value, _Inout_ uint32_t *length)',
);

function readOption(fd: number, name: number, octets: number): Buffer | undefined {
  const value = Buffer.alloc(octets);
  const length = [octets];
  const result: unknown = getsockopt(fd, solSocket, name, value, length);
  return result === 0 ? value.subarray(0, length[0]) : undefined;
}

/** undefined when the socket is closed already, or not a UNIX one: trust nobody then. */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  // Node has no public way to a socket's descriptor.
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  const credentials = readOption(fd, soPeerCred, 12);
  if (credentials?.length !== 12) return undefined;
  const list = readOption(fd, soPeerGroups, 4 * maxGroups) ?? Buffer.alloc(0);
  const groups = Array.from({ length: list.length / 4 }, (_, i) => list.readUInt32LE(4 * i));
  return { uid: credentials.readUInt32LE(4), gid: credentials.readUInt32LE(8), groups };
}
