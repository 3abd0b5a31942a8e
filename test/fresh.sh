#!/usr/bin/env bash
# Runs the README's two commands where nothing of ours ever ran: in a Debian
# root made for that, with Go and the tree as committed and nothing else. It
# needs root, debootstrap, Debian's mirror and Go's proxy, 5 GB and half an
# hour, so it is no part of .ci/run. What it made and started is gone when it ends.
#
#   test/fresh.sh [SUITE]      default: bookworm; KEEP=1 keeps the root
set -euo pipefail
suite=${1:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
if [ "$(id -u)" != 0 ]; then echo "test-fresh makes a root of its own: run it as root" >&2; exit 1; fi
command -v debootstrap >/dev/null || { echo "install debootstrap: apt-get install debootstrap" >&2; exit 1; }
cd "$(dirname "$0")/.."

root=$(mktemp -d "${TMPDIR:-/var/tmp}/dswatch-fresh.XXXXXX")
# Mounts and processes belong to the namespaces below and end with them.
chmod 755 "$root"
clean() { [ -n "${KEEP:-}" ] && echo "kept: $root" || rm -rf --one-file-system "$root"; }
trap clean EXIT
child=
trap '[ -z "$child" ] || kill -KILL "$child"; exit 130' INT TERM # unshare itself takes no TERM

echo "== debootstrap $suite"
debootstrap --variant=minbase --include=ca-certificates,make "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail "$root.log" >&2; exit 1; }
rm "$root.log"
# No init runs here, so packages start no services.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/"
cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/" # a proxy may have an authority of its own
cp -r "$(go env GOROOT)" "$root/usr/local/go"
mkdir "$root/root/dswatch"
git archive HEAD | tar -x -C "$root/root/dswatch"

run() { # CMD in the root, whose process 1 is the shell that starts it
  unshare --mount --pid --fork --kill-child bash -euc '
    root=$1; shift
    mount -t proc proc "$root/proc"
    for d in dev sys; do mount --rbind "/$d" "$root/$d"; done
    mount -t tmpfs tmpfs "$root/run"
    env -i HOME=/root TERM=dumb PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOPROXY="$GOPROXY" \
      chroot "$root" bash -c "cd /root/dswatch && $*"' run "$root" "$@" &
  child=$!
  wait "$child"
}
export GOPROXY="${GOPROXY:-$(go env GOPROXY)}"
rc=0
for c in "make demo" "make test"; do
  echo "== $c"
  start=$SECONDS
  run "$c" && echo "== $c passed after $((SECONDS - start)) s" || { rc=1; echo "== $c failed after $((SECONDS - start)) s"; }
done
# What failed, before the root goes.
[ "$rc" = 0 ] || grep -aE -B30 '^ *--- FAIL|^FAIL|^panic' "$root/root/dswatch/bin/test.log" | tail -n 400 || true
exit $rc
