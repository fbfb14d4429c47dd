/**
 * The index of the accounts whose folders can be shared (quota-acl-shared §3.1): a file of lines
 *
 *   name TAB uid TAB gid TAB home TAB maildir      an account; without maildir it is ./Maildir
 *   name TAB * TAB file                            a group of accounts: another such file beside this one
 *
 * A file is read again when it was replaced. A file that includes itself is not entered twice.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../base/log.ts';
import { type OctetPath, octetPath } from '../base/paths.ts';
import { errorCode } from '../store/errno.ts';
import { encodeModifiedUtf7 } from '../store/modified-utf7.ts';
import { encodeFolderWord, octetsToText } from '../store/names.ts';
import type { AccountView } from './account-view.ts';

/** One name of the index, spelt as a mailbox name's component. */
export type SharedRecord = SharedAccount | SharedGroup;

export interface SharedAccount {
  readonly kind: 'account';
  readonly name: string;
  readonly maildir: string;
  /** The same for fs functions. */
  readonly path: OctetPath;
  /** What LIST has seen of it. */
  view: AccountView | undefined;
}

export interface SharedGroup {
  readonly kind: 'group';
  readonly name: string;
  readonly index: SharedIndex;
}

interface IndexFile {
  readonly stamp: string;
  readonly records: ReadonlyMap<string, SharedRecord>;
}

export interface SharedSettings {
  /** IMAP_SHAREDINDEXFILE. */
  readonly indexFile: string;
  /** The names of sharable maildirs that all accounts have, `maildirshared`; default: none. */
  readonly sharableFile?: string;
  /** IMAP_SHAREDMUNGENAMES: write dots and slashes in names as `\:` and `\;` instead of blanks. */
  readonly mungeNames: boolean;
}

const indexes = new Map<string, SharedIndex>();

/** The index of a file; all sessions of the process share what was read. */
export function sharedIndex({ indexFile, mungeNames }: SharedSettings, group: string, log: Log): SharedIndex {
  const key = `${mungeNames} ${indexFile}${group}`;
  const index = indexes.get(key) ?? new SharedIndex(indexFile + group, mungeNames, log);
  indexes.set(key, index);
  return index;
}

/** One index file, read when it is asked for. */
export class SharedIndex {
  readonly #path: string;
  readonly #mungeNames: boolean;
  readonly #log: Log;
  /** The files that led here. */
  readonly #above: readonly string[];
  #read: IndexFile | undefined;

  constructor(path: string, mungeNames: boolean, log: Log, above: readonly string[] = []) {
    this.#path = path;
    this.#mungeNames = mungeNames;
    this.#log = log;
    this.#above = above;
  }

  /** All records by name, sorted; of those with one name the last. None if there is no such file. */
  records(): ReadonlyMap<string, SharedRecord> {
    return this.#load();
  }

  /**
   * A record by its component; names that are not ASCII also in Courier's spelling, modified UTF-7, and those with
   * `~ : \\` also with these in octal.
   */
  find(name: string): SharedRecord | undefined {
    const records = this.#load();
    const exact = records.get(name);
    if (exact || !/[&\\]/.test(name)) return exact;
    return records
      .values()
      .find((record) => encodeModifiedUtf7(record.name) === name || encodeFolderWord(record.name) === name);
  }

  #load(): ReadonlyMap<string, SharedRecord> {
    try {
      const stats = statSync(octetPath(this.#path));
      const stamp = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
      if (this.#read?.stamp !== stamp) {
        const records = this.#parse(readFileSync(octetPath(this.#path), 'latin1'));
        this.#read = { stamp, records };
      }
      return this.#read.records;
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      if (errorCode(error) !== 'ENOENT') this.#log.error(`${this.#path}: ${errorCode(error)}`);
      return new Map();
    }
  }

  #parse(octets: string): Map<string, SharedRecord> {
    const records = new Map<string, SharedRecord>();
    for (const [i, whole] of octets.split('\n').entries()) {
      const line = whole.replace(/#.*/, '');
      if (line.trim() === '') continue;
      const record = this.#parseLine(line.split('\t'));
      if (record) records.set(record.name, record);
      else this.#log.error(`${this.#path}(${i + 1}): syntax error.`);
    }
    // What is nearly sorted is sorted soon: LIST has to sort the names of folders among these.
    return new Map([...records].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #parseLine(fields: readonly string[]): SharedRecord | undefined {
    const [rawName = '', uid = '', third = '', home = '', maildir = ''] = fields;
    const name = this.#component(octetsToText(rawName));
    if (name === '') return undefined;
    if (uid === '*') {
      if (third === '' || third.includes('/')) return undefined;
      const path = `${dirname(this.#path)}/${third}`;
      const above = [...this.#above, this.#path];
      if (above.includes(path)) return undefined;
      return { kind: 'group', name, index: new SharedIndex(path, this.#mungeNames, this.#log, above) };
    }
    if (!/^[1-9]\d*$/.test(uid) || !/^[1-9]\d*$/.test(third) || home === '') return undefined;
    const place = maildir === '' ? './Maildir' : maildir;
    const maildirPath = place.startsWith('/') ? place : `${home}/${place}`;
    return { kind: 'account', name, maildir: maildirPath, path: octetPath(maildirPath), view: undefined };
  }

  /** Names must have no separators in them. */
  #component(name: string): string {
    if (!this.#mungeNames) return name.replace(/[./]/g, ' ');
    return name.replace(/[./\\]/g, (c) => ({ '.': '\\:', '/': '\\;', '\\': '\\\\' })[c]!);
  }
}
