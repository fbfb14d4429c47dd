/** What clients are told who are not served, before their connection is closed. */
import type { StreamConnection } from '../net/stream-connection.ts';
import type { RefusalReason } from './worker-counts.ts';

/** Handshakes at the same time for nothing but to say no; with more of them connections are closed without a word. */
const maxHandshakes = 20;
/** So many wait for the client to take leave, too; the others are closed as soon as the line is sent. */
const maxLeaving = 100;

const texts: Readonly<Record<Exclude<RefusalReason, 'proxy' | 'tls'>, string>> = {
  server: 'Too many connections, try again later.',
  address: 'Too many connections from your address.',
  access: 'Connections from your address are not served here.',
  dns: 'Connections from your address are not served here.',
};

/** The line for a refused client. @param more  in place of the usual text */
export function refusalLine(
  protocol: 'imap' | 'pop3',
  reason: keyof typeof texts,
  more = texts[reason],
): string {
  if (protocol === 'imap') return `* BYE [ALERT] ${more}\r\n`;
  const isTemporary = reason === 'server' || reason === 'address';
  return `-ERR [SYS/${isTemporary ? 'TEMP' : 'PERM'}] ${more}\r\n`;
}

/** Says no; where TLS comes first that costs a handshake, of which there are only some at a time. */
export class Refusals {
  #handshakes = 0;
  #leaving = 0;

  refuse(connection: StreamConnection, implicitTls: boolean, line: string): void {
    if (!implicitTls) {
      this.#end(connection, line);
      return;
    }
    if (this.#handshakes >= maxHandshakes) {
      connection.destroy();
      return;
    }
    this.#handshakes++;
    connection
      .startImplicitTls()
      .then(
        () => this.#end(connection, line),
        () => connection.destroy(),
      )
      .finally(() => this.#handshakes--);
  }
  #end(connection: StreamConnection, line: string): void {
    if (this.#leaving < maxLeaving) {
      this.#leaving++;
      connection.onClose(() => this.#leaving--);
      connection.end(line);
    } else {
      connection.end(line);
      setImmediate(() => connection.destroy());
    }
  }
}
