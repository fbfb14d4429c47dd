/** The message ids in a References, In-Reply-To or Message-ID value, in order, without `<>`, quoting normalised (RFC 5256 §3). */
export function parseMessageIds(value: string): string[] {
  throw new Error(`not built yet ${value}`);
}
