import type { Folder } from '../store/folder.ts';

/** The messages a session has been told of: index + 1 is the sequence number. */
export interface SearchView {
  readonly folder: Folder;
  readonly uids: Uint32Array;
  readonly count: number;
  isRecent(uid: number): boolean;
}

export interface SearchOptions {
  /** The present, for YOUNGER and OLDER. */
  readonly nowSeconds: number;
  /** Ends the search early with the signal's reason: the client has gone. */
  readonly signal?: AbortSignal;
}
