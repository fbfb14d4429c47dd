/** `\Sent` -> names below INBOX that mean it, the best first (RFC 6154 §2). */
export type SpecialUse = readonly (readonly [attribute: string, names: readonly string[]])[];

/** What mail programs call these folders; `Trash` is the server's trash folder first of all. */
export const wellKnownFolders: SpecialUse = [
  ['\\Sent', ['Sent', 'Sent Messages', 'Sent Items', 'Sent Mail']],
  ['\\Drafts', ['Drafts', 'Draft']],
  ['\\Trash', ['Trash', 'Deleted Messages', 'Deleted Items']],
  ['\\Junk', ['Junk', 'Spam', 'Junk E-mail', 'Junk Email', 'Bulk Mail']],
  ['\\Archive', ['Archive', 'Archives']],
];

/**
 * Which folders have a special use; each use has one folder.
 * @param exists  asked with canonical names
 * @param trashFolder  IMAP_TRASHFOLDERNAME: it is the trash if it exists
 * @returns canonical name -> attribute
 */
export function specialUses(
  table: SpecialUse,
  trashFolder: string,
  exists: (name: string) => boolean,
): Map<string, string> {
  const uses = new Map<string, string>();
  for (const [attribute, names] of table) {
    const candidates = attribute === '\\Trash' ? [trashFolder, ...names] : names;
    const name = candidates.map((candidate) => `INBOX.${candidate}`).find(exists);
    if (name !== undefined && !uses.has(name)) uses.set(name, attribute);
  }
  return uses;
}
