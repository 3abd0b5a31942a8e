#!/usr/bin/env bash
# Installs, upgrades, downgrades, removes and purges our deb and rpm with the
# real dpkg and rpm, in a root that is a copy of this one for as long as that
# lasts. It needs root.
#
#   test/packages.sh OLD NEW      folders with a deb and an rpm of two versions
set -euo pipefail
old=$(realpath "$1") new=$(realpath "$2")
if [ "$(id -u)" != 0 ]; then echo "test/packages.sh mounts a root of its own: run it as root" >&2; exit 1; fi
if [ -z "${DSWATCH_PACKAGES_INSIDE:-}" ]; then
  exec env DSWATCH_PACKAGES_INSIDE=1 unshare --mount --pid --fork --kill-child "$(realpath "$0")" "$old" "$new"
fi

# What is written goes to memory and ends with the namespace.
room=$(mktemp -d)
mount -t tmpfs -o size=600m tmpfs "$room"
mkdir -p "$room"/{upper,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" overlay "$room/root"
mkdir -p "$room/root/mnt/old" "$room/root/mnt/new" "$room/root/run"
cp "$old"/*.deb "$old"/*.rpm "$room/root/mnt/old/"
cp "$new"/*.deb "$new"/*.rpm "$room/root/mnt/new/"
mount -t proc proc "$room/root/proc"
mount --bind /dev "$room/root/dev"
cat >"$room/root/mnt/inside.sh" <<'INSIDE'
set -euo pipefail
say() { echo "== $*"; }
die() { echo "FAIL: $*" >&2; exit 1; }
# Everything but what dpkg, rpm and the user database keep of themselves.
ours() { find /etc /usr /var /opt /srv /lib /bin /sbin -xdev \( -path /var/lib/dpkg -o -path /var/lib/rpm -o -path /var/log -o -path /var/cache -o -path /var/tmp \) -prune -o -print |
  grep -vxE '/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?|/etc/\.pwd\.lock|/usr/lib/sysimage/rpm.*' | sort; }
version() { dswatch --version | cut -d' ' -f2; }
is() { [ "$1" = "$2" ] || die "$3: $1, want $2"; }
kept() { grep -q 'by hand' /etc/dswatch/dswatch.yaml || die "the configuration is gone after $1"; grep -q data /var/lib/dswatch/kept || die "the data are gone after $1"; }
old=$(cd /mnt/old && basename *.deb) new=$(cd /mnt/new && basename *.deb)
v() { dpkg-deb -f "$1" Version; }

rm -rf /etc/dswatch /var/lib/dswatch # of whoever tried it by hand on this machine
ours >/mnt/before
say "dpkg: install $old"
dpkg -i /mnt/old/*.deb
[ "$(stat -c %a /etc/dswatch)" = 755 ] || die "/etc/dswatch"
getent passwd dswatch >/dev/null || die "no user"
[ ! -e /etc/dswatch/dswatch.yaml ] || die "it came configured"
man -l /usr/share/man/man1/dswatch.1.gz >/dev/null 2>&1 || zcat /usr/share/man/man1/dswatch.1.gz | grep -q '^.TH DSWATCH' || die "no manual page"
bash -c '. /usr/share/bash-completion/completions/dswatch' || die "completion"
dswatch config check -c /usr/share/doc/dswatch/dswatch.yaml.example >/dev/null || die "the example is wrong"
grep -q '^ExecStart=/usr/bin/dswatch ' /usr/lib/systemd/system/dswatch.service || die "the unit runs another program"
for unit in dswatch.service dswatch-helper.service dswatch-helper.socket; do
  systemd-analyze verify --man=no /usr/lib/systemd/system/$unit || die "$unit"
done
[ ! -e /etc/systemd/system/dswatch.service.d ] || die "a new service is root's"
first=$(version)
dswatch init -o /etc/dswatch/dswatch.yaml
dswatch config check >/dev/null || die "what init wrote is wrong"
echo '# by hand' >>/etc/dswatch/dswatch.yaml
mkdir -p /var/lib/dswatch && echo data >/var/lib/dswatch/kept
say "dpkg: upgrade to $new"
dpkg -i /mnt/new/*.deb
grep -q '^User=root$' /etc/systemd/system/dswatch.service.d/root.conf || die "the service of root's did not stay root's"
rm -r /etc/systemd/system/dswatch.service.d && chown dswatch: /var/lib/dswatch # as its administrator and systemd do
second=$(version)
[ "$first" != "$second" ] || die "still $first"
kept upgrade
say "dpkg: downgrade by one"
dpkg -i /mnt/old/*.deb 2>&1 | grep -v 'downgrading'
is "$(version)" "$first" "after the downgrade"
[ ! -e /etc/systemd/system/dswatch.service.d ] || die "the service became root's again"
kept downgrade
say "dpkg: remove"
dpkg -r dswatch
[ ! -e /usr/bin/dswatch ] || die "the program is still there"
kept removal
say "dpkg: purge"
dpkg -P dswatch
ours >/mnt/after
diff /mnt/before /mnt/after || die "that is left after the purge"
! getent passwd dswatch || die "the user is left"

# Debian's packages are unknown to rpm, so nothing fulfils what it needs.
say "rpm: install"
rpm -i --nodeps /mnt/old/*.rpm
is "$(version)" "$first" "after rpm -i"
dswatch init -o /etc/dswatch/dswatch.yaml && echo '# by hand' >>/etc/dswatch/dswatch.yaml
mkdir -p /var/lib/dswatch && echo data >/var/lib/dswatch/kept
rpm -V --nodeps dswatch || die "rpm does not find what it installed"
say "rpm: upgrade"
rpm -U --nodeps /mnt/new/*.rpm
is "$(version)" "$second" "after rpm -U"
kept upgrade
say "rpm: downgrade by one"
rpm -U --nodeps --oldpackage /mnt/old/*.rpm
is "$(version)" "$first" "after rpm -U --oldpackage"
kept downgrade
say "rpm: erase"
rpm -e dswatch
[ ! -e /usr/bin/dswatch ] || die "the program is still there"
[ ! -e /etc/systemd/system/dswatch.service.d ] || die "a drop-in is left after rpm -e"
kept removal
say passed
INSIDE
chroot "$room/root" /bin/bash /mnt/inside.sh
