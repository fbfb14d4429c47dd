import { headerFields } from '../message/header.ts';
import { searchableField, textLeaves } from '../message/text.ts';
import { describe } from '../store/describe.ts';
import type { Folder } from '../store/folder.ts';
import { leafText, leafTextPieces, wholeOctets } from './body-text.ts';
import { leavesOf } from './leaf-record.ts';
import type { MessageReader } from './message-reader.ts';
import type { TextColumns } from './text-columns.ts';

/**
 * Gives an index all that SEARCH TEXT looks at in a message, in the same pieces as `Asker` looks at it: so whatever
 * that finds was indexed.
 * @param pause  called between pieces of a large message
 * @throws {MailError} expunged, unavailable: the message's file cannot be read
 */
export async function feedText(
  folder: Folder,
  uid: number,
  reader: MessageReader,
  columns: TextColumns,
  pause: () => Promise<void> | undefined,
): Promise<void> {
  reader.use(uid);
  for (const { name, value } of headerFields(reader.header())) {
    columns.beginText();
    columns.add(name);
    columns.beginText();
    columns.add(searchableField(name, value));
  }
  columns.beginText();
  if (reader.sizeOctets <= wholeOctets) {
    const octets = reader.head(wholeOctets);
    for (const leaf of leavesOf(folder, uid, octets))
      columns.add(leafText(leaf, octets.subarray(leaf.start, leaf.end)));
    return;
  }
  const { structure } = await describe(folder, reader.row());
  for (const leaf of textLeaves(structure)) {
    for (const piece of leafTextPieces(leaf, reader.read)) {
      columns.add(piece);
      const pausing = pause();
      if (pausing !== undefined) await pausing;
    }
  }
}
