/** userdbpw: reads a password, prints a hash for a userdb field (authlib §4.3). */
import { makeCramSecret } from '../auth/cram.ts';
import { createPasswords } from '../auth/passwords.ts';
import { type PasswordInput, readNewPassword } from './password-input.ts';
import type { ToolOutput } from './tool.ts';

const passwords = createPasswords(1);

const methods: Readonly<Record<string, (password: string) => string | Promise<string>>> = {
  // Courier: DES, whose salt is half derived from itself. Everything that reads userdb knows SHA-512 crypt.
  '': (password) => passwords.hash(password, '$6$'),
  '-md5': (password) => passwords.hash(password, '$1$'),
  '-hmac-md5': (password) => makeCramSecret('md5', password),
  '-hmac-sha1': (password) => makeCramSecret('sha1', password),
  '-hmac-sha256': (password) => makeCramSecret('sha256', password),
};

/** @returns the exit code */
export async function userdbpw(
  args: readonly string[],
  input: PasswordInput,
  out: ToolOutput,
): Promise<number> {
  const name = args[0] ?? '';
  const method = Object.hasOwn(methods, name) && args.length < 2 ? methods[name] : undefined;
  if (!method) {
    out.stderr('userdbpw: invalid argument.\n');
    return 1;
  }
  const password = await readNewPassword(input, out.stderr);
  if (password === undefined) return 1;
  out.stdout(`${await method(password)}\n`);
  return 0;
}
