import type { Connection } from '../net/connection.ts';
import type { Pop3Services } from './services.ts';

/** CAPA's lines (RFC 2449; order of pop3-proxy-options §2.5). */
export function capabilities(connection: Connection, services: Pop3Services, loggedIn: boolean): string[] {
  const { settings, login } = services;
  const lines: string[] = [];
  const encrypted = connection.secure && settings.saslMechanismsTls.length > 0;
  const named = encrypted ? settings.saslMechanismsTls : settings.saslMechanisms;
  // Without TLS there is no channel to bind to.
  const mechanisms = named.filter((name) => connection.secure || !name.endsWith('-PLUS'));
  if (connection.certificateName !== undefined) mechanisms.push('EXTERNAL');
  const mustEncrypt = login?.needsTls(connection) ?? false;
  if (mechanisms.length > 0 && !mustEncrypt) lines.push(`SASL ${mechanisms.join(' ')}`);
  if (!loggedIn && login?.canStartTls(connection)) lines.push('STLS');
  lines.push('TOP');
  if (!mustEncrypt) lines.push('USER');
  if (settings.loginDelaySeconds > 0) lines.push(`LOGIN-DELAY ${settings.loginDelaySeconds}`);
  lines.push('RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'UIDL');
  lines.push(mustEncrypt ? 'UTF8' : 'UTF8 USER', 'LANG', 'IMPLEMENTATION Postrider');
  return lines;
}

/** The answer to CAPA, or to LANG without a word. */
export function listing(first: string, lines: readonly string[]): string {
  return [first, ...lines, '.'].join('\r\n');
}

const languages = new Map([
  ['en', "+OK en King's English"],
  ['*', "+OK en King's English"],
  ['i-default', "+OK i-default King's English"],
]);

/** LANG (RFC 6856 §3). */
export function language(tag: string): string {
  if (tag === '')
    return listing('+OK Language listing follows:', ['en English', 'i-default Default language']);
  return languages.get(tag) ?? '-ERR Language not available.';
}
