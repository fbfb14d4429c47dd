import { writeSync } from 'node:fs';
import { type Log, textLog } from '../base/log.ts';
import { lineMark } from './marked-line.ts';

const maxWaitingOctets = 1 << 20;

/** A line waits at most this long for others to leave with: small writes are what logging costs. */
const gatherMs = 20;
const gatherOctets = 16_384;

/** The log of a service, of which each session may have its own. */
export interface ServiceLog extends Log {
  /** Lines of one session; the service's own log where they are not told apart. */
  session(id: string): Log;
}

/** A log of which each service may have its own. */
export interface ProcessLog extends Log {
  /** Lines of the service of this name. */
  named(name: string): ServiceLog;
}

/**
 * The log of a process: lines leave together in one write to standard error, which the supervisor has
 * arranged, and at the latest when the process ends. A reader that does not keep up costs lines, never the server.
 * @param marked  begin lines with what they are of (`marked-line.ts`), for a supervisor that passes them on
 */
export function processLog(descriptor = 2, marked = false): ProcessLog {
  let waiting = '';
  let planned = false;
  let lost = 0;
  let full = false;
  const flush = () => {
    planned = false;
    if (waiting === '') return;
    if (lost > 0) {
      waiting += `WARN: ${lost} log lines were lost\n`;
      lost = 0;
    }
    const octets = Buffer.from(waiting);
    try {
      const written = writeSync(descriptor, octets);
      waiting = written === octets.length ? '' : octets.subarray(written).toString();
      full = waiting !== '';
    } catch (error) {
      full = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (!full) waiting = '';
    }
    if (waiting !== '') plan();
  };
  const plan = () => {
    planned = true;
    setTimeout(flush, gatherMs);
  };
  process.on('exit', flush);
  const write = (line: string) => {
    if (waiting.length + line.length > maxWaitingOctets) lost++;
    else waiting += line;
    if (!planned) plan();
    else if (waiting.length >= gatherOctets && !full) flush();
  };
  const log = textLog(write);
  const same: ServiceLog = { ...log, session: () => same };
  const markedLog = (mark: string) => textLog((line) => write(mark + line));
  const named = (name: string): ServiceLog => ({
    ...markedLog(lineMark(name)),
    session: (id) => markedLog(lineMark(name, id)),
  });
  return { ...log, named: marked ? named : () => same };
}
