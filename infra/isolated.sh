#!/usr/bin/env bash
# Install one tier, with `shared` and nothing else, from its own pins, and run its own tests there.
# Proves that the tier deploys alone: an import of another tier's library fails here.
set -euo pipefail
cd "$(dirname "$0")/.."
tier=$1
env=.venvs/$tier
uv=.venv/bin/uv
export VIRTUAL_ENV=   # a surrounding environment must not leak in

[ -x "$env/bin/python" ] || "$uv" venv --quiet --python .venv/bin/python "$env"
"$uv" pip sync --quiet --python "$env" --require-hashes "requirements/$tier.txt"
"$uv" pip install --quiet --python "$env" --require-hashes -r requirements/test.txt
rm -rf "$env/wheels"
"$uv" build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir "$env/wheels" shared
[ "$tier" = shared ] ||
  "$uv" build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir "$env/wheels" "$tier"
"$uv" pip install --quiet --python "$env" --no-deps --reinstall "$env"/wheels/*.whl
"$env/bin/python" -m pytest -q -p no:cacheprovider "tests/$tier"
