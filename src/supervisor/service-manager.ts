import { UnixDatagram } from './unix-datagram.ts';

/** Tells systemd how the server is (sd_notify(3)); without systemd it tells nobody. */
export class ServiceManager {
  readonly #socket: UnixDatagram | undefined;

  /** @param notifySocket  $NOTIFY_SOCKET */
  constructor(notifySocket: string | undefined) {
    this.#socket = notifySocket ? new UnixDatagram(notifySocket) : undefined;
  }

  ready(): void {
    this.#tell(`READY=1\nMAINPID=${process.pid}`);
  }

  reloading(): void {
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${microseconds}`);
  }

  stopping(): void {
    this.#tell('STOPPING=1');
  }

  #tell(state: string): void {
    this.#socket?.send(Buffer.from(state));
  }
}
