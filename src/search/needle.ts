/**
 * Substring matching as a mail client means it: letters of any case, any white space for a space
 * (imap-server §10). Text comes in pieces; a match may lie across them.
 */

/** Lower case by Unicode's own tables; equal texts of different case become equal. */
export function foldCase(text: string): string {
  return text.toLowerCase();
}

/** Every run of white space as one space. */
export function squeeze(text: string): string {
  return /\s\s|[^\S ]/.test(text) ? text.replace(/\s+/g, ' ') : text;
}

/** What a client looks for, prepared once a search. */
export class Needle {
  readonly folded: string;
  /** The longest word: where it is missing, so is the needle, and white space need not be looked at. */
  readonly #word: string;

  constructor(text: string) {
    this.folded = foldCase(squeeze(text)).trim();
    this.#word = this.folded.split(' ').reduce((a, b) => (b.length > a.length ? b : a), '');
  }

  /** @param text  folded and squeezed already, as the caches keep it */
  isInFolded(text: string): boolean {
    return text.includes(this.folded);
  }

  isIn(text: string): boolean {
    const folded = foldCase(text);
    return folded.includes(this.#word) && (this.#word === this.folded || this.isInFolded(squeeze(folded)));
  }

  /** A matcher for one text that comes in pieces. */
  matcher(): (piece: string) => boolean {
    const { folded } = this;
    let carry = '';
    let found = folded === '';
    return (piece) => {
      if (found) return true;
      const text = carry + foldCase(piece);
      found = text.includes(this.#word) && (this.#word === folded || squeeze(text).includes(folded));
      if (!found)
        carry =
          this.#word === folded ? text.slice(1 - folded.length || text.length) : tail(text, folded.length);
      return found;
    };
  }
}

/** The end of a text that holds `length` characters once squeezed. */
function tail(text: string, length: number): string {
  let start = text.length;
  for (let kept = 0; start > 0 && kept < length; start--) {
    if (!isSpace(text, start - 1) || start === text.length || !isSpace(text, start)) kept++;
  }
  return squeeze(text.slice(start));
}

function isSpace(text: string, at: number): boolean {
  return /\s/.test(text[at]!);
}
