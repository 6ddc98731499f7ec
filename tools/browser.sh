#!/bin/sh
# Installs Chromium and a font for the tests of pages, where apt-get may; does nothing if it is there.

set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi
set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
$sudo "$@" >/dev/null 2>&1 || { $sudo apt-get update -qq >/dev/null && $sudo "$@" >/dev/null; } || {
    echo "browser: error: cannot install Chromium; run: sudo apt-get install chromium" >&2
    exit 1
}
