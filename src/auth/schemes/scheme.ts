/** One way of storing a password. Octet strings (latin1) throughout; prefixes match in any case (authlib §5.1). */
export interface Scheme {
  readonly name: string;
  /** Whether a stored value is of this scheme (the value after `{CRYPT}` was dropped). */
  matches(stored: string): boolean;
  /** Never throws for a malformed stored value: that is a mismatch. */
  verify(stored: string, password: string, work: WorkQueue): boolean | Promise<boolean>;
  /** A new hash with the strength of `like` (a stored hash of this scheme). */
  hash(password: string, like: string, work: WorkQueue): string | Promise<string>;
}

/** Runs slow work off the event loop, a bounded number at once. */
export interface WorkQueue {
  /** @throws {AuthError} temporary: too much is waiting */
  run<T>(task: () => Promise<T>): Promise<T>;
}
