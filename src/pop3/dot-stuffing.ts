/** The octets of a multi-line reply: lines that begin with `.` get another one (RFC 1939 §3). */
export class DotStuffer {
  #atLineStart = true;

  /** @param octets wire octets, in any pieces */
  stuff(octets: Buffer): Buffer {
    if (octets.length === 0) return octets;
    const places: number[] = [];
    if (this.#atLineStart && octets[0] === dot) places.push(0);
    for (let at = octets.indexOf('\n.', 0, 'latin1'); at >= 0; at = octets.indexOf('\n.', at + 1, 'latin1'))
      places.push(at + 1);
    this.#atLineStart = octets[octets.length - 1] === newline;
    return places.length === 0 ? octets : insertDots(octets, places);
  }

  /** Whether what was stuffed so far ends with a line end; true for nothing at all. */
  get atLineStart(): boolean {
    return this.#atLineStart;
  }
}

const dot = 46;
const newline = 10;

function insertDots(octets: Buffer, places: readonly number[]): Buffer {
  const stuffed = Buffer.allocUnsafe(octets.length + places.length);
  let from = 0;
  let to = 0;
  for (const place of places) {
    to += octets.copy(stuffed, to, from, place);
    stuffed[to++] = dot;
    from = place;
  }
  octets.copy(stuffed, to, from);
  return stuffed;
}
