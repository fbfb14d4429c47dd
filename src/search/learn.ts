import { computed } from '../store/computed.ts';
import type { Folder } from '../store/folder.ts';
import type { Facts } from './facts.ts';
import { factsRecord, readFactsRecord } from './facts-record.ts';
import { type MessageFacts, readFacts, textColumns } from './message-facts.ts';
import type { MessageReader } from './message-reader.ts';

/**
 * Fills in the facts of the message at `index`, which `reader` is turned to: from the message cache, else from its
 * header. @throws {MailError} expunged, unavailable: the message's file cannot be read
 */
export function learn(facts: Facts, index: number, folder: Folder, reader: MessageReader): void {
  const cache = folder.computed;
  if (cache.find(reader.row(), computed.facts)) {
    const known = readFactsRecord(cache.octets, cache.start, cache.end);
    if (known !== undefined) {
      setFacts(facts, index, known);
      return;
    }
  }
  const read = readFacts(reader.header());
  setFacts(facts, index, read);
  const record = folder.settings.keepsIndex === true ? factsRecord(read) : undefined;
  if (record !== undefined) cache.put(reader.row(), computed.facts, record);
}

function setFacts(facts: Facts, index: number, message: MessageFacts): void {
  const { strings, references } = facts;
  const { texts } = message;
  facts.sentSeconds[index] = message.sentSeconds;
  facts.sentDay[index] = message.sentDay;
  facts.isReply[index] = Number(message.isReply);
  for (let i = 0; i < textColumns.length; i++) {
    const text = texts[i];
    if (text !== undefined) facts[textColumns[i]!][index] = strings.add(text);
  }
  facts.referencesStart[index] = references.length;
  facts.referencesCount[index] = message.references.length;
  for (const id of message.references) references.push(strings.add(id));
  facts.known[index] = 1;
  facts.learned++;
}
