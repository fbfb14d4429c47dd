import type { X509Certificate } from 'node:crypto';

/** What `openssl x509` calls the fields that people write differently. */
const aliases: Readonly<Record<string, string>> = {
  email: 'emailaddress',
  e: 'emailaddress',
  givenname: 'gn',
  surname: 'sn',
  userid: 'uid',
  commonname: 'cn',
};

/**
 * The login name a client certificate gives (frontend-tls-ops §4): the field of its own subject; of a repeated
 * field the last.
 * @param field  TLS_EXTERNAL in lower case, e.g. `emailaddress`, `email`, `cn`
 * With `subjectaltname` it is the mail address among its alternative names, if there is exactly one.
 * @returns undefined when there is no such field, or an empty one
 */
export function externalIdentity(certificate: X509Certificate, field: string): string | undefined {
  const wanted = canonical(field);
  if (wanted === 'subjectaltname') return onlyMailAddress(certificate.subjectAltName);
  let identity: string | undefined;
  for (const [name, value] of subjectFields(certificate.subject)) {
    if (canonical(name) === wanted && value !== '') identity = value;
  }
  return identity;
}

/**
 * `X509Certificate.subjectAltName`: `email:ann@example.com, DNS:example.com`; a value that could be taken for
 * several is a JSON string, and no mail address.
 */
function onlyMailAddress(names: string | undefined): string | undefined {
  const values = (names ?? '').match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  const addresses = values.map((value) => value.trim()).filter((value) => value.startsWith('email:'));
  const [address = ''] = addresses;
  return addresses.length === 1 && !address.includes('"') ? address.slice(6) || undefined : undefined;
}

/** `X509Certificate.subject`: a line per RDN, ` + ` inside one, `\` escapes. */
export function subjectFields(subject: string | undefined): [name: string, value: string][] {
  const fields: [string, string][] = [];
  for (const line of (subject ?? '').split('\n')) {
    for (const attribute of line.split(/(?<!\\) \+ /)) {
      const equals = attribute.indexOf('=');
      if (equals > 0) fields.push([attribute.slice(0, equals), unescapeValue(attribute.slice(equals + 1))]);
    }
  }
  return fields;
}

/** `\,` is the character, `\C3\BC` are octets of UTF-8. */
function unescapeValue(value: string): string {
  return value.replace(
    /((?:\\[0-9A-Fa-f]{2})+)|\\(.)/g,
    (_, octets: string | undefined, character: string) =>
      octets === undefined ? character : Buffer.from(octets.replaceAll('\\', ''), 'hex').toString('utf8'),
  );
}

function canonical(field: string): string {
  const lower = field.toLowerCase();
  return aliases[lower] ?? lower;
}
