import { connect, type Socket } from 'node:net';

/** A POP3 client that costs little itself: replies are scanned for their ends only. One command at a time. */
export class Pop3Client {
  readonly #socket: Socket;
  #multiline = false;
  #octets = 0;
  /** Of the reply so far. */
  #first: Buffer | undefined;
  #tail = '';
  #waiting: { resolve: (octets: number) => void; reject: (error: Error) => void } | undefined;

  /** Connects and reads the greeting. */
  static async connect(port: number): Promise<Pop3Client> {
    const client = new Pop3Client(connect({ port, host: '127.0.0.1', noDelay: true }));
    await client.#reply(false);
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    const end = (error: Error) => this.#waiting?.reject(error);
    socket.on('error', end);
    socket.on('close', () => end(new Error('The server closed the connection.')));
  }

  async logIn(user: string): Promise<void> {
    await this.run(`USER ${user}`);
    await this.run('PASS pass');
  }

  /** Sends a command. @returns octets of the reply. @throws if it is not +OK */
  run(command: string, multiline = false): Promise<number> {
    const reply = this.#reply(multiline);
    this.#socket.write(`${command}\r\n`);
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }

  #reply(multiline: boolean): Promise<number> {
    this.#multiline = multiline;
    this.#octets = 0;
    this.#first = undefined;
    this.#tail = '';
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #take(chunk: Buffer): void {
    this.#first ??= chunk;
    this.#octets += chunk.length;
    this.#tail = (this.#tail + chunk.subarray(-5).toString('latin1')).slice(-5);
    const bad = this.#first[0] === 45;
    const ends = this.#multiline && !bad ? this.#tail === '\r\n.\r\n' : this.#tail.endsWith('\r\n');
    if (!ends) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (bad) waiting?.reject(new Error(this.#first.toString('latin1').trim()));
    else waiting?.resolve(this.#octets);
  }
}
