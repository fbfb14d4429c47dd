/** What a certificate is to say: Courier's `imapd.cnf` and `pop3d.cnf`, in the notation of OpenSSL or of GnuTLS. */

export interface CertificateRequest {
  /** `[['C', 'US'], ['CN', 'mail.example.com']]`, in the order of the file. */
  readonly subject: readonly (readonly [field: string, value: string])[];
  readonly days: number;
}

/** Fields of a subject by the names both programs use. */
const fields: Readonly<Record<string, string>> = {
  c: 'C',
  country: 'C',
  countryname: 'C',
  st: 'ST',
  state: 'ST',
  stateorprovincename: 'ST',
  l: 'L',
  locality: 'L',
  localityname: 'L',
  o: 'O',
  organization: 'O',
  organizationname: 'O',
  ou: 'OU',
  unit: 'OU',
  organizationalunitname: 'OU',
  cn: 'CN',
  commonname: 'CN',
  emailaddress: 'E',
  email: 'E',
};

const defaultDays = 365;

/** Reads either notation; lines that say nothing about subject or days are passed over. */
export function parseRequestFile(text: string): CertificateRequest {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const section = /^\[\s*(\S+)\s*\]$/;
  const isOpenssl = lines.some((line) => section.test(line));
  const wanted = isOpenssl ? subjectSection(lines) : undefined;
  const subject: [string, string][] = [];
  let days = defaultDays;
  let current = '';
  for (const line of lines) {
    const heading = section.exec(line);
    if (heading) current = heading[1]!;
    const [, name = '', quoted = ''] = /^([\w.]+)\s*=\s*(.+)$/.exec(line) ?? [];
    const value = quoted.replace(/^"(.*)"$/, '$1');
    if (name === 'expiration_days' || name === 'default_days')
      days = Number.parseInt(value, 10) || defaultDays;
    // OpenSSL lets a field be repeated as `0.OU`, `1.OU`.
    const field = fields[name.toLowerCase().replace(/^\d+\./, '')];
    if (field !== undefined && value !== '' && (wanted === undefined || current === wanted)) {
      subject.push([field, value]);
    }
  }
  return { subject, days };
}

/** Which section OpenSSL reads the subject from. */
function subjectSection(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name] = /^distinguished_name\s*=\s*(\S+)$/.exec(line) ?? [];
    if (name !== undefined) return name;
  }
  return 'req_dn';
}
