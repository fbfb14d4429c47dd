/**
 * The system's crypt(3), through koffi.
 *
 * `crypt_r` runs in libuv's pool. koffi does not keep buffers alive while an asynchronous call runs, so each is
 * used again (wiped) in the callback. The caller bounds the number of calls.
 */
import koffi from '../../base/native.ts';

/** sizeof(struct crypt_data) of libxcrypt. */
const workAreaOctets = 32_768;
/** CRYPT_GENSALT_OUTPUT_SIZE */
const saltOctets = 192;

const library = koffi.load('libcrypt.so.1');
const cryptR = library.func(
  'const char *crypt_r(const uint8_t *phrase, const uint8_t *setting, uint8_t *data)',
);
const genSalt = library.func(
  'const char *crypt_gensalt_rn(const char *prefix, unsigned long count, const uint8_t *random, int length, uint8_t *output, int size)',
);

const terminated = (octets: string) => Buffer.from(`${octets}\0`, 'latin1');
const idleAreas: Buffer[] = [];

/** The hash, or undefined when the setting is not one that the library knows. */
export function crypt(password: string, setting: string): Promise<string | undefined> {
  if (password.includes('\0') || setting.includes('\0')) return Promise.resolve(undefined);
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const phrase = terminated(password);
  const settingOctets = terminated(setting);
  const area = idleAreas.pop() ?? Buffer.alloc(workAreaOctets);
  cryptR.async(phrase, settingOctets, area, (error: unknown, result: string | null) => {
    phrase.fill(0);
    settingOctets.fill(0);
    area.fill(0);
    idleAreas.push(area);
    if (error) reject(error instanceof Error ? error : new Error(String(error)));
    else resolve(result === null || result.startsWith('*') ? undefined : result);
  });
  return promise;
}

/**
 * A setting with a new random salt.
 * @param prefix  `$6$`, `$2y$`, `$y$`, … or `''` for DES; @param cost  0: the library's default
 */
export function newSetting(prefix: string, cost: number): string {
  const output = Buffer.alloc(saltOctets);
  const setting: unknown = genSalt(prefix, cost, null, 0, output, saltOctets);
  if (typeof setting !== 'string' || setting.startsWith('*'))
    throw new Error(`crypt(3) cannot make ${prefix}`);
  return setting;
}
