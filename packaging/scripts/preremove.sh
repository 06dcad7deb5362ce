#!/bin/sh
# Of deb ("remove", "upgrade") and rpm (how many versions are left).
set -e

case "$1" in remove | 0) ;; *) exit 0 ;; esac
command -v systemctl >/dev/null || exit 0
systemctl --no-reload disable porttrace.service || true
[ ! -d /run/systemd/system ] || systemctl stop porttrace.service || true
