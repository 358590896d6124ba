#!/usr/bin/env bash
# Pins with hashes, universal over platforms and Python >= 3.11, without any index address.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() {
  "$uv" pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --python-version 3.11 "$@"
}
lock_dev() {
  compile --group dev {shared,offline,nearline,online,infra}/pyproject.toml \
    --no-emit-package marquee-shared --no-emit-package marquee-offline \
    --no-emit-package marquee-nearline --no-emit-package marquee-online -o requirements/dev.txt
}
lock_dev
for tier in shared offline nearline online; do   # dev.txt constrains: one version everywhere
  compile -c requirements/dev.txt shared/pyproject.toml "$tier/pyproject.toml" \
    --no-emit-package marquee-shared -o "requirements/$tier.txt"
done
for group in test build; do
  compile -c requirements/dev.txt --group "$group" -o "requirements/$group.txt"
done
compile -c requirements/dev.txt shared/pyproject.toml --group visitors \
  --no-emit-package marquee-shared -o requirements/visitors.txt
