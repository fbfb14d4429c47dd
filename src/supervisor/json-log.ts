/** The structured form of the log: an object a line, with what Courier's lines say as fields of their own. */
import { escapeControls, type Log } from '../base/log.ts';
import { type Level, type LogEntry, parseMarkedLine } from './marked-line.ts';

const levels: Readonly<Record<Level, string>> = {
  ERR: 'error',
  WARN: 'warning',
  INFO: 'info',
  DEBUG: 'debug',
};

/**
 * `{"time":"2026-11-04T17:05:09.000Z","level":"info","service":"imapd","session":"…","event":"LOGIN","user":"ann",
 * "ip":"::ffff:192.0.2.7","port":4711,"protocol":"IMAP","message":"LOGIN, user=ann, …"}`
 */
export function formatJson({ name, session, level, text }: LogEntry, time: Date): string {
  return JSON.stringify({
    time: time.toISOString(),
    level: levels[level],
    service: name,
    ...(session !== undefined && { session }),
    ...fieldsOf(text),
    message: text,
  });
}

/** Lines that go where JSON is wanted; the interface is that of `Syslog`. */
export function jsonLog(write: (line: string) => void, clock = () => new Date()) {
  const put = (entry: LogEntry) =>
    write(`${formatJson({ ...entry, text: escapeControls(entry.text) }, clock())}\n`);
  return {
    named(name: string): Log {
      const line = (level: Level) => (text: string) => put({ name, level, text });
      return { error: line('ERR'), warn: line('WARN'), info: line('INFO'), debug: line('DEBUG') };
    },
    relay: (line: string, defaultName: string) => put(parseMarkedLine(line, defaultName)),
  };
}

/**
 * `EVENT, user=U, ip=[IP], port=[P], name=value…`. A login name is the client's choice and may look like fields, so
 * the last address in the line is the one that counts, and what stands before it belongs to the name.
 */
const line =
  /^([A-Za-z][A-Za-z ]*), (?:(user|method)=(.*), )?ip=\[([^\]]*)\], port=\[(\d+)\]((?:, [a-z]+=[^,\s]*)*)$/;

function fieldsOf(text: string): Readonly<Record<string, string | number>> {
  const [, event, who, value, ip, port, rest] = line.exec(text) ?? [];
  if (event === undefined || ip === undefined) return {};
  const more = (rest ?? '').split(', ').flatMap((field): [string, string | number][] => {
    const [name = '', content = ''] = field.split('=');
    return name === ''
      ? []
      : [[name === 'time' ? 'seconds' : name, /^\d{1,15}$/.test(content) ? Number(content) : content]];
  });
  return { event, ...(who && { [who]: value! }), ip, port: Number(port), ...Object.fromEntries(more) };
}
