import type { Command } from '../command.ts';
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './acl.ts';
import { aclStore } from './acl-store.ts';
import { append } from './append.ts';
import { authenticate } from './authenticate.ts';
import { capability } from './capability.ts';
import { check } from './check.ts';
import { close, unselect } from './close.ts';
import { compress } from './compress.ts';
import { copy, move } from './copy.ts';
import { create } from './create.ts';
import { deleteMailbox } from './delete.ts';
import { enable } from './enable.ts';
import { expunge } from './expunge.ts';
import { fetch } from './fetch.ts';
import { id } from './id.ts';
import { idle } from './idle.ts';
import { list, lsub } from './list.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { namespace } from './namespace.ts';
import { noop } from './noop.ts';
import { getQuota, getQuotaRoot, setQuota } from './quota.ts';
import { rename } from './rename.ts';
import { search } from './search.ts';
import { examine, select } from './select.ts';
import { sort, thread } from './sort.ts';
import { starttls } from './starttls.ts';
import { status } from './status.ts';
import { store } from './store.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

/** Every command there is. */
const commands: readonly Command[] = [
  aclStore,
  append,
  authenticate,
  capability,
  check,
  close,
  compress,
  copy,
  create,
  deleteAcl,
  deleteMailbox,
  enable,
  examine,
  expunge,
  fetch,
  getAcl,
  getQuota,
  getQuotaRoot,
  id,
  idle,
  list,
  listRights,
  login,
  logout,
  lsub,
  move,
  myRights,
  namespace,
  noop,
  rename,
  search,
  select,
  setAcl,
  setQuota,
  sort,
  starttls,
  status,
  store,
  subscribe,
  thread,
  unselect,
  unsubscribe,
];

const byName = new Map(commands.flatMap((each) => each.names.map((name) => [name, each] as const)));

/** @param name  upper case; `UID FETCH` is a name of its own */
export function findCommand(name: string): Command | undefined {
  return byName.get(name);
}
