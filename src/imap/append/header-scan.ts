/** Looks for octets above 127 in a message's header, while the message passes by in pieces. */
export class HeaderScan {
  found = false;
  #inHeader = true;
  #lineIsEmpty = true;

  write(octets: Uint8Array): void {
    for (let i = 0; this.#inHeader && i < octets.length; i++) {
      const octet = octets[i]!;
      if (octet === 0x0a) {
        if (this.#lineIsEmpty) this.#inHeader = false;
        this.#lineIsEmpty = true;
      } else if (octet !== 0x0d) {
        this.#lineIsEmpty = false;
        if (octet > 127) this.found = true;
      }
    }
  }
}
