import { closeSync, openSync, readSync } from 'node:fs';

/** A fixed piece of the sort of work a mail server does: octets, strings, tables and system calls. */
function work(): number {
  const octets = Buffer.allocUnsafe(1 << 20);
  for (let i = 0; i < octets.length; i++) octets[i] = (i * 31) & 127;
  let sum = 0;
  for (let i = 0; i < 20; i++) sum += octets.indexOf('absent');
  const table = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) table.set(`key ${i & 4095}`, i);
  const columns = new Uint32Array(100_000);
  for (let i = 0; i < columns.length; i++) columns[i] = Math.imul(i, 0x9e37_79b1);
  sum += columns.sort()[5]! + table.size;
  const descriptor = openSync(import.meta.filename, 'r');
  for (let i = 0; i < 2000; i++) sum += readSync(descriptor, octets, 0, 512, 0);
  closeSync(descriptor);
  return sum;
}

let warmUp = 10;

/** CPU time of that work in ms, the least of three; the first call warms up. */
export function calibrate(): number {
  for (; warmUp > 0; warmUp--) work();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
