/** System libraries through koffi; the one place that loads it, because its limits are set before the first library. */
import koffi from 'koffi';

/**
 * Calls in the pool run on a stack of koffi's own, of 128 KiB unless told otherwise. PAM modules and name services
 * are written for the megabytes of a thread: on a small one they wrote over other threads' memory.
 */
koffi.config({ ...koffi.config(), async_stack_size: 2 << 20 });

export default koffi;
