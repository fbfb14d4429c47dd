/** Remembers that a back end is down, so that requests fail at once instead of waiting for it, until it is tried again. */
import { AuthError, errorText } from './auth-error.ts';

export interface Outage {
  /**
   * Runs a request. While the back end is taken to be down it is not asked.
   * @throws {AuthError} temporary, for everything that `work` throws but an AuthError
   */
  guard<Result>(work: () => Promise<Result>): Promise<Result>;
}

const firstWaitMs = 100;
const longestWaitMs = 5000;
/** A connection that died while idle says so at once; what took longer is not tried a second time. */
const staleWithinMs = 1000;

/**
 * @param isOutage  whether an error means that the back end cannot be reached, not that it refused this request
 * @param now  milliseconds of a clock that never goes back
 */
export function createOutage(isOutage: (error: unknown) => boolean, now = () => performance.now()): Outage {
  let waitMs = 0;
  let until = 0;
  let reason = '';

  async function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    const begun = now();
    try {
      return await work();
    } catch (error) {
      // A connection that died while idle says so only when used: one more try, on a new one.
      if (!isOutage(error) || waitMs > 0 || now() - begun > staleWithinMs) throw error;
      return await work();
    }
  }

  return {
    async guard(work) {
      if (now() < until) throw new AuthError('temporary', `still unreachable: ${reason}`);
      try {
        const result = await attempt(work);
        waitMs = 0;
        return result;
      } catch (error) {
        if (isOutage(error)) {
          waitMs = Math.min(longestWaitMs, Math.max(firstWaitMs, 2 * waitMs));
          until = now() + waitMs;
          reason = errorText(error);
        }
        if (error instanceof AuthError) throw error;
        throw new AuthError('temporary', errorText(error), { cause: error });
      }
    },
  };
}
