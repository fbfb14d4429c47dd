import { writeSync } from 'node:fs';
import { type Log, textLog } from '../base/log.ts';

const maxWaitingOctets = 1 << 20;

/**
 * The log of a child process: lines of one turn of the event loop leave in one write to standard error, which
 * the supervisor has arranged. A reader that does not keep up costs lines, never the server.
 */
export function processLog(descriptor = 2): Log {
  let waiting = '';
  let planned = false;
  let lost = 0;
  const flush = () => {
    planned = false;
    if (lost > 0) {
      waiting += `WARN: ${lost} log lines were lost\n`;
      lost = 0;
    }
    const octets = Buffer.from(waiting);
    try {
      const written = writeSync(descriptor, octets);
      waiting = written === octets.length ? '' : octets.subarray(written).toString();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') waiting = '';
    }
    if (waiting !== '') {
      planned = true;
      setTimeout(flush, 50);
    }
  };
  process.on('exit', () => waiting !== '' && flush());
  return textLog((line) => {
    if (waiting.length + line.length > maxWaitingOctets) lost++;
    else waiting += line;
    if (planned) return;
    planned = true;
    setImmediate(flush);
  });
}
