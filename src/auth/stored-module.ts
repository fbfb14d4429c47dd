/** Makes a module of a place that stores accounts with their passwords: only finding them differs. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Account, EnumeratedAccount } from './account-record.ts';
import { type CramResponse, verifyCramClear, verifyCramSecret } from './cram.ts';
import type { HmacHash } from './hash-states.ts';
import type { AuthModule, ModuleContext, PasswordChange } from './modules/module.ts';
import { parseScramKeys } from './schemes/scram.ts';

export interface StoredAccount {
  /** Without passwords. */
  readonly account: Account;
  readonly crypt?: string | undefined;
  readonly clear?: string | undefined;
  /** `hmac-*pw` values; where given, CRAM uses only these. */
  readonly secrets?: Readonly<Partial<Record<HmacHash, string>>> | undefined;
}

export interface AccountSource {
  readonly name: string;
  /** LDAP: a clear password decides alone; everywhere else a crypt password does (authlib §5.3). */
  readonly clearDecides?: boolean;
  /** @throws {AuthError} temporary */
  find(userId: string, service: string): Promise<StoredAccount | undefined> | StoredAccount | undefined;
  /** Stores a new password; the old one was verified already. */
  store?(request: PasswordChange, stored: StoredAccount): Promise<boolean>;
  enumerate?(): AsyncIterable<EnumeratedAccount>;
  close(): Promise<void>;
}

/** The hash that an unknown user's password is checked against until a real one was seen. */
const firstDecoy = '$6$vK9wq0tXcEUo3nRd$';
const maxDecoys = 64;

/**
 * What unknown users' passwords are checked against: a sample of the hashes of known ones, each unknown id always
 * against the same, so that nothing in the time it takes tells whether an id exists. undefined: a clear password, which
 * costs nothing.
 */
function createDecoys() {
  const secret = randomBytes(16);
  const sample: (string | undefined)[] = [];
  return {
    add(stored: string | undefined): void {
      if (sample.length < maxDecoys) sample.push(stored);
      else sample[Math.floor(Math.random() * maxDecoys)] = stored;
    },
    for(userId: string): string | undefined {
      if (sample.length === 0) return firstDecoy;
      const number = createHmac('sha256', secret).update(userId, 'latin1').digest().readUInt32LE();
      return sample[number % sample.length];
    },
  };
}

/** Equal, in a time that does not tell how much of it is. */
function equalPasswords(left: string, right: string): boolean {
  // Padded to one length: passwords, unlike hashes, have secret lengths.
  const size = Math.max(64, left.length, right.length);
  const pad = (text: string) => {
    const octets = Buffer.alloc(size + 4);
    octets.write(text, 'latin1');
    octets.writeUInt32BE(text.length, size);
    return octets;
  };
  return timingSafeEqual(pad(left), pad(right));
}

export function storedModule(source: AccountSource, context: ModuleContext): AuthModule {
  const { passwords } = context;
  const decoys = createDecoys();

  async function matches(
    stored: StoredAccount | undefined,
    { userId, password }: { readonly userId: string; readonly password: string },
  ): Promise<boolean> {
    const hasCrypt = stored?.crypt !== undefined && stored.crypt !== '';
    const hasClear = stored?.clear !== undefined && stored.clear !== '';
    if (stored && hasClear && (source.clearDecides || !hasCrypt)) {
      decoys.add(undefined);
      const matched = equalPasswords(stored.clear!, password);
      context.trace(`password ${matched ? 'matches successfully' : 'does not match'}`);
      return matched;
    }
    if (stored && hasCrypt) {
      decoys.add(stored.crypt);
      const matched = await passwords.verify(stored.crypt!, password);
      context.trace(
        matched ? 'password matches successfully' : 'supplied password does not match encrypted password',
      );
      return matched;
    }
    const decoy = decoys.for(userId);
    if (decoy !== undefined) await passwords.verify(decoy, password);
    return false;
  }

  function cramMatches(stored: StoredAccount, cram: CramResponse): boolean {
    if (stored.secrets) return verifyCramSecret(cram, stored.secrets[cram.hash] ?? '');
    return verifyCramClear(cram, stored.clear ?? '');
  }

  const withPasswords = (stored: StoredAccount, clear: string | undefined): Account => ({
    ...stored.account,
    cryptPassword: stored.crypt,
    clearPassword: clear,
  });

  return {
    name: source.name,
    async login(request) {
      const stored = await source.find(request.userId, request.service);
      const matched = await matches(stored, request);
      return matched && stored ? withPasswords(stored, request.password) : undefined;
    },
    async cram({ cram, service }) {
      const stored = await source.find(cram.userId, service);
      const matched = stored ? cramMatches(stored, cram) : verifyCramClear(cram, 'decoy');
      if (!stored || !matched) return undefined;
      context.trace('cram validation succeeded');
      return withPasswords(stored, stored.clear);
    },
    async lookup(userId, service) {
      const stored = await source.find(userId, service);
      return stored && withPasswords(stored, stored.clear);
    },
    async scram(userId, service) {
      const stored = await source.find(userId, service);
      if (!stored) return undefined;
      if (stored.crypt && parseScramKeys(stored.crypt))
        return { account: stored.account, keys: stored.crypt };
      return stored.clear ? { account: withPasswords(stored, stored.clear), clear: stored.clear } : undefined;
    },
    ...(source.store && {
      async changePassword(request: PasswordChange) {
        const stored = await source.find(request.userId, request.service);
        const { userId, oldPassword: password } = request;
        const matched = await matches(stored, { userId, password });
        return matched && stored ? await source.store!(request, stored) : false;
      },
    }),
    ...(source.enumerate && { enumerate: () => source.enumerate!() }),
    close: () => source.close(),
  };
}
