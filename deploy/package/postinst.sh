#!/bin/sh
# After an installation or an upgrade: "configure [OLD]" of dpkg, 1 or 2 of rpm.
set -e
case "$1" in
configure | 1 | 2) ;;
*) exit 0 ;;
esac

# The user of unprivileged.conf. A system without systemd has one of the others.
if ! getent passwd dswatch >/dev/null; then
  if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/dswatch.conf
  elif command -v useradd >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/dswatch --shell /usr/sbin/nologin dswatch
  else
    adduser --system --group --no-create-home --home /var/lib/dswatch --quiet dswatch
  fi
fi

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ "$1" = 1 ] || [ "$1" = configure ] && [ -z "$2" ]; then
    systemctl enable --quiet dswatch.service
  fi
  # What runs is started anew; what is not configured yet is not started.
  systemctl try-restart dswatch.service
fi
if [ ! -e /etc/dswatch/dswatch.yaml ]; then
  echo "dswatch is installed and not configured; next: dswatch check, then dswatch init -o /etc/dswatch/dswatch.yaml"
fi
