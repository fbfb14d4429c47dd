import { escapeControls, type Log } from '../base/log.ts';
import { formatJson } from './json-log.ts';
import { type Level, type LogEntry, parseMarkedLine } from './marked-line.ts';
import type { UnixDatagram } from './unix-datagram.ts';

/** Facilities by name (RFC 3164 §4.1.1). */
const facilities: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`local${i}`, 16 + i])),
};

const severities: Readonly<Record<Level, number>> = { ERR: 3, WARN: 4, INFO: 6, DEBUG: 7 };

/** Courier's logger cuts lines here (frontend-tls-ops §10). */
const maxTextOctets = 511;
/** Half an object is of no use to anybody; receivers take this much. */
const maxJsonOctets = 8_192;

/** Writes lines to the system's log under a name and facility per service, the level word as severity. */
export class Syslog {
  readonly #socket: Pick<UnixDatagram, 'send'>;
  readonly #facilities: ReadonlyMap<string, string>;
  readonly #json: boolean;
  readonly #clock: () => Date;
  #lost = 0;

  /**
   * @param facilityOf  facility by the name lines are marked with; default `mail`
   * @param json  the text of a line is an object (`json-log.ts`)
   */
  constructor(
    socket: Pick<UnixDatagram, 'send'>,
    facilityOf: ReadonlyMap<string, string>,
    json = false,
    clock = () => new Date(),
  ) {
    this.#socket = socket;
    this.#facilities = facilityOf;
    this.#json = json;
    this.#clock = clock;
  }

  /** The log of one name (`imapd-ssl`). */
  named(name: string): Log {
    const line = (level: Level) => (text: string) => this.#write({ name, level, text });
    return { error: line('ERR'), warn: line('WARN'), info: line('INFO'), debug: line('DEBUG') };
  }

  /** A line of a child process: marked, or anything a program wrote to its standard error. */
  relay(line: string, defaultName: string): void {
    this.#write(parseMarkedLine(line, defaultName));
  }

  #write(entry: LogEntry): void {
    const { name } = entry;
    const lost: LogEntry = { name, level: 'WARN', text: `${this.#lost} log lines were lost` };
    if (this.#lost > 0 && this.#send(lost)) this.#lost = 0;
    if (!this.#send({ ...entry, text: escapeControls(entry.text) })) this.#lost++;
  }

  #send(entry: LogEntry): boolean {
    const { name, level, text } = entry;
    const facility = facilities[this.#facilities.get(name) ?? 'mail'] ?? facilities['mail']!;
    const now = this.#clock();
    const octets = this.#json
      ? Buffer.from(formatJson(entry, now)).subarray(0, maxJsonOctets)
      : Buffer.from(text).subarray(0, maxTextOctets);
    const head = `<${facility * 8 + severities[level]}>${timestamp(now)} ${name}: `;
    return this.#socket.send(Buffer.concat([Buffer.from(head), octets]));
  }
}

/** `Nov  4 17:05:09`, local time. */
function timestamp(date: Date): string {
  const [, month, , , time] = date.toString().split(' ');
  return `${month} ${String(date.getDate()).padStart(2)} ${time}`;
}
