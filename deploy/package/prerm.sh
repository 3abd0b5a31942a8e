#!/bin/sh
# Before a removal, not before an upgrade: "remove" of dpkg, 0 of rpm.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
  systemctl disable --quiet --now dswatch.service dswatch-helper.socket
  systemctl stop dswatch-helper.service
fi
