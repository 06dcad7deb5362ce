#!/bin/sh
# Of deb and rpm. Recordings are kept; deb deletes them with the settings ("purge").
set -e

if [ "$1" = purge ]; then
	# With DynamicUser the directory is below private, and the other a link to it.
	rm -rf /var/lib/porttrace /var/lib/private/porttrace
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
