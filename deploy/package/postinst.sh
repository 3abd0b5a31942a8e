#!/bin/sh
# After an installation or an upgrade: "configure [OLD]" of dpkg, 1 or 2 of rpm.
set -e
case "$1" in
configure | 1 | 2) ;;
*) exit 0 ;;
esac

# The user of the service. A system without systemd has one of the others.
if ! getent passwd dswatch >/dev/null; then
  if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/dswatch.conf
  elif command -v useradd >/dev/null; then
    group=--user-group
    if getent group dswatch >/dev/null; then group="--gid dswatch"; fi # of those who may ask without root
    useradd --system $group --no-create-home --home-dir /var/lib/dswatch --shell /usr/sbin/nologin dswatch
  else
    adduser --system --group --no-create-home --home /var/lib/dswatch --quiet dswatch
  fi
fi

# A service that was root's stays root's, and so does one of a systemd that gives
# no rights to others: nothing that runs is to stop. The file says how to change it.
own=/etc/systemd/system/dswatch.service.d
systemd=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p') || systemd=
if { [ "$1" = 2 ] || [ "$1" = configure ] && [ -n "$2" ]; } && [ -d /var/lib/dswatch ] && [ "$(stat -c %u /var/lib/dswatch)" = 0 ] ||
  { [ -n "$systemd" ] && [ "$systemd" -lt 235 ]; }; then
  mkdir -p $own
  cp /usr/share/doc/dswatch/root.conf $own/root.conf
  echo "the service dswatch runs as root; $own/root.conf says how it gets a user of its own"
fi

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ "$1" = 1 ] || [ "$1" = configure ] && [ -z "$2" ]; then
    systemctl enable --quiet dswatch.service
  fi
  systemctl enable --quiet dswatch-helper.socket
  systemctl start dswatch-helper.socket || true # status says what is not known without it
  # What runs is started anew; what is not configured yet is not started.
  systemctl try-restart dswatch.service
fi
if [ ! -e /etc/dswatch/dswatch.yaml ]; then
  echo "dswatch is installed and not configured; next: dswatch check, then dswatch init -o /etc/dswatch/dswatch.yaml"
fi
