export interface ExpungeOptions {
  /** Directory of the folder to move the messages to instead of removing them; it is created if missing. */
  readonly trash?: string;
}
