/**
 * SQL with `$(name)` in it (authlib §3.4), turned into a statement with bound parameters, so that no value can alter
 * it: a literal that holds a `$(…)` becomes one parameter as a whole, a bare `$(…)` one of its own.
 */

export interface SqlDialect {
  /** The placeholder of the n-th parameter, from 1: `?` or `$1`. */
  placeholder(index: number): string;
  /** Backslash escapes count in `'…'`. */
  readonly backslashes: boolean;
  /** `"…"` is a string (MySQL), not a name. */
  readonly doubleQuotedStrings: boolean;
}

export interface SqlStatement {
  readonly text: string;
  /** One function a parameter, in order. */
  readonly parameters: readonly ((values: SqlValues) => string)[];
}

/** What `$(name)` stands for; unknown names are empty. */
export type SqlValues = Readonly<Record<string, string>>;

type Part = { readonly text: string } | { readonly name: string };

/** Cuts text into literal parts and names; `$(` without `)` swallows the rest, any other `$` is literal. */
function cut(text: string): Part[] {
  const parts: Part[] = [];
  let start = 0;
  for (;;) {
    const open = text.indexOf('$(', start);
    if (open < 0) break;
    if (open > start) parts.push({ text: text.slice(start, open) });
    const close = text.indexOf(')', open);
    if (close < 0) return parts;
    parts.push({ name: text.slice(open + 2, close) });
    start = close + 1;
  }
  if (start < text.length) parts.push({ text: text.slice(start) });
  return parts;
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  '0': '\0',
  Z: '\x1a',
};

/** The value of the text between the quotes. */
function unquote(body: string, quote: string, dialect: SqlDialect): string {
  const single = body.replaceAll(quote + quote, quote);
  if (!dialect.backslashes) return single;
  return single.replace(/\\(.)/gs, (_, c: string) => escapes[c] ?? (c === '%' || c === '_' ? `\\${c}` : c));
}

/** Where a literal that begins at `start` ends: the index behind its closing quote. */
function literalEnd(sql: string, start: number, dialect: SqlDialect): number {
  const quote = sql[start]!;
  for (let i = start + 1; i < sql.length; i++) {
    if (dialect.backslashes && sql[i] === '\\') i++;
    else if (sql[i] === quote && sql[i + 1] === quote) i++;
    else if (sql[i] === quote) return i + 1;
  }
  return sql.length;
}

export function parseSqlTemplate(sql: string, dialect: SqlDialect): SqlStatement {
  const parameters: ((values: SqlValues) => string)[] = [];
  const bind = (parts: readonly Part[]) => {
    parameters.push((values) =>
      parts.map((part) => ('text' in part ? part.text : (values[part.name] ?? ''))).join(''),
    );
    return dialect.placeholder(parameters.length);
  };
  const bare = (text: string) =>
    cut(text)
      .map((part) => ('text' in part ? part.text : bind([part])))
      .join('');
  let text = '';
  let from = 0;
  for (let i = 0; i < sql.length; i++) {
    if (sql[i] !== "'" && !(sql[i] === '"' && dialect.doubleQuotedStrings)) continue;
    const end = literalEnd(sql, i, dialect);
    const body = sql.slice(i + 1, end - 1);
    text += bare(sql.slice(from, i));
    const parts = cut(body).map((part) =>
      'text' in part ? { text: unquote(part.text, sql[i]!, dialect) } : part,
    );
    text += parts.some((part) => 'name' in part) ? bind(parts) : sql.slice(i, end);
    from = end;
    i = end - 1;
  }
  text += bare(sql.slice(from));
  return { text, parameters };
}
