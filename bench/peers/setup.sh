#!/bin/bash
# Sets up the servers Postrider is measured and tested beside, each from Debian's packages in a debootstrap tree of
# its own, with the same accounts (u1 to uN, password "pass", virtual, uid and gid 5000).
#
# usage: bench/peers/setup.sh courier|dovecot|cyrus [ACCOUNTS]
#
# Trees are in $POSTRIDER_PEERS (default /var/tmp/postrider-peers). Needs root, debootstrap and a Debian mirror.
# A tree that is there already is only configured again. Ports are chosen when a server is started.
set -eu
peer=$1
accounts=${2:-100}
suite=${POSTRIDER_PEERS_SUITE:-trixie}
root=${POSTRIDER_PEERS:-/var/tmp/postrider-peers}/$peer

case $peer in
  courier) packages='courier-imap courier-pop courier-authdaemon courier-authlib-userdb maildrop' ;;
  dovecot) packages='dovecot-imapd dovecot-pop3d' ;;
  cyrus) packages='cyrus-imapd cyrus-pop3d' ;;
  *) echo "setup.sh: unknown server: $peer" >&2; exit 1 ;;
esac

in_root() { chroot "$root" "$@"; }

mounted() { grep -q " $root/$1 " /proc/mounts; }

make_tree() {
  mkdir -p "$root"
  [ -f "$root/.complete" ] || [ ! -d "$root/usr" ] || { echo "setup.sh: $root is incomplete, remove it" >&2; exit 1; }
  [ -d "$root/usr" ] || debootstrap --variant=minbase "$suite" "$root"
  mounted proc || mount --bind /proc "$root/proc"
  mounted dev || mount --bind /dev "$root/dev"
  # Packages must not start their servers here.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  in_root apt-get update -q
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive in_root apt-get install -qy --no-install-recommends $packages
  in_root groupadd -g 5000 vmail
  in_root useradd -u 5000 -g 5000 -d /srv/mail -m vmail
  touch "$root/.complete"
}

# set_value FILE NAME VALUE: replaces Courier's line for a setting.
set_value() {
  sed -i "s|^$2=.*|$2=$3|" "$1"
}

configure_courier() {
  local etc=$root/etc/courier hash i
  set_value "$etc/authdaemonrc" authmodulelist '"authuserdb"'
  set_value "$etc/authdaemonrc" daemons 5
  for file in imapd pop3d; do
    set_value "$etc/$file" ADDRESS 127.0.0.1
    set_value "$etc/$file" MAXDAEMONS 2000
    set_value "$etc/$file" MAXPERIP 2000
  done
  set_value "$etc/imapd" IMAP_ULIMITD ''
  rm -f "$etc/userdb" "$etc/userdb.dat" "$etc/userdbshadow.dat"
  # SHA-256 of "pass"
  hash='{SHA256}10/w7o2juYBrGMh32/KbveULW9jk2tejpyUAD+uC6PE='
  for i in $(seq 1 "$accounts"); do
    printf 'u%d\tuid=5000|gid=5000|home=/srv/mail/u%d|mail=/srv/mail/u%d/Maildir|systempw=%s\n' "$i" "$i" "$i" "$hash"
  done >"$etc/userdb"
  chmod 600 "$etc/userdb"
  in_root /usr/sbin/makeuserdb
}

# Tuned: login processes serve many connections, imap processes are used again, passwords are looked up at once.
configure_dovecot() {
  cat >"$root/etc/dovecot/bench.conf" <<'CONF'
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = imap
listen = 127.0.0.1
base_dir = /run/dovecot
log_path = /var/log/dovecot.log
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain login
mail_driver = maildir
mail_home = /srv/mail/%{user}
mail_path = ~/Maildir
mail_uid = 5000
mail_gid = 5000
first_valid_uid = 5000
mail_max_userip_connections = 2000
default_client_limit = 12000
default_process_limit = 3000
passdb static {
  password = pass
}
userdb static {
}
service imap-login {
  restart_request_count = unlimited
  client_limit = 4000
  process_min_avail = 2
  process_limit = 2
  inet_listener imap {
    port = 3143
  }
  inet_listener imaps {
    port = 0
  }
}
service imap {
  restart_request_count = 100000
  process_min_avail = 8
  client_limit = 1
}
namespace inbox {
  inbox = yes
  separator = .
  prefix =
}
CONF
}

# Tuned: processes are started in advance and used again; any password is right.
configure_cyrus() {
  cat >"$root/etc/cyrus.conf" <<'CONF'
START {
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb -r"
}
SERVICES {
  imap cmd="imapd -U 100000 -T 60" listen="127.0.0.1:4143" prefork=8 maxchild=4000
}
EVENTS {
  checkpoint cmd="/usr/sbin/cyrus ctl_cyrusdb -c" period=30
}
CONF
  local conf=$root/etc/imapd.conf
  sed -i 's/^sasl_pwcheck_method:.*/sasl_pwcheck_method: alwaystrue/; s/^autocreate_quota:.*/autocreate_quota: 0/' "$conf"
  grep -q '^autocreate_post' "$conf" ||
    printf '%s\n' 'autocreate_post: yes' 'admins: cyrus' 'sasl_mech_list: PLAIN LOGIN' >>"$conf"
  in_root sh -c 'mkdir -p /run/cyrus/proc /run/cyrus/lock /run/cyrus/socket; chown -R cyrus:mail /run/cyrus; /usr/sbin/cyrus makedirs'
}

[ -f "$root/.complete" ] || make_tree
mounted proc || mount --bind /proc "$root/proc"
mounted dev || mount --bind /dev "$root/dev"
"configure_$peer"
