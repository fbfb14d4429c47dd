/**
 * Linux-PAM through koffi. Every call that may take time runs in libuv's pool; the conversation function is called
 * back on the main thread with the number of its request as `appdata`. No sessions, no credentials.
 *
 * pam_unix delays a failure by two seconds in its pool thread unless PAM_FAIL_DELAY is set: it is, to a function that
 * does nothing, because delays are the login stage's and the guessing protection's.
 */
import koffi from '../../base/native.ts';

export interface PamConversation {
  /** The file in the service directory; without one PAM's `other` applies. */
  readonly service: string;
  /** Octet strings. */
  readonly userId: string;
  readonly password: string;
  readonly remoteIp?: string | undefined;
  /** Instead of /etc/pam.d. */
  readonly serviceDirectory?: string | undefined;
  /** What modules tell the user. */
  message(text: string): void;
}

export type PamResult = { readonly kind: 'success' | 'rejected' | 'temporary'; readonly reason: string };

const pam = koffi.load('libpam.so.0');
const libc = koffi.load('libc.so.6');

koffi.proto('int postrider_conversation(int count, void **messages, void **responses, size_t request)');
koffi.proto('void postrider_no_delay(int result, unsigned int microseconds, void *data)');
const messageType = koffi.struct('postrider_pam_message', { style: 'int', text: 'const char *' });
const conversationType = koffi.struct('postrider_pam_conv', {
  call: 'postrider_conversation *',
  request: 'size_t',
});

const pamStart = pam.func(
  'int pam_start_confdir(const char *service, const uint8_t *user, postrider_pam_conv *conversation, const char *directory, _Out_ void **handle)',
);
const setPointer = pam.func('pam_set_item', 'int', ['void *', 'int', 'void *']);
const setText = pam.func('pam_set_item', 'int', ['void *', 'int', 'const char *']);
const pamAuthenticate = pam.func('int pam_authenticate(void *handle, int flags)');
const pamAccount = pam.func('int pam_acct_mgmt(void *handle, int flags)');
const pamChange = pam.func('int pam_chauthtok(void *handle, int flags)');
const pamEnd = pam.func('int pam_end(void *handle, int status)');
const pamText = pam.func('const char *pam_strerror(void *handle, int error)');
const calloc = libc.func('void *calloc(size_t count, size_t size)');
const duplicate = libc.func('void *strdup(const uint8_t *text)');

const item = { remoteHost: 4, failDelay: 10 } as const;
const style = { hidden: 1, visible: 2 } as const;
const silent = 0x8000;
const conversationError = 19;
/**
 * Errors of the machine, not of the user: open, symbol, service, buffer, no information, abort, unknown module.
 * PAM_SYSTEM_ERR is not one: it is how pam_exec says no.
 */
const temporaryErrors: ReadonlySet<number> = new Set([1, 2, 3, 5, 9, 26, 28]);
/** sizeof(struct pam_response): char *resp; int resp_retcode. */
const responseOctets = 16;

const running = new Map<number, PamConversation>();
let nextRequest = 1;

const terminated = (octets: string) => Buffer.from(`${octets}\0`, 'latin1');

/** Visible prompts get the user id, hidden ones the password. The answers are freed by libpam. */
function converse(count: number, messages: bigint, responses: bigint, request: number): number {
  const conversation = running.get(request);
  if (!conversation || count < 1 || count > 32) return conversationError;
  const pointers = koffi.decode(messages, 'void *', count) as bigint[];
  const answers: unknown = calloc(count, responseOctets);
  pointers.forEach((pointer, i) => {
    const { style: kind, text } = koffi.decode(pointer, messageType) as { style: number; text: string };
    if (kind !== style.hidden && kind !== style.visible) {
      conversation.message(text);
      return;
    }
    const answer = terminated(kind === style.hidden ? conversation.password : conversation.userId);
    koffi.encode(answers, i * responseOctets, 'void *', duplicate(answer));
    answer.fill(0);
  });
  koffi.encode(responses, 0, 'void *', answers);
  return 0;
}

const conversationPointer = koffi.register(converse, 'postrider_conversation *');
const noDelayPointer = koffi.register(() => {}, 'postrider_no_delay *');

type PamCall = ReturnType<typeof pam.func>;

/** Runs calls of one transaction in order, until one does not succeed. */
async function transaction(conversation: PamConversation, calls: readonly PamCall[]): Promise<PamResult> {
  const request = nextRequest++;
  running.set(request, conversation);
  const structure: unknown = koffi.alloc(conversationType, 1);
  koffi.encode(structure, conversationType, { call: conversationPointer, request });
  const handle: [unknown] = [null];
  let code = 0;
  try {
    const { service, userId, serviceDirectory, remoteIp } = conversation;
    code = pamStart(service, terminated(userId), structure, serviceDirectory ?? null, handle) as number;
    if (code === 0) setPointer(handle[0], item.failDelay, noDelayPointer);
    if (code === 0 && remoteIp !== undefined) code = setText(handle[0], item.remoteHost, remoteIp) as number;
    for (const call of calls) if (code === 0) code = await callAsync(call, handle[0]);
    return resultOf(code, handle[0]);
  } finally {
    if (handle[0] !== null) pamEnd(handle[0], code);
    running.delete(request);
    koffi.free(structure);
  }
}

function callAsync(call: PamCall, handle: unknown): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  call.async(handle, silent, (error: unknown, code: number) => {
    if (error) reject(error instanceof Error ? error : new Error(String(error)));
    else resolve(code);
  });
  return promise;
}

function resultOf(code: number, handle: unknown): PamResult {
  const text: unknown = pamText(handle, code);
  const reason = typeof text === 'string' ? text : `PAM error ${code}`;
  if (code === 0) return { kind: 'success', reason };
  return { kind: temporaryErrors.has(code) ? 'temporary' : 'rejected', reason };
}

/** Authentication, then account management (expired, not allowed from there, …). */
export function pamLogin(conversation: PamConversation): Promise<PamResult> {
  return transaction(conversation, [pamAuthenticate, pamAccount]);
}

/** Sets a new password, `conversation.password`; as root PAM does not ask for the old one. */
export function pamSetPassword(conversation: PamConversation): Promise<PamResult> {
  return transaction(conversation, [pamChange]);
}
