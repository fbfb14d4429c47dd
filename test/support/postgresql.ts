/** A PostgreSQL server of the test's own. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from './certificates.ts';
import {
  freePort,
  needProgram,
  privateFolder,
  removeFolder,
  type ServerProcess,
  serverProcess,
  unprivilegedUser,
} from './private-server.ts';

export interface PostgresqlServer extends ServerProcess {
  readonly port: number;
  /** The directory of its socket. */
  readonly folder: string;
  sql(statements: string): void;
  cleanUp(): Promise<void>;
}

function programs(): string {
  const versions = '/usr/lib/postgresql';
  const newest = existsSync(versions)
    ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0]
    : undefined;
  const folder = join(versions, newest ?? '15', 'bin');
  needProgram([join(folder, 'postgres')], 'postgresql');
  return folder;
}

/** @param tls  whether TCP has to be with TLS or without; undefined: without, and TLS is not there */
export async function startPostgresql(tls?: 'always' | 'never'): Promise<PostgresqlServer> {
  const bin = programs();
  const user = unprivilegedUser();
  const folder = privateFolder('postgresql', user);
  const data = join(folder, 'data');
  const options = { cwd: folder, stdio: 'ignore', ...user } as const;
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'admin', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    options,
  );
  const kind = tls === undefined ? 'host' : { always: 'hostssl', never: 'hostnossl' }[tls];
  writeFileSync(
    join(data, 'pg_hba.conf'),
    `local all admin trust\nlocal all all scram-sha-256\n${kind} all all 127.0.0.1/32 scram-sha-256\n`,
  );
  if (tls !== undefined) makeCertificates(folder, user);
  const port = await freePort();
  const psql = (args: readonly string[], input: string) =>
    execFileSync(
      join(bin, 'psql'),
      ['-h', folder, '-p', String(port), '-U', 'admin', '-v', 'ON_ERROR_STOP=1', ...args, 'postgres'],
      {
        input,
        stdio: ['pipe', 'ignore', 'pipe'],
      },
    );
  const command = [
    join(bin, 'postgres'),
    '-D',
    data,
    '-k',
    folder,
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-F',
  ];
  const file = (name: string) => join(folder, name);
  if (tls !== undefined)
    command.push(
      '-c',
      'ssl=on',
      '-c',
      `ssl_cert_file=${file('server.pem')}`,
      '-c',
      `ssl_key_file=${file('server.key')}`,
    );

  const server = serverProcess(command, folder, async () => void psql(['-c', 'SELECT 1'], ''), user);
  await server.start();
  return {
    ...server,
    port,
    folder,
    sql: (statements) => void psql(['-q'], statements),
    async cleanUp() {
      await server.stop();
      removeFolder(folder);
    },
  };
}
