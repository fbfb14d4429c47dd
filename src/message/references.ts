/** Message ids of References, In-Reply-To and Message-ID: RFC 5322 §3.6.4. */

/** Ids taken from one value: the nearest ancestors come last, so the last ones are kept. */
const maximumIds = 1000;

/**
 * The message ids in a header value, in order, without `<>`; text between them is passed over. A quoted local part
 * loses its quotes, so that both spellings are equal (RFC 5256 §3).
 */
export function parseMessageIds(value: string): string[] {
  const ids: string[] = [];
  for (let open = value.indexOf('<'); open >= 0; ) {
    const close = value.indexOf('>', open);
    if (close < 0) break;
    const start = value.lastIndexOf('<', close) + 1;
    const id = value.slice(start, close).replace(/[ \t\r\n]+/g, '');
    if (id !== '') ids.push(id.startsWith('"') ? unquoted(id) : id);
    open = value.indexOf('<', close);
  }
  return ids.length > maximumIds ? ids.slice(-maximumIds) : ids;
}

function unquoted(id: string): string {
  return id.replace(/^"((?:[^"\\]|\\.)*)"/, (_, local: string) => local.replace(/\\(.)/g, '$1'));
}
