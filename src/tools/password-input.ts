/** Where the password tools read from. Octet strings. */
export interface PasswordInput {
  readonly isTerminal: boolean;
  /** One line without its end; undefined: the input ended. On a terminal nothing is echoed when `hidden`. */
  readLine(hidden: boolean): Promise<string | undefined>;
}

/**
 * A new password: one line; from a terminal it is asked for twice, until both are the same.
 * @param prompt  writes to the terminal
 */
export async function readNewPassword(
  input: PasswordInput,
  prompt: (text: string) => void,
): Promise<string | undefined> {
  if (!input.isTerminal) return input.readLine(true);
  for (;;) {
    prompt('Password: ');
    const first = await input.readLine(true);
    prompt('\nReenter password: ');
    const second = await input.readLine(true);
    prompt('\n');
    if (first === undefined || second === undefined) return undefined;
    if (first === second) return first;
    prompt("Passwords don't match.\n");
  }
}
