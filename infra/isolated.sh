#!/usr/bin/env bash
# Install one tier's wheel, with that of `shared` and nothing else, from its own pins; call its command, and run
# its own tests there. Proves that the tier deploys alone: an import of another tier's library fails here.
set -euo pipefail
cd "$(dirname "$0")/.."
tier=$1
env=.venvs/$tier
uv=.venv/bin/uv
export VIRTUAL_ENV=   # a surrounding environment must not leak in

[ -x "$env/bin/python" ] || "$uv" venv --quiet --python .venv/bin/python "$env"
members=(shared)
[ "$tier" = shared ] || members+=("$tier")
infra/wheels.sh "$env/wheels" "${members[@]}"
"$uv" pip sync --quiet --python "$env" --require-hashes "requirements/$tier.txt"   # removes all else
"$uv" pip install --quiet --python "$env" --no-deps --reinstall "$env"/wheels/*.whl

if [ "$tier" != shared ]; then
  version=$(basename "$env"/wheels/marquee_"$tier"-*.whl | cut -d- -f2)
  said=$("$env/bin/marquee-$tier" --version)
  if [ "$said" != "marquee-$tier $version" ]; then
    echo "the wheel is $version, its command says: $said" >&2
    exit 1
  fi
  "$env/bin/marquee-$tier" --help >/dev/null
fi
"$uv" pip install --quiet --python "$env" --require-hashes -r requirements/test.txt
"$env/bin/python" -m pytest -q -p no:cacheprovider "tests/$tier"
