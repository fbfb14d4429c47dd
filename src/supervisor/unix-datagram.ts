/** Datagrams to a UNIX socket, which Node does not have: for syslog and for systemd. */
import koffi from '../base/native.ts';

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)');
const send = libc.func('int64_t send(int fd, const void *octets, uint64_t length, int flags)');
const close = libc.func('int close(int fd)');

const afUnix = 1;
const sockDgram = 2 | 0x80000; // SOCK_CLOEXEC
const sendFlags = 0x40 | 0x4000; // MSG_DONTWAIT, MSG_NOSIGNAL

/** `struct sockaddr_un`; a leading `@` stands for the NUL of an abstract name. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path.replace(/^@/, '\0'));
  if (name.length === 0 || name.length > 107)
    throw new RangeError(`"${path}" cannot be the name of a socket`);
  const address = Buffer.alloc(2 + name.length + (name[0] === 0 ? 0 : 1));
  address.writeUInt16LE(afUnix);
  name.copy(address, 2);
  return address;
}

/** Sends to one place; connects on the first datagram, and again when the receiver was started anew. */
export class UnixDatagram {
  readonly #address: Buffer;
  #fd = -1;

  constructor(path: string) {
    this.#address = unixAddress(path);
  }

  /** Never waits. @returns false: nobody is there, or the receiver does not keep up */
  send(octets: Buffer): boolean {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (this.#fd < 0 && !this.#connect()) return false;
      if (send(this.#fd, octets, octets.length, sendFlags) === octets.length) return true;
      if (koffi.errno() === koffi.os.errno['EAGAIN']) return false;
      this.close();
    }
    return false;
  }

  close(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
  }

  #connect(): boolean {
    this.#fd = socket(afUnix, sockDgram, 0);
    if (this.#fd >= 0 && connect(this.#fd, this.#address, this.#address.length) === 0) return true;
    this.close();
    return false;
  }
}
