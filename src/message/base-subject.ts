/** Base subject for SORT and THREAD, RFC 5256 §2.1; `isReplyOrForward`: something was taken away. */
export function baseSubject(decodedSubject: string): { base: string; isReplyOrForward: boolean } {
  throw new Error(`not built yet ${decodedSubject}`);
}
