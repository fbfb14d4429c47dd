/**
 * `authpipe` (authlib §10): programs that speak the daemon's own protocol on standard input and output, one request
 * at a time each, kept between requests and replaced when they misbehave.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Account } from '../account-record.ts';
import { AuthError, errorText } from '../auth-error.ts';
import { createWorkQueue } from '../passwords.ts';
import { maxPayloadOctets, readReply, type WireRequest, writeRequest } from '../wire.ts';
import type { AuthModule, ModuleContext } from './module.ts';

export interface PipeSettings {
  /** `<config dir>/authProg` */
  readonly program: string;
  /** Programs at once (`daemons`). */
  readonly concurrency: number;
  readonly replyTimeoutMs?: number;
  /** How long a program may take to end by itself, then after SIGTERM. */
  readonly endMs?: readonly [afterClose: number, afterTerminate: number];
}

type Program = ChildProcessWithoutNullStreams;

export function createPipeModule(settings: PipeSettings, context: ModuleContext): AuthModule {
  const queue = createWorkQueue(settings.concurrency);
  const idle: Program[] = [];
  const ending = new Set<Promise<void>>();

  function start(): Program {
    try {
      accessSync(settings.program, constants.X_OK);
    } catch (cause) {
      throw new AuthError('temporary', `${settings.program} cannot be run`, { cause });
    }
    const program = spawn(settings.program, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    program.on('error', (error) => context.log.error(`authpipe: ${errorText(error)}`));
    program.stdin.on('error', () => {});
    program.stderr.setEncoding('latin1').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') context.log.info(`authpipe: ${line}`);
    });
    return program;
  }

  /** Output or an end before a request: the program is not to be used. */
  function rest(program: Program): void {
    const spoil = () => {
      const at = idle.indexOf(program);
      if (at >= 0) idle.splice(at, 1);
      replace(program);
    };
    program.stdout.removeAllListeners().once('data', spoil).once('end', spoil);
    idle.push(program);
  }

  /** Closes its input, waits, SIGTERM, waits, SIGKILL; nobody waits for it. */
  function replace(program: Program): void {
    if (program.exitCode !== null || program.signalCode !== null || program.pid === undefined) return;
    const [afterClose, afterTerminate] = settings.endMs ?? [2000, 10_000];
    const { promise, resolve } = Promise.withResolvers<void>();
    const terminate = setTimeout(() => program.kill('SIGTERM'), afterClose);
    const kill = setTimeout(() => program.kill('SIGKILL'), afterClose + afterTerminate);
    program.once('exit', () => {
      clearTimeout(terminate);
      clearTimeout(kill);
      ending.delete(promise);
      // What it has started may hold the other ends for ever.
      program.stdout.destroy();
      program.stderr.destroy();
      resolve();
    });
    ending.add(promise);
    program.stdout.removeAllListeners().resume();
    program.stdin.end();
  }

  function exchange(program: Program, request: WireRequest): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const fail = (why: string) => reject(new AuthError('temporary', `${settings.program} ${why}`));
    const timer = setTimeout(() => fail('does not answer'), settings.replyTimeoutMs ?? 30_000);
    let received: Buffer = Buffer.alloc(0);
    program.stdout
      .removeAllListeners()
      .on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (isComplete(received)) resolve(received);
        else if (received.length > maxPayloadOctets) fail('answers too much');
      })
      .once('end', () => fail('ended'));
    program.once('error', () => fail('cannot be started'));
    program.stdin.write(writeRequest(request, new Map()));
    return promise.finally(() => clearTimeout(timer));
  }

  function ask(request: WireRequest): Promise<Buffer> {
    return queue.run(async () => {
      const program = idle.pop() ?? start();
      try {
        const reply = await exchange(program, request);
        rest(program);
        return reply;
      } catch (error) {
        replace(program);
        throw error;
      }
    });
  }

  async function account(request: WireRequest): Promise<Account | undefined> {
    const reply = readReply(await ask(request));
    if (reply === 'fail') return undefined;
    if (reply === 'none' || reply.address === '' || reply.home === '' || reply.gid < 0) {
      throw new AuthError('temporary', `${settings.program} answers without ADDRESS, HOME or GID`);
    }
    return reply;
  }

  const auth = (service: string, authType: string, data: string): WireRequest => ({
    kind: 'auth',
    service,
    authType,
    data,
  });
  return {
    name: 'authpipe',
    async login({ service, userId, password }) {
      const found = await account(auth(service, 'login', `${userId}\n${password}\n`));
      return found && { ...found, clearPassword: password };
    },
    cram: ({ service, authType, challenge, response }) =>
      account(auth(service, authType, `${challenge}\n${response}\n`)),
    lookup: (userId, service) => account({ kind: 'pre', module: '.', service, userId }),
    async changePassword({ service, userId, oldPassword, newPassword }) {
      const reply = await ask({ kind: 'passwd', service, userId, oldPassword, newPassword });
      return reply.toString('latin1') === 'OK\n';
    },
    async close() {
      for (const program of idle.splice(0)) replace(program);
      await Promise.all(ending);
    },
  };
}

function isComplete(reply: Buffer): boolean {
  const text = reply.toString('latin1');
  return text === 'FAIL\n' || text === 'OK\n' || text === '.\n' || text.endsWith('\n.\n');
}
