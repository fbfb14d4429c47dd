/** A command that ends with `-ERR`; the message is its text. */
export class Refused extends Error {}

export function syntaxError(): Refused {
  return new Refused('Syntax error.');
}
