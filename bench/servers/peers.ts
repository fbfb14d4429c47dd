import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProcessGroup } from '../control-group.ts';
import { freePort, mailOwner, type RunningServer, type ServerKind, waitForGreeting } from './server.ts';

/** Where `bench/peers/setup.sh` puts its trees. */
export const peersDirectory = process.env['POSTRIDER_PEERS'] ?? '/var/tmp/postrider-peers';

interface Peer {
  readonly name: string;
  /** A file of the tree, and the text in it that a port replaces. */
  readonly portFile: string;
  readonly portPattern: RegExp;
  readonly portText: (port: number) => string;
  /** The file that POP3's port stands in, and what it is made from. */
  readonly pop3?: {
    readonly file: string;
    readonly from: string;
    readonly text: (from: string, port: number) => string;
  };
  /** Shell commands inside the tree. */
  readonly startCommand: string;
  readonly stopCommand: string;
  /** The start command stays while the server runs. */
  readonly inForeground?: boolean;
  readonly hasMaildirs: boolean;
  readonly syncs?: 'never';
}

const peers: readonly Peer[] = [
  {
    name: 'courier',
    portFile: 'etc/courier/imapd',
    portPattern: /^PORT=.*$/m,
    portText: (port) => `PORT=${port}`,
    pop3: {
      file: 'etc/courier/pop3d',
      from: 'etc/courier/pop3d',
      text: (before, port) => before.replace(/^PORT=.*$/m, `PORT=${port}`),
    },
    startCommand: '/usr/sbin/authdaemond start; /usr/lib/courier/imapd start; /usr/lib/courier/pop3d start',
    stopCommand: '/usr/lib/courier/pop3d stop; /usr/lib/courier/imapd stop; /usr/sbin/authdaemond stop',
    hasMaildirs: true,
    syncs: 'never',
  },
  {
    name: 'dovecot',
    portFile: 'etc/dovecot/bench.conf',
    portPattern: /(inet_listener imap \{\s*port = )\d+/,
    portText: (port) => `$1${port}`,
    pop3: { file: 'etc/dovecot/bench-pop3.conf', from: 'etc/dovecot/bench.conf', text: dovecotPop3 },
    startCommand: 'dovecot -c /etc/dovecot/bench-pop3.conf',
    stopCommand: 'doveadm -c /etc/dovecot/bench-pop3.conf stop',
    hasMaildirs: true,
  },
  {
    name: 'cyrus',
    portFile: 'etc/cyrus.conf',
    portPattern: /listen="127\.0\.0\.1:\d+"/,
    portText: (port) => `listen="127.0.0.1:${port}"`,
    startCommand:
      'mkdir -p /run/cyrus/proc /run/cyrus/lock /run/cyrus/socket; chown -R cyrus:mail /run/cyrus; exec /usr/sbin/cyrmaster -D',
    stopCommand: '',
    inForeground: true,
    hasMaildirs: false,
  },
];

/** Tuned as IMAP is: processes are started in advance and used again. */
function dovecotPop3(imap: string, port: number): string {
  return `${imap.replace(/^protocols = .*$/m, 'protocols = imap pop3')}
service pop3-login {
  restart_request_count = unlimited
  client_limit = 4000
  process_min_avail = 2
  process_limit = 2
  inet_listener pop3 {
    port = ${port}
  }
  inet_listener pop3s {
    port = 0
  }
}
service pop3 {
  restart_request_count = 100000
  process_min_avail = 8
  client_limit = 1
}
`;
}

/** Courier, Dovecot and Cyrus as `bench/peers/setup.sh` made them. */
export function peerKinds(): ServerKind[] {
  return peers.map(peerKind);
}

function peerKind(peer: Peer): ServerKind {
  const root = join(peersDirectory, peer.name);
  return {
    name: peer.name,
    owner: mailOwner,
    ...(peer.syncs ? { syncs: peer.syncs } : {}),
    missing: () => {
      if (process.getuid?.() !== 0) return 'its tree can be entered by root only';
      return existsSync(join(root, '.complete'))
        ? undefined
        : `no tree in ${root}: run bench/peers/setup.sh ${peer.name}`;
    },
    ...(peer.hasMaildirs ? { maildir: (account: number) => join(root, `srv/mail/u${account}/Maildir`) } : {}),
    prepare: (accounts) => {
      for (let account = 1; peer.hasMaildirs && account <= accounts; account++) {
        const home = join(root, `srv/mail/u${account}`);
        mkdirSync(home, { recursive: true });
        chownSync(home, mailOwner.uid, mailOwner.gid);
      }
    },
    start: () => start(peer, root),
  };
}

async function start(peer: Peer, root: string): Promise<RunningServer> {
  const port = await freePort();
  const portFile = join(root, peer.portFile);
  writeFileSync(portFile, readFileSync(portFile, 'utf8').replace(peer.portPattern, peer.portText(port)));
  const pop3Port = peer.pop3 && (await freePort());
  if (peer.pop3 && pop3Port !== undefined) {
    const text = peer.pop3.text(readFileSync(join(root, peer.pop3.from), 'utf8'), pop3Port);
    writeFileSync(join(root, peer.pop3.file), text);
  }
  const group = createProcessGroup(`${peer.name}-${port}`);
  const command = [...group.prefix, 'chroot', root, 'sh', '-c', peer.startCommand];
  const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
  group.started(child.pid!);
  if (!peer.inForeground) await once(child, 'exit');
  const stop = async () => {
    if (peer.stopCommand !== '')
      execFileSync('chroot', [root, 'sh', '-c', peer.stopCommand], { stdio: 'ignore' });
    await group.remove();
  };
  try {
    await waitForGreeting(port);
    if (pop3Port !== undefined) await waitForGreeting(pop3Port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: peer.name, port, ...(pop3Port !== undefined && { pop3Port }), group, stop };
}
