#!/usr/bin/env bash
# Build a wheel of each member that is named, into a folder of their own: infra/wheels.sh dist shared online
# Without build isolation: the backend is the pinned uv-build of .venv, and nothing is downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
shift
export VIRTUAL_ENV=   # a surrounding environment must not leak in

rm -rf "$folder"
for member in "$@"; do
  .venv/bin/uv build --quiet --wheel --no-build-isolation --python .venv/bin/python \
    --out-dir "$folder" "$member"
done
