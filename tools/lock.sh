#!/bin/sh
# Writes the versions installed in .venv to requirements.lock, without local suffixes such as "+cpu".

set -eu
cd "$(dirname "$0")/.."
lock=requirements.lock
{
    head -n 1 "$lock"
    .venv/bin/python -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$//' | LC_ALL=C sort -f
} > "$lock.partial"
mv "$lock.partial" "$lock"
