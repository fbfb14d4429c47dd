/** A MariaDB server of the test's own. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { makeCertificates } from './certificates.ts';
import {
  accepts,
  freePort,
  needProgram,
  privateFolder,
  removeFolder,
  type ServerProcess,
  serverProcess,
  unprivilegedUser,
} from './private-server.ts';

export interface MariadbServer extends ServerProcess {
  readonly port: number;
  /** Where certificates are. */
  readonly folder: string;
  readonly socket: string;
  /** Runs statements as the administrator. */
  sql(statements: string): void;
  cleanUp(): Promise<void>;
}

/** @param tls  takes only TLS over TCP, with certificates of its own (`certificates.ts`) */
export async function startMariadb(tls = false): Promise<MariadbServer> {
  const daemon = needProgram(['/usr/sbin/mariadbd'], 'mariadb-server');
  const install = needProgram(['/usr/bin/mariadb-install-db'], 'mariadb-server');
  const client = needProgram(['/usr/bin/mariadb'], 'mariadb-client');
  const user = unprivilegedUser();
  const folder = privateFolder('mariadb', user);
  const [data, socket] = [join(folder, 'data'), join(folder, 'socket')];
  execFileSync(
    install,
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { stdio: 'ignore', ...user },
  );
  const port = await freePort();
  const options = [`--datadir=${data}`, `--socket=${socket}`, `--port=${port}`, '--bind-address=127.0.0.1'];
  const tuning = ['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M', '--skip-log-bin'];
  if (tls) {
    makeCertificates(folder, user);
    const file = (name: string) => join(folder, name);
    options.push(
      `--ssl-ca=${file('ca.pem')}`,
      `--ssl-cert=${file('server.pem')}`,
      `--ssl-key=${file('server.key')}`,
    );
    options.push('--require-secure-transport=ON');
  }
  const command = [daemon, '--no-defaults', ...options, `--pid-file=${folder}/pid`, ...tuning];
  const server = serverProcess(command, folder, () => accepts({ path: socket }), user);
  await server.start();
  return {
    ...server,
    port,
    folder,
    socket,
    sql(statements) {
      execFileSync(client, ['--no-defaults', `--socket=${socket}`, '-u', 'root'], { input: statements });
    },
    async cleanUp() {
      await server.stop();
      removeFolder(folder);
    },
  };
}
