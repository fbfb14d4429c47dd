/** Undoes a transfer encoding, in any pieces. Never throws: damaged input decodes as far as it makes sense. */
export interface TransferDecoder {
  write(octets: Uint8Array): Buffer;
  end(): Buffer;
}

/** @returns undefined if the encoding is unknown (BINARY answers UNKNOWN-CTE, RFC 3516 §4.3) */
export function createTransferDecoder(encoding: string): TransferDecoder | undefined {
  throw new Error(`not built yet ${encoding}`);
}

export function decodeTransfer(octets: Uint8Array, encoding: string): Buffer | undefined {
  throw new Error(`not built yet ${encoding} ${octets.length}`);
}
