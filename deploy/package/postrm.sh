#!/bin/sh
# After a removal, when configuration and data stay, and after dpkg's purge,
# when nothing of ours does.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
if [ "$1" = purge ]; then
  rm -rf /etc/dswatch /var/lib/dswatch /var/lib/dswatch-open /etc/systemd/system/dswatch.service.d
  if getent passwd dswatch >/dev/null; then
    if command -v userdel >/dev/null; then userdel dswatch; else deluser --quiet dswatch; fi
  fi
fi
