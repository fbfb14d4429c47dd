import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { ProcessGroup } from '../control-group.ts';
import type { Owner } from '../maildir.ts';

/** A server under test, running on loopback with the accounts u1, u2 … and the password `pass`. */
export interface RunningServer {
  readonly name: string;
  readonly port: number;
  /** Where it serves POP3, if it does. */
  readonly pop3Port?: number;
  readonly group: ProcessGroup;
  stop(): Promise<void>;
}

/** A server that can be measured. */
export interface ServerKind {
  readonly name: string;
  /** Undefined if it can run here; else why not. */
  missing(): string | undefined;
  /** Path of an account's maildir, to be filled before the start; undefined: fill it by APPEND. */
  maildir?(account: number): string;
  readonly owner: Owner;
  /** Makes the index of an account's text that the server would make in time; absent where there is none. */
  buildIndex?(account: number): Promise<void>;
  /** Gets accounts ready; called before maildirs are filled. */
  prepare(accounts: number): void;
  /** @param synced  false: changes are acknowledged before they are on the disk, for servers that have the choice */
  start(synced?: boolean): Promise<RunningServer>;
  /** `never`: Courier as Debian builds it; `choice`: a setting. Default: always. */
  readonly syncs?: 'never' | 'choice';
}

/** The virtual user that all servers run mailboxes as. */
export const mailOwner: Owner = { uid: 5000, gid: 5000 };

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits until somebody greets on a port. @throws if nobody does within 20 s */
export async function waitForGreeting(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (greeted) return;
    await setTimeout(100);
  }
  throw new Error(`No greeting on port ${port}.`);
}
