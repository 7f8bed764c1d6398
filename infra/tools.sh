#!/bin/sh
# What needs root, from Debian's own archive: a real browser for the tests of the pages, and a font for the scripts they speak.
# Installs only what is missing, asks nothing, and gives up after three tries.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || missing="chromium"
{ command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=ar file)" ]; } || missing="$missing fontconfig fonts-dejavu-core"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing here: $missing. make tools installs them as root on Debian; elsewhere install a Chromium named chromium yourself." >&2
    exit 3
fi

export DEBIAN_FRONTEND=noninteractive
for try in 1 2 3; do
    apt-get update -qq >/dev/null || true
    # shellcheck disable=SC2086  # several packages
    if apt-get install -y -qq --no-install-recommends -o Acquire::Retries=2 -o Dpkg::Use-Pty=0 $missing >/dev/null; then
        exit 0
    fi
    [ "$try" = 3 ] || sleep $((try * 5))
done
echo "Debian's archive did not give: $missing" >&2
exit 3
