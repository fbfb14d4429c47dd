/**
 * Binds to addresses that the machine does not have yet, as Courier does: at boot, or where an address moves from one
 * machine to another. Node cannot set the option for it (IP_FREEBIND, ip(7)).
 */
import koffi from '../base/native.ts';
import { addressOctets } from '../net/address.ts';
import { adoptDescriptor, type Endpoint, type ListenHandle } from '../net/listen-handle.ts';

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const setsockopt = libc.func(
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
);
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const close = libc.func('int close(int fd)');

const [afInet, afInet6] = [2, 10];
const sockStream = 1 | 0x800 | 0x80000; // SOCK_NONBLOCK, SOCK_CLOEXEC
const [solSocket, soReuseAddr] = [1, 2];
const [ipprotoIp, ipFreeBind] = [0, 15];
const [ipprotoIpv6, ipv6FreeBind] = [41, 78];
const on = Buffer.from([1, 0, 0, 0]);

/** @throws {Error} it cannot be bound for another reason */
export function bindFreely({ address = '', port }: Endpoint): ListenHandle {
  const isSix = address.includes(':');
  const fd: number = socket(isSix ? afInet6 : afInet, sockStream, 0);
  if (fd < 0) throw new Error(`socket: error ${koffi.errno()}`);
  setsockopt(fd, solSocket, soReuseAddr, on, on.length);
  if (isSix) setsockopt(fd, ipprotoIpv6, ipv6FreeBind, on, on.length);
  else setsockopt(fd, ipprotoIp, ipFreeBind, on, on.length);
  const name = socketAddress(address, isSix, port);
  if (bind(fd, name, name.length) !== 0) {
    const errno = koffi.errno();
    close(fd);
    throw new Error(`bind: ${address}.${port}: error ${errno}`);
  }
  return adoptDescriptor(fd);
}

/** `struct sockaddr_in` or `struct sockaddr_in6`. */
function socketAddress(address: string, isSix: boolean, port: number): Buffer {
  const octets = addressOctets(address)!;
  const name = Buffer.alloc(isSix ? 28 : 16);
  name.writeUInt16LE(isSix ? afInet6 : afInet, 0);
  name.writeUInt16BE(port, 2);
  name.set(isSix ? octets : octets.subarray(12), isSix ? 8 : 4);
  return name;
}
