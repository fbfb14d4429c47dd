/** authpasswd: reads a password, prints its hash (authlib §11). */
import { createPasswords } from '../auth/passwords.ts';
import { type PasswordInput, readNewPassword } from './password-input.ts';
import type { ToolOutput } from './tool.ts';

const passwords = createPasswords(1);

/** What each method's hash looks like. Courier answers `crypt` and `sha1`, which its manual lists, with {SSHA}. */
const methods: Readonly<Record<string, string>> = {
  '': '$1$',
  md5: '{MD5}',
  md5raw: '{MD5RAW}',
  sha: '{SHA}',
  sha1: '{SHA}',
  ssha: '{SSHA}',
  sha256: '{SHA256}',
  sha512: '{SHA512}',
  crypt: '$6$',
  argon2id: '$argon2id$',
};

/** @returns the exit code */
export async function authpasswd(
  args: readonly string[],
  input: PasswordInput,
  out: ToolOutput,
): Promise<number> {
  const name = args[0] ?? '';
  const method = Object.hasOwn(methods, name) ? methods[name]! : '{SSHA}';
  const password = await readNewPassword(input, out.stderr);
  if (password === undefined || password === '') return 1;
  out.stdout(`${await passwords.hash(password, method)}\n`);
  return 0;
}
