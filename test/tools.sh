#!/usr/bin/env bash
# Installs the real far ends that the tests talk to, when run as root on
# Debian; says what to install otherwise. A missing tool is a failure.
set -euo pipefail
declare -A package=(
  [snmptrapd]=snmptrapd [snmptranslate]=snmp [rsyslogd]=rsyslog [openssl]=openssl [tshark]=tshark
  [smilint]=smitools [dbus-daemon]=dbus-daemon [docker-compose]=docker-compose [gcc]=gcc [systemd-analyze]=systemd [ip]=iproute2
  [prometheus-alertmanager]=prometheus-alertmanager [promtool]=prometheus
  [exim4]=exim4-daemon-light [sshd]=openssh-server [bsd-csh]=csh [tcsh]=tcsh [snmptt]=snmptt [nagios4]=nagios4-core
  [chromium]=chromium
  [zip]=zip [rpm]=rpm [rpmbuild]=rpm [dpkg]=dpkg [dpkg-deb]=dpkg
)
PATH=$PATH:/usr/sbin:/sbin
missing=()
for tool in "${!package[@]}"; do
  command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
done
# rsyslog's TLS driver is a library, not a command.
compgen -G '/usr/lib/*/rsyslog/lmnsd_ossl.so' >/dev/null || missing+=(rsyslog-openssl)
# syslog-ng takes the place of rsyslog where it is installed, so it is unpacked.
unpacked=/opt/syslog-ng
syslog_ng=
if ! command -v syslog-ng >/dev/null && [ ! -x $unpacked/usr/sbin/syslog-ng ]; then
  syslog_ng=yes
  missing+=(libivykis0 libnet1 libjson-c5 libwrap0 libpcre3 libcap2 libglib2.0-0)
fi
# Chromium shows Japanese with whatever font there is.
compgen -G '/usr/share/fonts/opentype/ipafont-gothic/*' >/dev/null || missing+=(fonts-ipafont-gothic)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the tests need: ${missing[*]}" >&2
  echo "install them, on Debian with: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
if [ -n "$syslog_ng" ]; then
  dir=$(mktemp -d)
  (cd "$dir" && apt-get download -q syslog-ng-core >/dev/null 2>&1)
  mkdir -p $unpacked
  dpkg-deb -x "$dir"/syslog-ng-core_*.deb $unpacked
  rm -rf "$dir"
fi
