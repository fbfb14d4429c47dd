/** `postrider serve` with POP3 in clear, with STLS and with TLS, and one account with some messages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CorpusMessage } from '../../bench/corpus.ts';
import { fillMaildir, makeMaildir } from '../../bench/maildir.ts';
import { Postrider } from '../../bench/servers/postrider.ts';
import { makeSelfSigned } from '../../src/tls/self-signed.ts';
import { freePort } from './private-server.ts';

export interface Pop3Server {
  readonly postrider: Postrider;
  readonly maildir: string;
  readonly imapPort: number;
  readonly port: number;
  readonly tlsPort: number;
  /** The certificate, which clients are to trust. */
  readonly authority: string;
}

/** The account is u1, its password pass. */
export async function startPop3(t: TestContext, messages: readonly CorpusMessage[]): Promise<Pop3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-certificate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = join(folder, 'pop3d.pem');
  const subject = [['CN', 'localhost']] as const;
  const names = ['localhost', '127.0.0.1'];
  writeFileSync(authority, await makeSelfSigned({ subject, names, days: 2, from: new Date() }), {
    mode: 0o600,
  });
  const tlsPort = await freePort();
  const postrider = new Postrider({
    pop3d: ['POP3AUTH="PLAIN"'],
    pop3dSsl: [
      'POP3DSSLSTART=YES',
      'SSLADDRESS=127.0.0.1',
      `SSLPORT=${tlsPort}`,
      'POP3_STARTTLS=YES',
      `TLS_CERTFILE=${authority}`,
      'TLS_VERIFYPEER=NONE',
    ],
  });
  t.after(() => postrider.remove());
  postrider.prepare(1);
  const maildir = postrider.maildir(1);
  makeMaildir(maildir, postrider.owner);
  fillMaildir(maildir, messages, postrider.owner);
  const server = await postrider.start();
  t.after(() => server.stop());
  return { postrider, maildir, imapPort: server.port, port: server.pop3Port!, tlsPort, authority };
}
