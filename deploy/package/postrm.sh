#!/bin/sh
# After a removal, when configuration and data stay, and after dpkg's purge,
# when nothing of ours does.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
if [ "$1" = 0 ]; then # rpm, which knows no purge
  rm -f /etc/systemd/system/dswatch.service.d/root.conf
  rmdir /etc/systemd/system/dswatch.service.d 2>/dev/null || true
fi
if [ "$1" = purge ]; then
  rm -rf /etc/dswatch /var/lib/dswatch /var/lib/dswatch-open /etc/systemd/system/dswatch.service.d
  if getent passwd dswatch >/dev/null; then
    if command -v userdel >/dev/null; then userdel dswatch; else deluser --quiet dswatch; fi
  fi
fi
