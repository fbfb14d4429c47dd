/** Entry point of a worker process: becomes the worker's user, then does what it is told. */
import type { ConnectionHandle } from '../net/hand-over.ts';
import { saveFolders } from '../store/registry.ts';
import type { ToSupervisor, ToWorker } from './messages.ts';
import { becomeUser } from './privileges.ts';
import { processLog } from './process-log.ts';
import { Worker } from './worker.ts';

const [mode, ...user] = process.argv.slice(2);
const [uid, gid] = user.map(Number);
if (uid !== undefined && gid !== undefined) becomeUser(uid, gid, undefined);

const worker = new Worker(processLog(2, mode === 'marked'), (message: ToSupervisor, handle?: unknown) => {
  if (message.type === 'stopped') void leave();
  process.send!(message, handle as undefined, undefined, () =>
    (handle as ConnectionHandle | undefined)?.close(),
  );
});

async function leave(): Promise<void> {
  await saveFolders();
  process.exit(0);
}

process.on('message', (message: ToWorker, handle: unknown) => worker.receive(message, handle));
process.on('disconnect', () => process.exit(1));
// The supervisor says when to stop; a Ctrl-C that reaches the whole group must not be faster.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
