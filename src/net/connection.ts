/**
 * A client's connection, whatever carries it: octets in by callback, octets out coalesced per turn of the
 * event loop. Nothing here makes a promise per read or write; only a slow reader costs one.
 */

/** What a session sees of its client. */
export interface Connection {
  /** The client's address as the kernel tells it (`192.0.2.7`, `2001:db8::1`); `''` where there is none. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** True once octets are encrypted. */
  readonly secure: boolean;
  /** The identity a verified client certificate gives under TLS_EXTERNAL. */
  readonly certificateName?: string | undefined;
  /** What this TLS connection alone has (`channel-binding.ts`); undefined: nothing of this name. */
  channelBinding?(name: string): Uint8Array | undefined;
  /** Octets received and written so far (after decryption, before encryption; without compression). */
  readonly octetsRead: number;
  readonly octetsWritten: number;
  /** Octets given to `write` that the kernel has not taken yet. */
  readonly pendingOctets: number;
  /** True once octets are compressed in both directions. */
  readonly compressed: boolean;
  /** True when nothing written will reach the client any more. */
  readonly closed: boolean;

  /** Sets the one receiver of octets; reading begins with the first call. The chunk may be kept. */
  onData(handler: (chunk: Buffer) => void): void;
  /**
   * Sets the receiver of the client's end of file, told after the last octet. What is written then still
   * reaches the client; the receiver calls `end()` when done. Without a receiver the connection ends itself.
   */
  onEnd(handler: () => void): void;
  /** Sets the receiver of the end of the connection, told once, also after `end` and `destroy`. */
  onClose(handler: (error?: Error) => void): void;
  pause(): void;
  resume(): void;
  /**
   * Queues octets (a string is latin1) for the end of this turn of the event loop.
   * The octets must stay as they are until they are written: do not reuse the buffer.
   * @returns false when the client is slow: wait for `drained()` before writing much more
   */
  write(octets: Uint8Array | string): boolean;
  /** Gives the kernel what is queued now: an answer that is complete waits for nobody else's work in this turn. */
  flush(): void;
  /**
   * Writes octets of a buffer that will be used again, behind what is queued and at once.
   * @param done  told once when the kernel has taken them or never will, perhaps before this returns
   */
  writeLent(octets: Uint8Array, done: () => void): void;
  /** Resolves when the client has caught up or the connection has closed; never rejects. */
  drained(): Promise<void>;
  /**
   * Server side of the TLS handshake, after what is queued has been sent in clear. Octets received before are
   * thrown away; the receiver set by `onData` gets decrypted octets afterwards.
   * @throws {Error} the handshake failed or took too long; the connection is closed
   */
  startTls(): Promise<void>;
  /**
   * Compresses all that is written from now on, and inflates all that comes (RFC 4978); once at most, and after TLS
   * has started if it does. Octets that are no deflate end the connection.
   * @param received  octets given to `onData` that are compressed already
   */
  compress(received: Buffer): void;
  /** Writes `last`, then closes; a client that does not read it is cut off after a minute. */
  end(last?: Uint8Array | string): void;
  /**
   * The same when the client has said that it sends no more: there is nothing whose arrival could make the kernel throw
   * away what the client has not read yet, so that its own end need not be waited for.
   */
  endAtRequest(last?: Uint8Array | string): void;
  destroy(error?: Error): void;
}
