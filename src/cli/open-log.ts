/** Where a process that is nobody's child writes its log, and what happens to the lines of its children. */
import type { Log } from '../base/log.ts';
import type { ChildOutput } from '../supervisor/child.ts';
import { jsonLog } from '../supervisor/json-log.ts';
import { processLog } from '../supervisor/process-log.ts';
import type { ServerSettings } from '../supervisor/settings.ts';
import { Syslog } from '../supervisor/syslog.ts';
import { UnixDatagram } from '../supervisor/unix-datagram.ts';

/**
 * @param name  of this process in the log
 * @param facilities  by name; others have `mail`
 * @returns `output` is undefined where children write to our standard error themselves
 */
export function openLog(
  {
    log = 'stderr',
    logFormat,
  }: { log?: ServerSettings['log'] | undefined } & Pick<ServerSettings, 'logFormat'>,
  name: string,
  facilities: ReadonlyMap<string, string>,
): { log: Log; output: ChildOutput } {
  const json = logFormat === 'json';
  if (log === 'stderr' && !json) return { log: processLog(), output: undefined };
  const lines =
    log === 'stderr'
      ? jsonLog((line) => void process.stderr.write(line))
      : new Syslog(new UnixDatagram('/dev/log'), facilities, json);
  return { log: lines.named(name), output: (line) => lines.relay(line, name) };
}
