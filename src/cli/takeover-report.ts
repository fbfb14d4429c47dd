/** What `postrider takeover` says, and about what. */
import type { Config } from '../config/load.ts';

/** `works`: nothing to do. `differs`: works, in another way. `change`: the switch would fail or lose something. */
export interface Finding {
  readonly verdict: 'works' | 'differs' | 'change';
  readonly about: string;
  readonly text: string;
}

export interface Installation {
  readonly directory: string;
  readonly config: Config;
  /** Where a path of the settings is now: itself, or in a copy of the machine below the copy's root. */
  at(path: string): string;
  hasPamService(name: string): boolean;
}

const finding =
  (verdict: Finding['verdict']) =>
  (about: string, text: string): Finding => ({ verdict, about, text });
export const works = finding('works');
export const differs = finding('differs');
export const change = finding('change');

export type Accounts = ReadonlyMap<string, Account>;
export interface Account {
  readonly uid: number | undefined;
  /** Where its mail is; undefined: there is no home. */
  readonly maildir: string | undefined;
}

/** Some of many. */
export function names(all: readonly string[]): string {
  const some = all.slice(0, 5).join(', ');
  return all.length > 5 ? `${some} and ${all.length - 5} more` : some;
}
