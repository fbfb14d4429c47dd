/**
 * A back end that costs next to nothing: lets everybody in, answers each line with `OK`, and sends `BLAST n` MiB.
 * Prints its port. Arguments: a PEM file, for TLS from the first octet.
 */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

const mebibyte = Buffer.alloc(1 << 20, 'x');

async function blast(socket: Socket, mebibytes: number): Promise<void> {
  for (let sent = 0; sent < mebibytes; sent++) {
    if (!socket.write(mebibyte)) await new Promise((resolve) => socket.once('drain', resolve));
  }
}

function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.setNoDelay(true);
  socket.write('* OK ready\r\n');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const [tag, command, argument] = text.slice(0, end).trim().split(' ');
      text = text.slice(end + 1);
      if (command === 'BLAST') void blast(socket, Number(argument));
      else socket.write(`${tag} OK done\r\n`);
    }
  });
}

const [, , pemFile] = process.argv;
const pem = pemFile === undefined ? undefined : readFileSync(pemFile, 'latin1');
const server =
  pem === undefined
    ? createServer(serve)
    : createTlsServer({ key: pem, cert: pem }, (socket) => serve(socket));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
