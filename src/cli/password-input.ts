import type { PasswordInput } from '../tools/password-input.ts';

/** Lines of standard input as octets, without echo where the tool asks so. */
export function standardInput(): PasswordInput {
  const { stdin } = process;
  let received = '';
  let ended = false;
  let wake: (() => void) | undefined;
  const listen = () => {
    if (stdin.listenerCount('data') > 0) return;
    stdin.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      wake?.();
    });
    stdin.on('end', () => {
      ended = true;
      wake?.();
    });
  };
  return {
    isTerminal: stdin.isTTY === true,
    async readLine(hidden) {
      listen();
      if (hidden && stdin.isTTY) stdin.setRawMode(true);
      stdin.resume();
      try {
        // In raw mode Enter sends CR, Ctrl-C and Ctrl-D arrive as octets.
        while (!/[\n\r\x03\x04]/.test(received) && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        stdin.pause();
        if (hidden && stdin.isTTY) stdin.setRawMode(false);
      }
      const end = received.search(/[\n\r\x03\x04]/);
      if (end < 0 && received === '') return undefined;
      if (end >= 0 && /[\x03\x04]/.test(received[end]!)) return undefined;
      const line = end < 0 ? received : received.slice(0, end);
      received = end < 0 ? '' : received.slice(end + (received.startsWith('\r\n', end) ? 2 : 1));
      return line;
    },
  };
}
