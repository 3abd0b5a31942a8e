#!/usr/bin/env bash
# setup-wine10.sh [DIR]: Wine 10, from the packages of Debian 13, unpacked into
# DIR/root on a Debian 12 host. The host's own packages stay as they are, but
# for mmdebstrap, which is installed if it is missing. Needs root, 2 GB with the
# first session's files, and a minute. Does nothing when it was done before.
#
# Debian 12's own Wine 8 will not do: a service that was killed stays RUNNING
# and the owner of every port is pid 0.
set -euo pipefail
dir=${1:-/opt/dswatch-wine}
root=$dir/root
[ "$(id -u)" = 0 ] || {
  echo "the Windows tests need root on a Debian machine: they unpack Wine 10 (wine64 and libwine of Debian 13, with mmdebstrap) below $dir and run it in namespaces" >&2
  echo "run: sudo make test-windows" >&2
  exit 2
}
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9 # two runs at once would unpack into each other
[ -e "$root/.ready" ] && exit 0
if ! command -v mmdebstrap >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null
fi
rm -rf --one-file-system "$root"
# The mirror this machine already uses.
mirror=$(grep -ohsE 'https?://[^ ]+/debian/?$' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list | head -1 || true)
mirror=${mirror:-$(grep -ohsE '^deb .*' /etc/apt/sources.list /etc/apt/sources.list.d/*.list | grep -oE 'https?://[^ ]+/debian/? ' | head -1 | tr -d ' ' || true)}
[ -n "$mirror" ] || { echo "setup-wine10.sh: no Debian mirror in this machine's apt sources; add one" >&2; exit 2; }
# "extract" only unpacks: no maintainer script runs. libc-bin has the locale
# C.UTF-8, without which no file can have a Japanese name.
mmdebstrap --quiet --variant=extract --include=base-files,dash,coreutils,libc-bin,wine64,libwine trixie "$root" "$mirror"
[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
# What libwine's maintainer script does: without zlib1.dll marked as Wine's own,
# user32.dll does not load, and wineboot forks without end.
zlib=$root/usr/x86_64-w64-mingw32/lib/zlib1.dll
{ head -c 64 "$zlib"; printf 'Wine builtin DLL'; head -c 16 /dev/zero; tail -c +97 "$zlib"; } > "$root/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll"
rm -rf "$root/usr/lib/x86_64-linux-gnu/wine/i386-windows"
touch "$root/.ready"
