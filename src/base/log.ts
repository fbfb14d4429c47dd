/** Where log lines go; passed in, never global. The level word is Courier's (frontend-tls-ops §10). */
export interface Log {
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

/** A log that keeps nothing: for tools and tests that do not look at it. */
export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };

/**
 * A log of Courier's text lines: `LEVEL: text` and a newline, control octets escaped.
 * @param write  takes one whole line, its newline included
 */
export function textLog(write: (line: string) => void): Log {
  const line = (level: string) => (text: string) => write(`${level}: ${escapeControls(text)}\n`);
  return { error: line('ERR'), warn: line('WARN'), info: line('INFO'), debug: line('DEBUG') };
}

/** Replaces control characters, so that nothing a client sends can forge a second line. */
export function escapeControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
