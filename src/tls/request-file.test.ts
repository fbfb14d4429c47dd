import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { parseRequestFile } from './request-file.ts';
import { makeSelfSigned } from './self-signed.ts';

const openssl = `RANDFILE = /tmp/x.rand

[ req ]
default_bits = 4096
encrypt_key = yes
distinguished_name = req_dn
x509_extensions = cert_type
prompt = no
default_md = sha1

[ req_dn ]
C=US
ST=NY
L=New York
O=Courier Mail Server # comment
0.OU=One
1.OU=Two
CN=localhost
emailAddress=postmaster@example.com

[ cert_type ]
nsCertType = server
`;

const gnutls = `organization = "Courier Mail Server"
unit = "Automatically-generated IMAP SSL key"
locality = "New York"
country = US
cn = "mail.example.com"
serial = 007
expiration_days = 30
email = "postmaster@example.com"
`;

test('the notation of OpenSSL', () => {
  assert.deepEqual(parseRequestFile(openssl), {
    subject: [
      ['C', 'US'],
      ['ST', 'NY'],
      ['L', 'New York'],
      ['O', 'Courier Mail Server'],
      ['OU', 'One'],
      ['OU', 'Two'],
      ['CN', 'localhost'],
      ['E', 'postmaster@example.com'],
    ],
    days: 365,
  });
});

test('the notation of GnuTLS', () => {
  assert.deepEqual(parseRequestFile(gnutls), {
    subject: [
      ['O', 'Courier Mail Server'],
      ['OU', 'Automatically-generated IMAP SSL key'],
      ['L', 'New York'],
      ['C', 'US'],
      ['CN', 'mail.example.com'],
      ['E', 'postmaster@example.com'],
    ],
    days: 30,
  });
});

test('a certificate made from it has subject, names, dates and a key of its own', async () => {
  const { subject, days } = parseRequestFile(openssl);
  const from = new Date('2026-01-01T00:00:00Z');
  const pem = await makeSelfSigned({ subject, names: ['localhost', '127.0.0.1'], days, from });
  const certificate = new X509Certificate(pem);
  assert.match(certificate.subject, /OU=One\nOU=Two\nCN=localhost\nemailAddress=postmaster@example\.com/);
  assert.equal(certificate.checkHost('localhost'), 'localhost');
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom), 365 * 86_400_000);
  assert.equal(certificate.ca, false);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.match(pem, /^-----BEGIN PRIVATE KEY-----/);
});
