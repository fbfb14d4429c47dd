/** Commands after login (pop3-proxy-options §2.6). */
import type { Connection } from '../net/connection.ts';
import { uniqueId } from '../store/pop3-list-format.ts';
import { capabilities, language, listing } from './capabilities.ts';
import type { Outcome } from './command.ts';
import { refusalText } from './errors.ts';
import { type Maildrop, markSeen, type Pop3Message, removeDeleted, saveCorrections } from './maildrop.ts';
import type { Pop3Services } from './services.ts';
import { sendMessage, sendTop } from './transfer.ts';

export interface Transaction {
  readonly connection: Connection;
  readonly services: Pop3Services;
  readonly maildrop: Maildrop;
  utf8: boolean;
  /** Octets of text sent by TOP and by RETR, for the log. */
  topOctets: number;
  retrOctets: number;
  /** Called with the file name of each message that QUIT removed. */
  readonly onRemoved: (fileName: string) => void;
}

type TransactionCommand = (transaction: Transaction, words: readonly string[]) => Outcome | Promise<Outcome>;

const sent: Outcome = { kind: 'sent' };

const noSuchMessage: Outcome = { kind: 'reply', text: '-ERR Invalid message number.' };

const commands: Readonly<Record<string, TransactionCommand>> = {
  STAT({ maildrop }) {
    let count = 0;
    let octets = 0;
    for (const message of maildrop.messages) {
      if (message.deleted) continue;
      count++;
      octets += message.wireOctets;
    }
    return reply(`+OK ${count} ${octets}`);
  },
  LIST: (transaction, words) =>
    list(transaction, words, '+OK scan listing follows', (message) => String(message.wireOctets)),
  UIDL: (transaction, words) => list(transaction, words, '+OK', ({ entry }) => uniqueId(entry)),
  RETR(transaction, words) {
    const message = find(transaction.maildrop, words[0]);
    if (!message) return noSuchMessage;
    const { connection, maildrop } = transaction;
    const wrapAs = wrapperFor(transaction, message);
    const octets = sendMessage(connection, maildrop, message, wrapAs);
    if (typeof octets !== 'number') return octets.then((sent) => retrieved(transaction, message, sent));
    return retrieved(transaction, message, octets);
  },
  TOP(transaction, words) {
    const message = find(transaction.maildrop, words[0]);
    if (!message) return noSuchMessage;
    if (words[1] === undefined) return reply('-ERR Invalid command.');
    const { connection, maildrop } = transaction;
    const wrapAs = wrapperFor(transaction, message);
    const lines = leadingInteger(words[1]);
    const count = (octets: number) => {
      transaction.topOctets += octets;
      return sent;
    };
    const octets = sendTop(connection, maildrop, message, lines, wrapAs);
    return typeof octets === 'number' ? count(octets) : octets.then(count);
  },
  DELE({ maildrop }, words) {
    const message = find(maildrop, words[0]);
    if (!message) return noSuchMessage;
    message.deleted = true;
    return reply('+OK Deleted.');
  },
  RSET({ maildrop }) {
    for (const message of maildrop.messages) message.deleted = false;
    return reply('+OK Resurrected.');
  },
  NOOP: () => reply('+OK Yup.'),
  CAPA: ({ connection, services }) =>
    reply(listing("+OK Here's what I can do:", capabilities(connection, services, true))),
  LANG: (_transaction, words) => reply(language(words[0] ?? '')),
  UTF8(transaction) {
    transaction.utf8 = true;
    return reply('+OK UTF8 enabled');
  },
  async QUIT(transaction) {
    await saveCorrections(transaction.maildrop);
    return { kind: 'end', text: await quit(transaction) };
  },
};

export function transactionCommand(transaction: Transaction, line: string): Outcome | Promise<Outcome> {
  const [verb, ...words] = line.split(/[ \t]+/).filter((word, i) => i > 0 || word !== '');
  const command = commands[(verb ?? '').toUpperCase()];
  return command ? command(transaction, words) : reply('-ERR Invalid command.');
}

/** Removes what is to be removed. @returns the reply: the session ends in any case */
async function quit({ maildrop, onRemoved }: Transaction): Promise<string> {
  try {
    const { removed, left } = await removeDeleted(maildrop);
    for (const fileName of removed) onRemoved(fileName);
    return left === 0 ? '+OK Bye-bye.' : `-ERR [SYS/TEMP] ${left} messages could not be removed.`;
  } catch (error) {
    const text = refusalText(error);
    if (text === undefined) throw error;
    return `-ERR ${text}`;
  }
}

/** A message has been sent to its end, if the client is still there. */
function retrieved(
  transaction: Transaction,
  message: Pop3Message,
  octets: number,
): Outcome | Promise<Outcome> {
  transaction.retrOctets += octets;
  if (transaction.connection.closed) return sent;
  const marking = markSeen(transaction.maildrop, message);
  return marking === undefined ? sent : marking.then(() => sent);
}

function list(
  { maildrop }: Transaction,
  words: readonly string[],
  first: string,
  what: (message: Pop3Message) => string,
): Outcome {
  if (words[0]) {
    const message = find(maildrop, words[0]);
    return message ? reply(`+OK ${leadingInteger(words[0])} ${what(message)}`) : noSuchMessage;
  }
  let text = first;
  for (const [i, message] of maildrop.messages.entries())
    if (!message.deleted) text += `\r\n${i + 1} ${what(message)}`;
  return reply(`${text}\r\n.`);
}

function find(maildrop: Maildrop, word: string | undefined): Pop3Message | undefined {
  const message = maildrop.messages[leadingInteger(word ?? '') - 1];
  return message?.deleted ? undefined : message;
}

/** Clients send `1x` and `01`; nonsense is 0. */
function leadingInteger(word: string): number {
  return Number(/^[+-]?\d+/.exec(word)?.[0] ?? 0);
}

function wrapperFor({ utf8, services }: Transaction, message: Pop3Message): string | undefined {
  return message.eightBitHeader && !utf8 ? services.settings.unicodeMessageType : undefined;
}

function reply(line: string): Outcome {
  return { kind: 'reply', text: line };
}
