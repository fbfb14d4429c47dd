import type { SearchOptions } from '../search/view.ts';
import type { SearchContext } from './parser/search-program.ts';
import type { ImapSession } from './session-loop.ts';

export function searchContext(session: ImapSession, charset: string): SearchContext {
  const { state, settings } = session;
  const savedResult = state.kind === 'selected' ? state.savedResult : new Uint32Array(0);
  return { charset, savedResult, maxKeys: settings.limits.searchKeys };
}

export function searchOptions(session: ImapSession): SearchOptions {
  return { nowSeconds: Math.floor(Date.now() / 1000), signal: session.signal };
}
