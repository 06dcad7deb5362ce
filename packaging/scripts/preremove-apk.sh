#!/bin/sh
# Of apk, whose upgrades do not run it.
rc-service --ifstarted porttrace stop || true
rc-update -q del porttrace || true
